#include "monitor/nvml_api.h"

#include "base/text.h"

namespace tacho {
namespace {

/// Where the driver's library is: where the loader finds it, and where WSL and the containers of
/// some clouds have it.
std::vector<std::string> usual_places() {
  return {"libnvidia-ml.so.1", "libnvidia-ml.so", "/usr/lib/wsl/lib/libnvidia-ml.so.1",
          "/usr/local/nvidia/lib64/libnvidia-ml.so.1"};
}

void find_identity(NvmlApi& api) {
  const Library& lib = api.library;
  api.init.find(lib, {"nvmlInit_v2", "nvmlInit"});
  api.shutdown.find(lib, {"nvmlShutdown"});
  api.driver_version.find(lib, {"nvmlSystemGetDriverVersion"});
  api.library_version.find(lib, {"nvmlSystemGetNVMLVersion"});
  api.cuda_version.find(lib,
                        {"nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"});
  api.count.find(lib, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  api.handle_by_index.find(lib, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
  api.name.find(lib, {"nvmlDeviceGetName"});
  api.uuid.find(lib, {"nvmlDeviceGetUUID"});
  api.pci.find(lib, {"nvmlDeviceGetPciInfo_v3"});
  api.compute_capability.find(lib, {"nvmlDeviceGetCudaComputeCapability"});
  api.mig_mode.find(lib, {"nvmlDeviceGetMigMode"});
  api.mig_count.find(lib, {"nvmlDeviceGetMaxMigDeviceCount"});
  api.mig_handle.find(lib, {"nvmlDeviceGetMigDeviceHandleByIndex"});
  api.gpu_instance.find(lib, {"nvmlDeviceGetGpuInstanceId"});
  api.compute_instance.find(lib, {"nvmlDeviceGetComputeInstanceId"});
}

void find_readings(NvmlApi& api) {
  const Library& lib = api.library;
  api.utilization.find(lib, {"nvmlDeviceGetUtilizationRates"});
  api.memory2.find(lib, {"nvmlDeviceGetMemoryInfo_v2"});
  api.memory.find(lib, {"nvmlDeviceGetMemoryInfo"});
  api.bar1.find(lib, {"nvmlDeviceGetBAR1MemoryInfo"});
  api.encoder.find(lib, {"nvmlDeviceGetEncoderUtilization"});
  api.decoder.find(lib, {"nvmlDeviceGetDecoderUtilization"});
  api.temperature_v.find(lib, {"nvmlDeviceGetTemperatureV"});
  api.temperature.find(lib, {"nvmlDeviceGetTemperature"});
  api.temperature_limit.find(lib, {"nvmlDeviceGetTemperatureThreshold"});
  api.clock.find(lib, {"nvmlDeviceGetClockInfo"});
  api.clock_max.find(lib, {"nvmlDeviceGetMaxClockInfo"});
  api.power.find(lib, {"nvmlDeviceGetPowerUsage"});
  api.power_limit.find(lib, {"nvmlDeviceGetEnforcedPowerLimit"});
  api.fan.find(lib, {"nvmlDeviceGetFanSpeed"});
  api.performance_state.find(lib, {"nvmlDeviceGetPerformanceState"});
  api.energy.find(lib, {"nvmlDeviceGetTotalEnergyConsumption"});
  api.throttle_reasons.find(
      lib, {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
  api.violation.find(lib, {"nvmlDeviceGetViolationStatus"});
  api.pcie_throughput.find(lib, {"nvmlDeviceGetPcieThroughput"});
  api.pcie_generation.find(lib, {"nvmlDeviceGetCurrPcieLinkGeneration"});
  api.pcie_generation_max.find(lib, {"nvmlDeviceGetMaxPcieLinkGeneration"});
  api.pcie_width.find(lib, {"nvmlDeviceGetCurrPcieLinkWidth"});
  api.pcie_width_max.find(lib, {"nvmlDeviceGetMaxPcieLinkWidth"});
  api.pcie_replays.find(lib, {"nvmlDeviceGetPcieReplayCounter"});
  api.fields.find(lib, {"nvmlDeviceGetFieldValues"});
  api.link_state.find(lib, {"nvmlDeviceGetNvLinkState"});
  api.ecc_errors.find(lib, {"nvmlDeviceGetTotalEccErrors"});
  api.remapped_rows.find(lib, {"nvmlDeviceGetRemappedRows"});
  api.retired_pages_pending.find(lib, {"nvmlDeviceGetRetiredPagesPendingStatus"});
}

void find_processes_and_events(NvmlApi& api) {
  const Library& lib = api.library;
  api.compute_processes.find(
      lib, {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"});
  api.graphics_processes.find(lib, {"nvmlDeviceGetGraphicsRunningProcesses_v3",
                                    "nvmlDeviceGetGraphicsRunningProcesses_v2"});
  api.mps_processes.find(lib, {"nvmlDeviceGetMPSComputeRunningProcesses_v3",
                               "nvmlDeviceGetMPSComputeRunningProcesses_v2"});
  api.compute_processes1.find(lib, {"nvmlDeviceGetComputeRunningProcesses"});
  api.graphics_processes1.find(lib, {"nvmlDeviceGetGraphicsRunningProcesses"});
  api.process_samples.find(lib, {"nvmlDeviceGetProcessUtilization"});
  api.event_set_create.find(lib, {"nvmlEventSetCreate"});
  api.event_set_free.find(lib, {"nvmlEventSetFree"});
  api.event_types.find(lib, {"nvmlDeviceGetSupportedEventTypes"});
  api.register_events.find(lib, {"nvmlDeviceRegisterEvents"});
  api.event_wait.find(lib, {"nvmlEventSetWait_v2", "nvmlEventSetWait"});
  api.gpm_support.find(lib, {"nvmlGpmQueryDeviceSupport"});
  api.gpm_alloc.find(lib, {"nvmlGpmSampleAlloc"});
  api.gpm_free.find(lib, {"nvmlGpmSampleFree"});
  api.gpm_sample.find(lib, {"nvmlGpmSampleGet"});
  api.gpm_sample_mig.find(lib, {"nvmlGpmMigSampleGet"});
  api.gpm_metrics.find(lib, {"nvmlGpmMetricsGet"});
}

}  // namespace

Result<NvmlApi> NvmlApi::open(const std::string& path) {
  auto library = Library::open(path.empty() ? usual_places() : std::vector<std::string>{path});
  if (!library) return library.error();
  NvmlApi api;
  api.library = std::move(*library);
  find_identity(api);
  find_readings(api);
  find_processes_and_events(api);
  if (!api.init || !api.count || !api.handle_by_index) {
    return world_error(
        format("{} is no NVML: it has no nvmlInit_v2, nvmlDeviceGetCount_v2 and "
               "nvmlDeviceGetHandleByIndex_v2",
               api.library.name()));
  }
  return api;
}

std::string nvml_words(int code) {
  switch (code) {
    case nvml_uninitialized:
      return "the library has not been begun";
    case nvml_invalid_argument:
      return "the driver takes no such argument";
    case nvml_not_supported:
      return "this device does not offer it";
    case nvml_no_permission:
      return "no permission; the driver lets only administrators read it";
    case nvml_not_found:
      return "nothing found";
    case nvml_driver_not_loaded:
      return "the NVIDIA driver is not loaded";
    case nvml_timeout:
      return "the driver did not answer in time";
    case nvml_function_not_found:
      return "the driver is older than this function";
    case nvml_gpu_is_lost:
      return "the GPU is lost: it fell off the bus, or needs a reset";
    case nvml_reset_required:
      return "the GPU needs a reset";
    case nvml_version_mismatch:
      return "the driver's kernel part and its library differ in version; it was updated without "
             "being loaded anew";
    case nvml_unknown:
      return "unknown error of the driver";
    default:
      return format("NVML's error {}", code);
  }
}

bool is_nvml_gone(int code) {
  return code == nvml_uninitialized || code == nvml_driver_not_loaded ||
         code == nvml_version_mismatch;
}

bool is_gpu_gone(int code) { return code == nvml_gpu_is_lost || code == nvml_reset_required; }

}  // namespace tacho
