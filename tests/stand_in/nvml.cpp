// Stands in for NVIDIA's libnvidia-ml.so.1: the same symbols and structures, with the answers of a
// script (see script.h). For tests; it knows no GPU. Built with TACHO_STAND_IN_OLD, it lacks what
// drivers of 2020 lacked.
#include "monitor/nvml_api.h"
#include "script.h"

#define EXPORT extern "C" __attribute__((visibility("default"))) int

using namespace tacho;           // NOLINT: a test's own library
using namespace tacho_stand_in;  // NOLINT

namespace {

constexpr int most_devices = 64, most_parts = 8;
constexpr double mebibyte = 1024.0 * 1024.0;

/// What a handle points to: a device, or a part of one.
struct Slot {
  int device = 0, part = -1;
  std::string name;
};

/// All that there is in this library.
struct State {
  std::mutex mutex;
  Script script;
  int inits = 0;
  Slot slots[most_devices][most_parts + 1];
  State() {
    for (int d = 0; d < most_devices; ++d) {
      for (int p = -1; p < most_parts; ++p) {
        slots[d][p + 1] = {d, p, std::to_string(d) + (p < 0 ? "" : ":" + std::to_string(p))};
      }
    }
  }
};

State& state() {
  static State the_state;
  return the_state;
}

/// A call of the library: holds the lock, reads the script, and knows whether it is to fail.
struct Call {
  explicit Call(const char* function, NvmlHandle handle = nullptr)
      : lock(state().mutex), slot(static_cast<Slot*>(handle)) {
    state().script.refresh();
    code = state().script.failure(function, slot != nullptr ? slot->name : "system");
    if (code == 0 && state().inits == 0) code = nvml_uninitialized;
  }
  Script& script() const { return state().script; }
  /// The script's value; the call is not supported where there is none.
  double value(const std::string& key) {
    double out = 0.0;
    if (code == 0 && !script().value(slot->name, key, out)) code = nvml_not_supported;
    return out;
  }
  /// The same into a result of the library's.
  template <class T>
  int give(const std::string& key, T* out) {
    const double given = value(key);
    if (code == 0) *out = static_cast<T>(given);
    return code;
  }
  std::lock_guard<std::mutex> lock;
  Slot* slot;
  int code = 0;
};

const char* const clock_names[] = {"graphics", "sm", "memory", "video"};

int processes_of(Call& call, const char* type, unsigned* count, NvmlProcess* list) {
  if (call.code != 0) return call.code;
  std::vector<NvmlProcess> found;
  for (const ProcessLine& line : call.script().processes()) {
    if (line.device != call.slot->name || line.type != type) continue;
    const auto bytes = line.memory_mib < 0.0
                           ? ~std::uint64_t{0}
                           : static_cast<std::uint64_t>(line.memory_mib * mebibyte);
    found.push_back({line.pid, bytes, 0xffffffff, 0xffffffff});
  }
  const unsigned room = *count;
  *count = static_cast<unsigned>(found.size());
  if (room < found.size() || (list == nullptr && !found.empty())) return nvml_insufficient_size;
  for (std::size_t i = 0; i < found.size(); ++i) list[i] = found[i];
  return nvml_success;
}

}  // namespace

