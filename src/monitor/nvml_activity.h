// What the units of a GPU do (GPM): multiprocessors, matrix units, memory, PCIe, NVLink. NVML has
// it from Hopper on, as a difference of two samples that we keep.
#pragma once

#include "base/time.h"
#include "monitor/nvml_device.h"

namespace tacho {

/// The samples of one GPU, or of a part of one.
class NvmlActivity {
 public:
  /// `parent` is the GPU of a part, and the same as the device's own handle otherwise.
  NvmlActivity(const NvmlApi& api, const NvmlDevice& device, NvmlHandle parent);
  ~NvmlActivity();
  NvmlActivity(const NvmlActivity&) = delete;
  NvmlActivity& operator=(const NvmlActivity&) = delete;

  /// True where the GPU offers it.
  bool is_offered() const { return is_offered_; }
  /// Adds what the units did since the last reading, or why that is not known.
  void read(NvmlReader& reader);
  /// Notes for each quantity why there is no activity.
  static void miss_all(Subject& subject, const std::string& why);

 private:
  int take_sample(NvmlHandle sample);
  void ask();

  const NvmlApi& api_;
  NvmlHandle parent_;
  unsigned gpu_instance_;
  bool is_part_;
  bool is_offered_ = false;
  std::string why_not_;
  NvmlHandle samples_[2] = {nullptr, nullptr};  ///< The older first.
  Instant sampled_at_ = never;
  int code_ = nvml_timeout;
  bool has_answer_ = false;
  NvmlGpmQuestion question_{};
};

}  // namespace tacho
