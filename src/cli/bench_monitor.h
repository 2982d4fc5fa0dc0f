// `tacho bench --monitor`: samples engines, devices and the host while cells run, into the run
// directory, on the clock of the requests.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/file.h"
#include "monitor/sampler.h"

namespace tacho {

struct BenchOptions;
struct CheckedTarget;

/// Writes readings until dropped.
class RunMonitor {
 public:
  /// Starts to sample the engines at these URLs, this machine and its devices, every `period`. The
  /// error is about a URL or the file.
  static Result<std::unique_ptr<RunMonitor>> start(const std::vector<std::string>& engines,
                                                   const std::string& run_directory,
                                                   Duration period);
  ~RunMonitor();
  RunMonitor(const RunMonitor&) = delete;
  RunMonitor& operator=(const RunMonitor&) = delete;

  /// Reads everything once now, as at a cell's end, so that what counters grew by is the cell's.
  void read_now();
  /// Why writing failed (a full disk); empty when it did not.
  std::string failure() const;

 private:
  RunMonitor(std::vector<ProbePtr> probes, AppendFile file, Duration period);
  void write_on();
  void write_new(const Snapshot& snapshot);

  Duration period_;
  AppendFile file_;
  Sampler sampler_;
  std::vector<std::pair<std::string, Instant>> written_;  ///< Each subject's last reading.
  std::mutex writing_;                                    ///< Of `written_` and the file.
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;
  std::string failure_;
  std::thread thread_;
};

/// The monitor that the options ask for, or null: of the target's own metrics page, or those that
/// were named.
Result<std::unique_ptr<RunMonitor>> start_monitor(const BenchOptions& options,
                                                  const CheckedTarget& target,
                                                  const std::string& run_directory);

}  // namespace tacho