EXPORT nvmlInit_v2() {
  const std::lock_guard lock(state().mutex);
  state().script.refresh();
  if (state().inits == 0) state().script.forget();
  const int code = state().script.failure("nvmlInit_v2", "system");
  if (code == 0) ++state().inits;
  return code;
}
EXPORT nvmlInitWithFlags(unsigned) { return nvmlInit_v2(); }
EXPORT nvmlShutdown() {
  const std::lock_guard lock(state().mutex);
  if (state().inits == 0) return nvml_uninitialized;
  --state().inits;
  return nvml_success;
}
extern "C" __attribute__((visibility("default"))) const char* nvmlErrorString(int code) {
  return code == nvml_not_supported ? "Not Supported" : "stand-in";
}
EXPORT nvmlSystemGetDriverVersion(char* out, unsigned size) {
  Call call("nvmlSystemGetDriverVersion");
  put_text(out, size, call.script().text("system", "driver"));
  return call.code;
}
EXPORT nvmlSystemGetNVMLVersion(char* out, unsigned size) {
  Call call("nvmlSystemGetNVMLVersion");
  put_text(out, size, "12." + call.script().text("system", "driver"));
  return call.code;
}
EXPORT nvmlSystemGetCudaDriverVersion_v2(int* out) {
  Call call("nvmlSystemGetCudaDriverVersion_v2");
  double version = 0.0;
  if (call.code == 0 && !call.script().value("system", "cuda", version)) return nvml_not_supported;
  *out = static_cast<int>(version);
  return call.code;
}
EXPORT nvmlDeviceGetCount_v2(unsigned* out) {
  Call call("nvmlDeviceGetCount_v2");
  if (call.code == 0) *out = static_cast<unsigned>(call.script().devices());
  return call.code;
}
EXPORT nvmlDeviceGetHandleByIndex_v2(unsigned index, NvmlHandle* out) {
  if (index >= most_devices) return nvml_invalid_argument;
  Call call("nvmlDeviceGetHandleByIndex_v2", &state().slots[index][0]);
  if (call.code != 0) return call.code;
  if (static_cast<int>(index) >= call.script().devices()) return nvml_invalid_argument;
  *out = &state().slots[index][0];
  return nvml_success;
}
EXPORT nvmlDeviceGetHandleByUUID(const char* uuid, NvmlHandle* out) {
  Call call("nvmlDeviceGetHandleByUUID");
  for (int d = 0; d < call.script().devices(); ++d) {
    Slot& slot = state().slots[d][0];
    if (call.script().text(slot.name, "uuid") == uuid) return *out = &slot, call.code;
  }
  return nvml_not_found;
}
EXPORT nvmlDeviceGetIndex(NvmlHandle handle, unsigned* out) {
  Call call("nvmlDeviceGetIndex", handle);
  *out = static_cast<unsigned>(call.slot->device);
  return call.code;
}
EXPORT nvmlDeviceGetName(NvmlHandle handle, char* out, unsigned size) {
  Call call("nvmlDeviceGetName", handle);
  put_text(out, size, call.script().text(call.slot->name, "name"));
  return call.code;
}
EXPORT nvmlDeviceGetUUID(NvmlHandle handle, char* out, unsigned size) {
  Call call("nvmlDeviceGetUUID", handle);
  std::string text = call.script().text(call.slot->name, "uuid");
  if (text.empty()) text = "GPU-0000000" + call.slot->name;
  put_text(out, size, text);
  return call.code;
}
EXPORT nvmlDeviceGetPciInfo_v3(NvmlHandle handle, NvmlPci* out) {
  Call call("nvmlDeviceGetPciInfo_v3", handle);
  const unsigned bus = static_cast<unsigned>(16 + call.slot->device);
  *out = {};
  out->bus = bus;
  std::snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", bus);
  std::snprintf(out->old_bus_id, sizeof out->old_bus_id, "0000:%02X:00.0", bus);
  return call.code;
}
EXPORT nvmlDeviceGetCudaComputeCapability(NvmlHandle handle, int* major, int* minor) {
  Call call("nvmlDeviceGetCudaComputeCapability", handle);
  call.give("compute_major", major);
  return call.give("compute_minor", minor);
}
EXPORT nvmlDeviceGetUtilizationRates(NvmlHandle handle, NvmlUtilization* out) {
  Call call("nvmlDeviceGetUtilizationRates", handle);
  if (call.slot->part >= 0) return nvml_not_supported;
  call.give("utilization", &out->gpu);
  return call.give("memory_utilization", &out->memory);
}
EXPORT nvmlDeviceGetMemoryInfo(NvmlHandle handle, NvmlMemory* out) {
  Call call("nvmlDeviceGetMemoryInfo", handle);
  const double total = call.value("memory_total_mib"), used = call.value("memory_used_mib");
  const double reserved = call.value("memory_reserved_mib");
  out->total = static_cast<std::uint64_t>(total * mebibyte);
  out->used = static_cast<std::uint64_t>((used + reserved) * mebibyte);
  out->free = out->total - out->used;
  return call.code;
}
EXPORT nvmlDeviceGetBAR1MemoryInfo(NvmlHandle handle, NvmlBar1* out) {
  Call call("nvmlDeviceGetBAR1MemoryInfo", handle);
  out->total = static_cast<std::uint64_t>(call.value("bar1_total_mib") * mebibyte);
  out->used = static_cast<std::uint64_t>(call.value("bar1_used_mib") * mebibyte);
  out->free = out->total - out->used;
  return call.code;
}
EXPORT nvmlDeviceGetEncoderUtilization(NvmlHandle handle, unsigned* out, unsigned* period) {
  Call call("nvmlDeviceGetEncoderUtilization", handle);
  *period = 100000;
  return call.give("encoder", out);
}
EXPORT nvmlDeviceGetDecoderUtilization(NvmlHandle handle, unsigned* out, unsigned* period) {
  Call call("nvmlDeviceGetDecoderUtilization", handle);
  *period = 100000;
  return call.give("decoder", out);
}
EXPORT nvmlDeviceGetTemperature(NvmlHandle handle, int, unsigned* out) {
  return Call("nvmlDeviceGetTemperature", handle).give("temperature", out);
}
EXPORT nvmlDeviceGetTemperatureThreshold(NvmlHandle handle, int which, unsigned* out) {
  Call call("nvmlDeviceGetTemperatureThreshold", handle);
  return call.give("temperature_limit_" + std::to_string(which), out);
}
EXPORT nvmlDeviceGetPowerUsage(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetPowerUsage", handle).give("power_mw", out);
}
EXPORT nvmlDeviceGetEnforcedPowerLimit(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetEnforcedPowerLimit", handle).give("power_limit_mw", out);
}
EXPORT nvmlDeviceGetPowerManagementLimit(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetPowerManagementLimit", handle).give("power_limit_mw", out);
}
EXPORT nvmlDeviceGetTotalEnergyConsumption(NvmlHandle handle, unsigned long long* out) {
  return Call("nvmlDeviceGetTotalEnergyConsumption", handle).give("energy_mj", out);
}
EXPORT nvmlDeviceGetClockInfo(NvmlHandle handle, int which, unsigned* out) {
  Call call("nvmlDeviceGetClockInfo", handle);
  return call.give(std::string("clock_") + clock_names[which & 3], out);
}
EXPORT nvmlDeviceGetMaxClockInfo(NvmlHandle handle, int which, unsigned* out) {
  Call call("nvmlDeviceGetMaxClockInfo", handle);
  return call.give(std::string("clock_max_") + clock_names[which & 3], out);
}
EXPORT nvmlDeviceGetFanSpeed(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetFanSpeed", handle).give("fan", out);
}
EXPORT nvmlDeviceGetPerformanceState(NvmlHandle handle, int* out) {
  return Call("nvmlDeviceGetPerformanceState", handle).give("performance_state", out);
}
EXPORT nvmlDeviceGetCurrentClocksThrottleReasons(NvmlHandle handle, unsigned long long* out) {
  return Call("nvmlDeviceGetCurrentClocksThrottleReasons", handle).give("throttle", out);
}
EXPORT nvmlDeviceGetViolationStatus(NvmlHandle handle, int policy, NvmlViolation* out) {
  Call call("nvmlDeviceGetViolationStatus", handle);
  out->reference = 0;
  return call.give("violation_" + std::to_string(policy), &out->violation);
}
EXPORT nvmlDeviceGetPcieThroughput(NvmlHandle handle, int which, unsigned* out) {
  Call call("nvmlDeviceGetPcieThroughput", handle);
  return call.give(which == 0 ? "pcie_transmit_kb" : "pcie_receive_kb", out);
}
EXPORT nvmlDeviceGetCurrPcieLinkGeneration(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetCurrPcieLinkGeneration", handle).give("pcie_generation", out);
}
EXPORT nvmlDeviceGetMaxPcieLinkGeneration(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetMaxPcieLinkGeneration", handle).give("pcie_generation_max", out);
}
EXPORT nvmlDeviceGetCurrPcieLinkWidth(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetCurrPcieLinkWidth", handle).give("pcie_width", out);
}
EXPORT nvmlDeviceGetMaxPcieLinkWidth(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetMaxPcieLinkWidth", handle).give("pcie_width_max", out);
}
EXPORT nvmlDeviceGetPcieReplayCounter(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetPcieReplayCounter", handle).give("pcie_replays", out);
}
EXPORT nvmlDeviceGetFieldValues(NvmlHandle handle, int count, NvmlField* fields) {
  Call call("nvmlDeviceGetFieldValues", handle);
  for (int i = 0; i < count && call.code == 0; ++i) {
    double value = 0.0;
    const bool has_value =
        call.script().value(call.slot->name, "field_" + std::to_string(fields[i].field), value);
    fields[i].code = has_value ? nvml_success : nvml_not_supported;
    fields[i].type = 3;
    fields[i].value.u64 = static_cast<unsigned long long>(value);
  }
  return call.code;
}
EXPORT nvmlDeviceGetNvLinkState(NvmlHandle handle, unsigned link, int* out) {
  Call call("nvmlDeviceGetNvLinkState", handle);
  double links = 0.0, down = 0.0;
  if (call.code != 0) return call.code;
  if (!call.script().value(call.slot->name, "field_91", links)) return nvml_not_supported;
  if (link >= static_cast<unsigned>(links)) return nvml_invalid_argument;
  call.script().value(call.slot->name, "links_down", down);
  *out = static_cast<double>(link) >= down ? 1 : 0;
  return nvml_success;
}
EXPORT nvmlDeviceGetTotalEccErrors(NvmlHandle handle, int type, int, unsigned long long* out) {
  Call call("nvmlDeviceGetTotalEccErrors", handle);
  return call.give(type == 0 ? "ecc_corrected" : "ecc_uncorrected", out);
}
EXPORT nvmlDeviceGetRetiredPagesPendingStatus(NvmlHandle handle, int* out) {
  return Call("nvmlDeviceGetRetiredPagesPendingStatus", handle).give("retired_pending", out);
}
EXPORT nvmlDeviceGetComputeRunningProcesses(NvmlHandle handle, unsigned* count, NvmlProcess1* out) {
  Call call("nvmlDeviceGetComputeRunningProcesses", handle);
  const unsigned room = *count;
  std::vector<NvmlProcess> list(room);
  const int code = processes_of(call, "compute", count, out != nullptr ? list.data() : nullptr);
  for (unsigned i = 0; code == 0 && i < *count; ++i) out[i] = {list[i].pid, list[i].memory_bytes};
  return code;
}
EXPORT nvmlDeviceGetProcessUtilization(NvmlHandle handle, NvmlProcessSample* out, unsigned* count,
                                       unsigned long long since_us) {
  Call call("nvmlDeviceGetProcessUtilization", handle);
  if (call.code != 0) return call.code;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto now_us = static_cast<std::uint64_t>(now.tv_sec) * 1000000 +
                      static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  std::vector<NvmlProcessSample> found;
  for (const ProcessLine& line : call.script().processes()) {
    if (line.device != call.slot->name || line.busy <= 0.0) continue;
    found.push_back({line.pid, now_us - 500000, static_cast<unsigned>(line.busy),
                     static_cast<unsigned>(line.memory_busy), 0, 0});
  }
  if (found.empty()) return nvml_not_found;
  // Rubbish, as real drivers leave in rows that they did not fill.
  found.push_back({found[0].pid, since_us / 2, 4000000000U, 17, 0, 0});
  found.push_back({0, now_us, 50, 50, 0, 0});
  const unsigned room = *count;
  *count = static_cast<unsigned>(found.size());
  if (out == nullptr || room < found.size()) return nvml_insufficient_size;
  for (std::size_t i = 0; i < found.size(); ++i) out[i] = found[i];
  return nvml_success;
}
EXPORT nvmlEventSetCreate(NvmlHandle* out) {
  Call call("nvmlEventSetCreate");
  static int set = 0;
  *out = &set;
  return call.code;
}
EXPORT nvmlEventSetFree(NvmlHandle) { return nvml_success; }
EXPORT nvmlDeviceGetSupportedEventTypes(NvmlHandle handle, unsigned long long* out) {
  Call call("nvmlDeviceGetSupportedEventTypes", handle);
  *out = 0x1b;
  return call.code;
}
EXPORT nvmlDeviceRegisterEvents(NvmlHandle handle, unsigned long long, NvmlHandle) {
  return Call("nvmlDeviceRegisterEvents", handle).code;
}
EXPORT nvmlEventSetWait_v2(NvmlHandle, NvmlEvent* out, unsigned) {
  Call call("nvmlEventSetWait_v2");
  EventLine event;
  if (call.code != 0) return call.code;
  if (!call.script().next_event(event)) return nvml_timeout;
  *out = {&state().slots[event.device & 63][0], 0x8, event.code, 0xffffffff, 0xffffffff};
  return nvml_success;
}

