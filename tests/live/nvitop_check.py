"""What nvitop and NVIDIA's own Python bindings read from the library that LD_LIBRARY_PATH names, as
JSON in tacho's names and units: {device: {metric: value}}. Run in an environment that has both."""

import json
import sys

import nvitop
import pynvml

MIB = 1024 * 1024
GPM = {2: ("tacho_device_sm_active_ratio", 0.01), 3: ("tacho_device_sm_occupancy_ratio", 0.01),
       5: ("tacho_device_tensor_active_ratio", 0.01),
       10: ("tacho_device_dram_active_ratio", 0.01),
       20: ("tacho_device_pcie_transmit_bytes_per_second", MIB),
       21: ("tacho_device_pcie_receive_bytes_per_second", MIB),
       61: ("tacho_device_link_transmit_bytes_per_second", MIB),
       60: ("tacho_device_link_receive_bytes_per_second", MIB)}


def by_nvitop(device):
    """Through nvitop's own device class, as its screen and its exporter do."""
    values = {
        "tacho_device_utilization_ratio": device.gpu_utilization() / 100,
        "tacho_device_memory_busy_ratio": device.memory_utilization() / 100,
        "tacho_device_encoder_utilization_ratio": device.encoder_utilization() / 100,
        "tacho_device_decoder_utilization_ratio": device.decoder_utilization() / 100,
        "tacho_device_memory_total_bytes": device.memory_total(),
        "tacho_device_memory_used_bytes": device.memory_used(),
        "tacho_device_bar1_total_bytes": device.bar1_memory_total(),
        "tacho_device_bar1_used_bytes": device.bar1_memory_used(),
        "tacho_device_temperature_celsius core": device.temperature(),
        "tacho_device_fan_ratio": device.fan_speed() / 100,
        "tacho_device_power_watts": device.power_usage() / 1000,
        "tacho_device_power_limit_watts": device.power_limit() / 1000,
        "tacho_device_performance_state": int(device.performance_state().lstrip("P")),
        "tacho_device_ecc_errors_total uncorrected":
            device.total_volatile_uncorrected_ecc_errors(),
    }
    now, most = device.clock_infos(), device.max_clock_infos()
    for domain in ("sm", "memory", "graphics", "video"):
        values[f"tacho_device_clock_hertz {domain}"] = getattr(now, domain) * 1e6
        values[f"tacho_device_clock_max_hertz {domain}"] = getattr(most, domain) * 1e6
    for pid, process in device.processes().items():
        values[f"process {pid} memory"] = process.gpu_memory()
        values[f"process {pid} type"] = process.type
        values[f"process {pid} busy"] = process.gpu_sm_utilization() / 100
    return values


