#include "monitor/nvml_activity.h"

#include <cmath>

namespace tacho {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;

/// A number of NVML's list of metrics, and what it is for us.
struct ActivityName {
  unsigned id;
  const Quantity* quantity;
  double scale;
};

constexpr ActivityName activity_names[] = {
    {2, &quantity::device_sm_active, 0.01},
    {3, &quantity::device_sm_occupancy, 0.01},
    {5, &quantity::device_tensor_active, 0.01},
    {10, &quantity::device_dram_active, 0.01},
    {20, &quantity::device_pcie_transmit, mebibyte},
    {21, &quantity::device_pcie_receive, mebibyte},
    {61, &quantity::device_link_transmit_rate, mebibyte},
    {60, &quantity::device_link_receive_rate, mebibyte},
};

/// Samples that are closer to each other than this are of no use (NVML's documentation).
constexpr Duration least_distance = std::chrono::milliseconds(100);

}  // namespace

NvmlActivity::NvmlActivity(const NvmlApi& api, const NvmlDevice& device, NvmlHandle parent)
    : api_(api), parent_(parent), gpu_instance_(device.gpu_instance), is_part_(device.is_part) {
  NvmlGpmSupport support{1, 0};
  const int code = api_.gpm_support(parent_, &support);
  is_offered_ = code == nvml_success && support.is_supported != 0;
  if (!is_offered_) {
    why_not_ = code != nvml_success && code != nvml_not_supported
                   ? std::string(api_.gpm_support.name) + ": " + nvml_words(code)
                   : "NVML has it from GPUs of the Hopper generation on; for older ones a "
                     "dcgm-exporter has it (--exporter URL)";
    return;
  }
  for (NvmlHandle& sample : samples_) {
    if (api_.gpm_alloc(&sample) != nvml_success) sample = nullptr;
  }
}

NvmlActivity::~NvmlActivity() {
  for (const NvmlHandle sample : samples_) {
    if (sample != nullptr) api_.gpm_free(sample);
  }
}

int NvmlActivity::take_sample(NvmlHandle sample) {
  return is_part_ ? api_.gpm_sample_mig(parent_, gpu_instance_, sample)
                  : api_.gpm_sample(parent_, sample);
}

void NvmlActivity::ask() {
  question_ = {};
  question_.version = 1;
  question_.first = samples_[0];
  question_.second = samples_[1];
  for (const ActivityName& name : activity_names) {
    question_.metrics[question_.count++].id = name.id;
  }
  code_ = api_.gpm_metrics(&question_);
  has_answer_ = true;
}

void NvmlActivity::read(NvmlReader& reader) {
  if (!is_offered_) return miss_all(reader.subject(), why_not_);
  if (samples_[0] == nullptr || samples_[1] == nullptr) {
    return miss_all(reader.subject(), "nvmlGpmSampleAlloc gave no sample");
  }
  const Instant now = monotonic_now();
  const bool is_first = !happened(sampled_at_);
  // Who asks more often is told the same again.
  if (is_first || now - sampled_at_ >= least_distance) {
    std::swap(samples_[0], samples_[1]);
    const int code = take_sample(samples_[1]);
    reader.watch(code, api_.gpm_sample.name);
    sampled_at_ = code == nvml_success ? now : never;
    if (code != nvml_success) {
      return miss_all(reader.subject(),
                      std::string(api_.gpm_sample.name) + ": " + nvml_words(code));
    }
    if (is_first) return miss_all(reader.subject(), "it is a difference of two readings");
    ask();
  }
  if (!has_answer_) return miss_all(reader.subject(), "it is a difference of two readings");
  for (std::size_t i = 0; i < std::size(activity_names); ++i) {
    const NvmlGpmMetric& metric = question_.metrics[i];
    const int code = code_ != nvml_success ? code_ : metric.code;
    const Quantity& quantity = *activity_names[i].quantity;
    if (!reader.took(code, api_.gpm_metrics.name, quantity)) continue;
    if (std::isfinite(metric.value)) {
      reader.subject().add(quantity, activity_names[i].scale * metric.value);
    } else {
      reader.subject().miss(quantity, "the driver gave no number");
    }
  }
}

void NvmlActivity::miss_all(Subject& subject, const std::string& why) {
  for (const ActivityName& name : activity_names) {
    // PCIe has another way.
    const bool is_pcie = name.quantity == &quantity::device_pcie_transmit ||
                         name.quantity == &quantity::device_pcie_receive;
    if (!is_pcie) subject.miss(*name.quantity, why);
  }
}

}  // namespace tacho