#ifndef TACHO_STAND_IN_OLD
EXPORT nvmlDeviceGetMemoryInfo_v2(NvmlHandle handle, NvmlMemory2* out) {
  Call call("nvmlDeviceGetMemoryInfo_v2", handle);
  if (call.code == 0 && out->version != 0x02000028) return 25;
  out->total = static_cast<std::uint64_t>(call.value("memory_total_mib") * mebibyte);
  out->used = static_cast<std::uint64_t>(call.value("memory_used_mib") * mebibyte);
  out->reserved = static_cast<std::uint64_t>(call.value("memory_reserved_mib") * mebibyte);
  out->free = out->total - out->used - out->reserved;
  return call.code;
}
EXPORT nvmlDeviceGetTemperatureV(NvmlHandle handle, NvmlTemperature* out) {
  Call call("nvmlDeviceGetTemperatureV", handle);
  if (call.code == 0 && out->version != 0x0100000c) return 25;
  return call.give("temperature", &out->celsius);
}
EXPORT nvmlDeviceGetCurrentClocksEventReasons(NvmlHandle handle, unsigned long long* out) {
  return Call("nvmlDeviceGetCurrentClocksEventReasons", handle).give("throttle", out);
}
EXPORT nvmlDeviceGetRemappedRows(NvmlHandle handle, unsigned* corrected, unsigned* uncorrected,
                                 unsigned* is_pending, unsigned* has_failed) {
  Call call("nvmlDeviceGetRemappedRows", handle);
  call.give("remapped_corrected", corrected);
  call.give("remapped_uncorrected", uncorrected);
  call.give("remap_pending", is_pending);
  return call.give("remap_failed", has_failed);
}
EXPORT nvmlDeviceGetComputeRunningProcesses_v3(NvmlHandle handle, unsigned* count,
                                               NvmlProcess* out) {
  Call call("nvmlDeviceGetComputeRunningProcesses_v3", handle);
  return processes_of(call, "compute", count, out);
}
EXPORT nvmlDeviceGetGraphicsRunningProcesses_v3(NvmlHandle handle, unsigned* count,
                                                NvmlProcess* out) {
  Call call("nvmlDeviceGetGraphicsRunningProcesses_v3", handle);
  return processes_of(call, "graphics", count, out);
}
EXPORT nvmlDeviceGetMPSComputeRunningProcesses_v3(NvmlHandle handle, unsigned* count,
                                                  NvmlProcess* out) {
  Call call("nvmlDeviceGetMPSComputeRunningProcesses_v3", handle);
  return processes_of(call, "mps", count, out);
}
EXPORT nvmlDeviceGetMigMode(NvmlHandle handle, unsigned* now, unsigned* later) {
  Call call("nvmlDeviceGetMigMode", handle);
  if (call.code != 0 || call.slot->part >= 0) return call.code != 0 ? call.code : 2;
  *now = *later = call.script().parts(call.slot->device).empty() ? 0 : 1;
  return nvml_success;
}
EXPORT nvmlDeviceGetMaxMigDeviceCount(NvmlHandle handle, unsigned* out) {
  Call call("nvmlDeviceGetMaxMigDeviceCount", handle);
  *out = most_parts - 1;
  return call.code;
}
EXPORT nvmlDeviceGetMigDeviceHandleByIndex(NvmlHandle handle, unsigned index, NvmlHandle* out) {
  Call call("nvmlDeviceGetMigDeviceHandleByIndex", handle);
  if (call.code != 0) return call.code;
  Slot& slot = state().slots[call.slot->device][index + 1];
  for (const std::string& part : call.script().parts(call.slot->device)) {
    if (part == slot.name) return *out = &slot, nvml_success;
  }
  return nvml_not_found;
}
EXPORT nvmlDeviceIsMigDeviceHandle(NvmlHandle handle, unsigned* out) {
  Call call("nvmlDeviceIsMigDeviceHandle", handle);
  *out = call.slot->part >= 0 ? 1 : 0;
  return call.code;
}
EXPORT nvmlDeviceGetDeviceHandleFromMigDeviceHandle(NvmlHandle handle, NvmlHandle* out) {
  Call call("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", handle);
  *out = &state().slots[call.slot->device][0];
  return call.code;
}
EXPORT nvmlDeviceGetGpuInstanceId(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetGpuInstanceId", handle).give("gpu_instance", out);
}
EXPORT nvmlDeviceGetComputeInstanceId(NvmlHandle handle, unsigned* out) {
  return Call("nvmlDeviceGetComputeInstanceId", handle).give("compute_instance", out);
}

