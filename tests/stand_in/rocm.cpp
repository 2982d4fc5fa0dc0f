// Stands in for AMD's librocm_smi64.so.1: the same symbols and structures, with the answers of a
// script (see script.h). Built with TACHO_STAND_IN_OLD, it lacks a process' memory by device.
#include "monitor/rocm_api.h"
#include "script.h"

#define EXPORT extern "C" __attribute__((visibility("default"))) int

using namespace tacho;           // NOLINT: a test's own library
using namespace tacho_stand_in;  // NOLINT

namespace {

struct State {
  std::mutex mutex;
  Script script;
};

State& state() {
  static State the_state;
  return the_state;
}

/// A call of the library, about a device or the whole system.
struct Call {
  explicit Call(const char* function) : lock(state().mutex) { begin(function); }
  Call(const char* function, std::uint32_t device)
      : lock(state().mutex), who(std::to_string(device)) {
    begin(function);
  }
  void begin(const char* function) {
    state().script.refresh();
    code = state().script.failure(function, who);
  }
  template <class T>
  int give(const std::string& key, T* out) {
    double value = 0.0;
    if (code == 0 && !state().script.value(who, key, value)) code = rocm_not_supported;
    if (code == 0) *out = static_cast<T>(value);
    return code;
  }
  std::lock_guard<std::mutex> lock;
  std::string who = "system";
  int code = 0;
};

constexpr double mebibyte = 1024.0 * 1024.0;

}  // namespace

EXPORT rsmi_init(std::uint64_t) { return Call("rsmi_init").code; }
EXPORT rsmi_shut_down() { return 0; }
EXPORT rsmi_num_monitor_devices(std::uint32_t* out) {
  Call call("rsmi_num_monitor_devices");
  *out = static_cast<std::uint32_t>(state().script.devices());
  return call.code;
}
EXPORT rsmi_dev_name_get(std::uint32_t device, char* out, std::size_t room) {
  Call call("rsmi_dev_name_get", device);
  put_text(out, room, state().script.text(call.who, "name"));
  return call.code;
}
EXPORT rsmi_dev_unique_id_get(std::uint32_t device, std::uint64_t* out) {
  return Call("rsmi_dev_unique_id_get", device).give("unique_id", out);
}
EXPORT rsmi_dev_pci_id_get(std::uint32_t device, std::uint64_t* out) {
  return Call("rsmi_dev_pci_id_get", device).give("pci_id", out);
}
EXPORT rsmi_dev_pci_replay_counter_get(std::uint32_t device, std::uint64_t* out) {
  return Call("rsmi_dev_pci_replay_counter_get", device).give("pcie_replays", out);
}
EXPORT rsmi_dev_busy_percent_get(std::uint32_t device, std::uint32_t* out) {
  return Call("rsmi_dev_busy_percent_get", device).give("busy", out);
}
EXPORT rsmi_dev_memory_busy_percent_get(std::uint32_t device, std::uint32_t* out) {
  return Call("rsmi_dev_memory_busy_percent_get", device).give("memory_busy", out);
}
EXPORT rsmi_dev_memory_total_get(std::uint32_t device, int, std::uint64_t* out) {
  return Call("rsmi_dev_memory_total_get", device).give("vram_total", out);
}
EXPORT rsmi_dev_memory_usage_get(std::uint32_t device, int, std::uint64_t* out) {
  return Call("rsmi_dev_memory_usage_get", device).give("vram_used", out);
}
EXPORT rsmi_dev_temp_metric_get(std::uint32_t device, std::uint32_t sensor, int metric,
                                std::int64_t* out) {
  Call call("rsmi_dev_temp_metric_get", device);
  return call.give(
      "temperature_" + std::to_string(sensor) + (metric == rocm_critical ? "_critical" : ""), out);
}
EXPORT rsmi_dev_power_ave_get(std::uint32_t device, std::uint32_t, std::uint64_t* out) {
  return Call("rsmi_dev_power_ave_get", device).give("power_uw", out);
}
EXPORT rsmi_dev_power_cap_get(std::uint32_t device, std::uint32_t, std::uint64_t* out) {
  return Call("rsmi_dev_power_cap_get", device).give("power_cap_uw", out);
}
EXPORT rsmi_dev_energy_count_get(std::uint32_t device, std::uint64_t* counter, float* resolution,
                                 std::uint64_t* timestamp) {
  Call call("rsmi_dev_energy_count_get", device);
  *timestamp = 1;
  call.give("energy_resolution_uj", resolution);
  return call.give("energy_count", counter);
}
EXPORT rsmi_dev_fan_speed_get(std::uint32_t device, std::uint32_t, std::int64_t* out) {
  return Call("rsmi_dev_fan_speed_get", device).give("fan", out);
}
EXPORT rsmi_dev_fan_speed_max_get(std::uint32_t device, std::uint32_t, std::uint64_t* out) {
  return Call("rsmi_dev_fan_speed_max_get", device).give("fan_max", out);
}
EXPORT rsmi_dev_ecc_count_get(std::uint32_t device, std::uint64_t, RocmErrors* out) {
  Call call("rsmi_dev_ecc_count_get", device);
  call.give("ecc_corrected", &out->corrected);
  return call.give("ecc_uncorrected", &out->uncorrected);
}
EXPORT rsmi_compute_process_info_get(RocmProcess* out, std::uint32_t* count) {
  Call call("rsmi_compute_process_info_get");
  std::map<unsigned, double> memory;
  for (const ProcessLine& line : state().script.processes()) memory[line.pid] += line.memory_mib;
  if (out != nullptr) {
    std::size_t i = 0;
    for (const auto& [pid, mib] : memory) {
      out[i++] = {pid, 0, static_cast<std::uint64_t>(mib * mebibyte), 0, 0};
    }
  }
  *count = static_cast<std::uint32_t>(memory.size());
  return call.code;
}
EXPORT rsmi_compute_process_gpus_get(std::uint32_t pid, std::uint32_t* out, std::uint32_t* count) {
  Call call("rsmi_compute_process_gpus_get");
  *count = 0;
  for (const ProcessLine& line : state().script.processes()) {
    if (line.pid == pid) out[(*count)++] = static_cast<std::uint32_t>(std::stoul(line.device));
  }
  return call.code;
}
#ifndef TACHO_STAND_IN_OLD
EXPORT rsmi_compute_process_info_by_device_get(std::uint32_t pid, std::uint32_t device,
                                               RocmProcess* out) {
  Call call("rsmi_compute_process_info_by_device_get", device);
  for (const ProcessLine& line : state().script.processes()) {
    if (line.pid != pid || line.device != call.who) continue;
    *out = {pid, 0, static_cast<std::uint64_t>(line.memory_mib * mebibyte), 0, 0};
    return call.code;
  }
  return rocm_not_found;
}
#endif