def by_bindings(handle):
    """What nvitop does not show, through the bindings."""
    limit = pynvml.nvmlDeviceGetTemperatureThreshold
    ecc = pynvml.nvmlDeviceGetTotalEccErrors
    rows = pynvml.nvmlDeviceGetRemappedRows(handle)
    reasons = pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    values = {
        "tacho_device_energy_joules_total":
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000,
        "tacho_device_temperature_limit_celsius core":
            limit(handle, pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN),
        "tacho_device_temperature_limit_celsius memory":
            limit(handle, pynvml.NVML_TEMPERATURE_THRESHOLD_MEM_MAX),
        "tacho_device_ecc_errors_total corrected":
            ecc(handle, pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, pynvml.NVML_VOLATILE_ECC),
        "tacho_device_remapped_rows corrected": rows[0],
        "tacho_device_remapped_rows uncorrected": rows[1],
        "tacho_device_memory_repair pending": rows[2],
        "tacho_device_memory_repair failed": rows[3],
        "tacho_device_pcie_generation": pynvml.nvmlDeviceGetCurrPcieLinkGeneration(handle),
        "tacho_device_pcie_generation_max": pynvml.nvmlDeviceGetMaxPcieLinkGeneration(handle),
        "tacho_device_pcie_width": pynvml.nvmlDeviceGetCurrPcieLinkWidth(handle),
        "tacho_device_pcie_width_max": pynvml.nvmlDeviceGetMaxPcieLinkWidth(handle),
        "tacho_device_pcie_replays_total": pynvml.nvmlDeviceGetPcieReplayCounter(handle),
        "tacho_device_memory_reserved_bytes":
            pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2).reserved,
    }
    bits = {"application_clocks": pynvml.nvmlClocksEventReasonApplicationsClocksSetting,
            "power_cap": pynvml.nvmlClocksEventReasonSwPowerCap,
            "hardware_slowdown": pynvml.nvmlClocksThrottleReasonHwSlowdown,
            "sync_boost": pynvml.nvmlClocksEventReasonSyncBoost,
            "thermal": pynvml.nvmlClocksEventReasonSwThermalSlowdown,
            "thermal_hardware": pynvml.nvmlClocksThrottleReasonHwThermalSlowdown,
            "power_brake": pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown,
            "display_clocks": pynvml.nvmlClocksEventReasonDisplayClockSetting}
    for name, bit in bits.items():
        values[f"tacho_device_throttled {name}"] = int(bool(reasons & bit))
    policies = {"power_cap": pynvml.NVML_PERF_POLICY_POWER,
                "thermal": pynvml.NVML_PERF_POLICY_THERMAL,
                "sync_boost": pynvml.NVML_PERF_POLICY_SYNC_BOOST,
                "board_limit": pynvml.NVML_PERF_POLICY_BOARD_LIMIT,
                "reliability": pynvml.NVML_PERF_POLICY_RELIABILITY}
    for name, policy in policies.items():
        status = pynvml.nvmlDeviceGetViolationStatus(handle, policy)
        values[f"tacho_device_throttled_seconds_total {name}"] = status.violationTime / 1e9
    return values


def by_fields(handle):
    """Values that have a number."""
    def ask(field, scope=0):
        value = pynvml.nvmlDeviceGetFieldValues(handle, [(field, scope)])[0]
        return value.value.ullVal
    links = ask(pynvml.NVML_FI_DEV_NVLINK_LINK_COUNT)
    up = sum(pynvml.nvmlDeviceGetNvLinkState(handle, link) for link in range(links))
    sums = [sum(1024 * ask(field, link) for link in range(links))
            for field in (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX,
                          pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX)]
    return {"tacho_device_temperature_celsius memory": ask(pynvml.NVML_FI_DEV_MEMORY_TEMP),
            "tacho_device_links": links, "tacho_device_links_active": up,
            "tacho_device_link_transmit_bytes_total": sums[0],
            "tacho_device_link_receive_bytes_total": sums[1]}


def by_gpm(handle):
    """Activity between two samples; the stand-in's does not depend on their distance."""
    samples = [pynvml.nvmlGpmSampleAlloc() for _ in range(2)]
    for sample in samples:
        pynvml.nvmlGpmSampleGet(handle, sample)
    question = pynvml.c_nvmlGpmMetricsGet_t()
    question.version = 1
    question.numMetrics = len(GPM)
    question.sample1, question.sample2 = samples
    for place, number in enumerate(GPM):
        question.metrics[place].metricId = number
    pynvml.nvmlGpmMetricsGet(question)
    return {GPM[metric.metricId][0]: metric.value * GPM[metric.metricId][1]
            for metric in question.metrics[:len(GPM)]}


def main():
    values = {}
    for index, device in enumerate(nvitop.Device.all()):
        handle = device.handle
        values[str(index)] = {"model": device.name(), "uuid": device.uuid(),
                              **by_nvitop(device), **by_bindings(handle), **by_fields(handle),
                              **by_gpm(handle)}
    json.dump({"nvitop": nvitop.__version__, "driver": nvitop.Device.driver_version(),
               "devices": values}, sys.stdout)


if __name__ == "__main__":
    main()