namespace {
/// A sample of GPM: of which device, or part.
struct Sample {
  std::string name;
};
}  // namespace

EXPORT nvmlGpmQueryDeviceSupport(NvmlHandle handle, NvmlGpmSupport* out) {
  Call call("nvmlGpmQueryDeviceSupport", handle);
  if (call.code == 0 && out->version != 1) return 25;
  out->is_supported = call.script().has(call.slot->name, "gpm_2") ? 1 : 0;
  return call.code;
}
EXPORT nvmlGpmSampleAlloc(NvmlHandle* out) {
  Call call("nvmlGpmSampleAlloc");
  *out = call.code == 0 ? new Sample : nullptr;
  return call.code;
}
EXPORT nvmlGpmSampleFree(NvmlHandle sample) {
  delete static_cast<Sample*>(sample);
  return nvml_success;
}
EXPORT nvmlGpmSampleGet(NvmlHandle handle, NvmlHandle sample) {
  Call call("nvmlGpmSampleGet", handle);
  static_cast<Sample*>(sample)->name = call.slot->name;
  return call.code;
}
EXPORT nvmlGpmMigSampleGet(NvmlHandle handle, unsigned gpu_instance, NvmlHandle sample) {
  Call call("nvmlGpmMigSampleGet", handle);
  for (const std::string& part : call.script().parts(call.slot->device)) {
    double id = -1.0;
    call.script().value(part, "gpu_instance", id);
    if (static_cast<unsigned>(id) == gpu_instance) static_cast<Sample*>(sample)->name = part;
  }
  return call.code;
}
EXPORT nvmlGpmMetricsGet(NvmlGpmQuestion* question) {
  const std::string name = static_cast<Sample*>(question->second)->name;
  const bool is_pair = name == static_cast<Sample*>(question->first)->name;
  Call call("nvmlGpmMetricsGet");
  if (call.code == 0 && (question->version != 1 || !is_pair)) return nvml_invalid_argument;
  for (unsigned i = 0; i < question->count && call.code == 0; ++i) {
    NvmlGpmMetric& metric = question->metrics[i];
    const bool has_value =
        call.script().value(name, "gpm_" + std::to_string(metric.id), metric.value);
    metric.code = has_value ? nvml_success : nvml_not_supported;
  }
  return call.code;
}
#endif
