// Faults of GPUs (Xid): the driver reports each once, to whoever registered before it happened.
#pragma once

#include <map>
#include <string>

#include "monitor/nvml_device.h"

namespace tacho {

/// Counts faults by GPU and code, from the first GPU that it is told to watch.
class NvmlEvents {
 public:
  explicit NvmlEvents(const NvmlApi& api) : api_(api) {}
  ~NvmlEvents() { forget(); }
  NvmlEvents(const NvmlEvents&) = delete;
  NvmlEvents& operator=(const NvmlEvents&) = delete;

  /// Begins to watch a GPU; one that is watched already is left as it is.
  void watch(const NvmlDevice& device);
  /// Ends all watching, before the library is shut down; counts stay.
  void forget();
  /// Takes what happened since the last call. Never waits. False when the driver cannot say: then
  /// forget, and watch anew.
  bool collect();
  /// Adds the counts of a GPU, or why there are none.
  void read(NvmlReader& reader, const NvmlDevice& device) const;

 private:
  /// What is known of one code.
  struct Fault {
    double count = 0.0;
    double at_s = 0.0;  ///< When the latest came, seconds since 1970.
  };
  const NvmlApi& api_;
  NvmlHandle set_ = nullptr;
  std::map<NvmlHandle, std::string> watched_;                   ///< The ids.
  std::map<std::string, std::pair<int, const char*>> refused_;  ///< By id: the answer, and whose.
  std::map<std::string, std::map<unsigned, Fault>> faults_;     ///< By id and code.
};

}  // namespace tacho
