#include "monitor/nvml_events.h"

#include "base/text.h"
#include "base/time.h"

namespace tacho {
namespace {

constexpr std::uint64_t event_xid = 0x8;
// Of one call; a storm of faults goes on in the next.
constexpr int most_events = 1000;

}  // namespace

void NvmlEvents::watch(const NvmlDevice& device) {
  if (watched_.contains(device.handle)) return;
  if (set_ == nullptr) {
    if (const int code = api_.event_set_create(&set_); code != nvml_success) {
      set_ = nullptr;
      refused_[device.id] = {code, api_.event_set_create.name};
      return;
    }
  }
  std::uint64_t types = 0;
  int code = api_.event_types(device.handle, &types);
  if (code == nvml_success && (types & event_xid) == 0) code = nvml_not_supported;
  if (code != nvml_success) {
    refused_[device.id] = {code, api_.event_types.name};
    return;
  }
  code = api_.register_events(device.handle, event_xid, set_);
  if (code != nvml_success) {
    refused_[device.id] = {code, api_.register_events.name};
    return;
  }
  refused_.erase(device.id);
  watched_[device.handle] = device.id;
}

void NvmlEvents::forget() {
  if (set_ != nullptr) api_.event_set_free(set_);
  set_ = nullptr;
  watched_.clear();
}

bool NvmlEvents::collect() {
  if (set_ == nullptr) return true;
  for (int i = 0; i < most_events; ++i) {
    NvmlEvent event{};
    // No time to wait: what is there is there. When nothing is, the answer is "timeout".
    const int code = api_.event_wait(set_, &event, 0);
    if (code != nvml_success) return code == nvml_timeout;
    const auto device = watched_.find(event.device);
    if (event.type != event_xid || device == watched_.end()) continue;
    Fault& fault = faults_[device->second][static_cast<unsigned>(event.data)];
    fault.count += 1.0;
    fault.at_s = 1e-9 * static_cast<double>(wall_clock_ns());
  }
  return true;
}

void NvmlEvents::read(NvmlReader& reader, const NvmlDevice& device) const {
  const auto refused = refused_.find(device.id);
  if (refused != refused_.end()) {
    reader.took(refused->second.first, refused->second.second, quantity::device_faults);
    return;
  }
  // A series that is there before the first fault lets Prometheus see it grow.
  reader.subject().add(quantity::device_faults, 0.0, {{"code", "none"}});
  const auto faults = faults_.find(device.id);
  if (faults == faults_.end()) return;
  for (const auto& [code, fault] : faults->second) {
    const Labels labels{{"code", format("{}", code)}};
    reader.subject().add(quantity::device_faults, fault.count, labels);
    reader.subject().add(quantity::device_fault_time, fault.at_s, labels);
  }
}

}  // namespace tacho
