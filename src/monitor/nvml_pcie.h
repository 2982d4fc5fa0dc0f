// PCIe throughput of GPUs that have no activity (GPM): NVML counts for 20 ms in each call, so eight
// GPUs take a third of a second. It is asked on a thread of its own.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "monitor/nvml_reader.h"

namespace tacho {

/// Asks for the throughput of some GPUs, again and again, until dropped.
class NvmlPcieMeter {
 public:
  NvmlPcieMeter(const NvmlApi& api, std::vector<NvmlHandle> devices);
  ~NvmlPcieMeter();
  NvmlPcieMeter(const NvmlPcieMeter&) = delete;
  NvmlPcieMeter& operator=(const NvmlPcieMeter&) = delete;

  /// Adds what was read last. The first call of all waits until each GPU has been asked once.
  void read(NvmlReader& reader);

 private:
  /// What was answered of one GPU; KB/s.
  struct Answer {
    int code = nvml_success;
    unsigned transmit = 0, receive = 0;
  };
  void measure();

  const NvmlApi& api_;
  std::vector<NvmlHandle> devices_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ = false, has_waited_ = false;
  std::map<NvmlHandle, Answer> answers_;
  std::thread thread_;
};

}  // namespace tacho
