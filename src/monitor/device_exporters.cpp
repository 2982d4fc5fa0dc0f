#include "monitor/device_exporters.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"

namespace tacho {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
/// Exporters collect each 5 to 30 s by default.
constexpr double stale_after_s = 60.0;

constexpr std::string_view profiling_hint =
    "dcgm-exporter does not export it as it is shipped; enable it in the CSV file of its counters";
constexpr std::string_view counter_hint = "the exporter does not export it; see its CSV file";

constexpr DeviceName dcgm[] = {
    {&quantity::device_utilization, "DCGM_FI_DEV_GPU_UTIL", 0.01, "", counter_hint},
    {&quantity::device_memory_busy, "DCGM_FI_DEV_MEM_COPY_UTIL", 0.01},
    {&quantity::device_encoder, "DCGM_FI_DEV_ENC_UTIL", 0.01},
    {&quantity::device_decoder, "DCGM_FI_DEV_DEC_UTIL", 0.01},
    {&quantity::device_sm_active, "DCGM_FI_PROF_SM_ACTIVE", 1.0, "", profiling_hint},
    {&quantity::device_sm_occupancy, "DCGM_FI_PROF_SM_OCCUPANCY", 1.0, "", profiling_hint},
    {&quantity::device_tensor_active, "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 1.0, "", counter_hint},
    {&quantity::device_dram_active, "DCGM_FI_PROF_DRAM_ACTIVE", 1.0, "", counter_hint},
    {&quantity::device_memory_total, "DCGM_FI_DEV_FB_TOTAL", mebibyte},
    {&quantity::device_memory_total,
     "DCGM_FI_DEV_FB_USED+DCGM_FI_DEV_FB_FREE+DCGM_FI_DEV_FB_RESERVED", mebibyte},
    {&quantity::device_memory_total, "DCGM_FI_DEV_FB_USED+DCGM_FI_DEV_FB_FREE", mebibyte, "",
     counter_hint},
    {&quantity::device_memory_used, "DCGM_FI_DEV_FB_USED", mebibyte, "", counter_hint},
    {&quantity::device_memory_reserved, "DCGM_FI_DEV_FB_RESERVED", mebibyte},
    {&quantity::device_temperature, "DCGM_FI_DEV_GPU_TEMP", 1.0, "sensor=core", counter_hint},
    {&quantity::device_temperature, "DCGM_FI_DEV_MEMORY_TEMP", 1.0, "sensor=memory"},
    {&quantity::device_power, "DCGM_FI_DEV_POWER_USAGE", 1.0, "", counter_hint},
    {&quantity::device_power_limit, "DCGM_FI_DEV_ENFORCED_POWER_LIMIT"},
    {&quantity::device_power_limit, "DCGM_FI_DEV_POWER_MGMT_LIMIT"},
    {&quantity::device_energy, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 1e-3},
    {&quantity::device_clock, "DCGM_FI_DEV_SM_CLOCK", 1e6, "domain=sm", counter_hint},
    {&quantity::device_clock, "DCGM_FI_DEV_MEM_CLOCK", 1e6, "domain=memory"},
    {&quantity::device_clock_max, "DCGM_FI_DEV_MAX_SM_CLOCK", 1e6, "domain=sm"},
    {&quantity::device_pcie_transmit, "DCGM_FI_PROF_PCIE_TX_BYTES"},
    {&quantity::device_pcie_receive, "DCGM_FI_PROF_PCIE_RX_BYTES"},
    {&quantity::device_pcie_replays, "DCGM_FI_DEV_PCIE_REPLAY_COUNTER"},
    {&quantity::device_link_transmit_rate, "DCGM_FI_PROF_NVLINK_TX_BYTES"},
    {&quantity::device_link_receive_rate, "DCGM_FI_PROF_NVLINK_RX_BYTES"},
    {&quantity::device_ecc_errors, "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", 1.0, "type=corrected"},
    {&quantity::device_ecc_errors, "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", 1.0, "type=uncorrected"},
    {&quantity::device_remapped_rows, "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", 1.0,
     "type=corrected"},
    {&quantity::device_remapped_rows, "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", 1.0,
     "type=uncorrected"},
    {&quantity::device_repair, "DCGM_FI_DEV_ROW_REMAP_PENDING", 1.0, "state=pending"},
    {&quantity::device_repair, "DCGM_FI_DEV_ROW_REMAP_FAILURE", 1.0, "state=failed"},
};

constexpr DeviceName npu[] = {
    {&quantity::device_healthy, "npu_chip_info_health_status"},
    {&quantity::device_utilization, "npu_chip_info_overall_utilization", 0.01},
    {&quantity::device_utilization, "npu_chip_info_utilization", 0.01},
    {&quantity::device_sm_active, "npu_chip_info_utilization", 0.01},
    {&quantity::device_tensor_active, "npu_chip_info_cube_utilization", 0.01},
    {&quantity::device_vector_active, "npu_chip_info_vector_utilization", 0.01},
    {&quantity::device_dram_active, "npu_chip_info_hbm_bandwidth_utilization", 0.01},
    {&quantity::device_memory_total, "npu_chip_info_hbm_total_memory", mebibyte},
    {&quantity::device_memory_total, "npu_chip_info_total_memory", mebibyte},
    {&quantity::device_memory_used, "npu_chip_info_hbm_used_memory", mebibyte},
    {&quantity::device_memory_used, "npu_chip_info_used_memory", mebibyte},
    {&quantity::device_temperature, "npu_chip_info_temperature", 1.0, "sensor=core"},
    {&quantity::device_temperature, "npu_chip_info_hbm_temperature", 1.0, "sensor=memory"},
    {&quantity::device_power, "npu_chip_info_power"},
    {&quantity::device_voltage, "npu_chip_info_voltage"},
    {&quantity::device_clock, "npu_chip_info_aicore_current_freq", 1e6, "domain=sm"},
    {&quantity::device_link_transmit_rate, "npu_chip_info_hccs_bandwidth_info_total_tx", 1e6},
    {&quantity::device_link_receive_rate, "npu_chip_info_hccs_bandwidth_info_total_rx", 1e6},
    {&quantity::device_ecc_errors, "npu_chip_info_hbm_ecc_single_bit_error_cnt", 1.0,
     "type=corrected"},
    {&quantity::device_ecc_errors, "npu_chip_info_hbm_ecc_double_bit_error_cnt", 1.0,
     "type=uncorrected"},
    {&quantity::device_processes, "npu_chip_info_process_info_num"},
};

constexpr DeviceExporter exporters[] = {
    {"dcgm-exporter", "DCGM_FI_", "nvidia", "gpu", "modelName", "DCGM_FI_DEV_XID_ERRORS", dcgm},
    {"npu-exporter", "npu_chip_info_", "ascend", "id", "model_name", "npu_chip_info_error_code",
     npu},
};

/// The lines of one device, or of a part of one.
struct DeviceLines {
  std::vector<const MetricLine*> lines;

  const MetricLine* find(std::string_view name) const {
    const auto found = std::find_if(lines.begin(), lines.end(),
                                    [&](const MetricLine* line) { return line->name == name; });
    return found != lines.end() ? *found : nullptr;
  }
  /// The sum of families; NaN when one is not there.
  double sum(std::string_view names) const {
    double sum = 0.0;
    for (const std::string_view name : split(names, '+')) {
      const MetricLine* line = find(name);
      sum += line != nullptr ? line->value : std::nan("");
    }
    return sum;
  }
  /// The newest stamp in milliseconds, or nothing where there are none.
  std::optional<double> stamp_ms() const {
    std::optional<double> newest;
    for (const MetricLine* line : lines) {
      if (line->timestamp) newest = std::max(newest.value_or(0.0), *line->timestamp);
    }
    return newest;
  }
};

Labels labels_of(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  return {{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))}};
}

void add_values(const DeviceLines& device, const DeviceExporter& exporter, Subject& subject) {
  std::map<std::pair<const Quantity*, std::string_view>, bool> has;
  for (const DeviceName& row : exporter.names) {
    bool& has_value = has[{row.quantity, row.label}];
    if (has_value) continue;
    const double value = device.sum(row.name);
    if (std::isfinite(value)) {
      subject.add(*row.quantity, row.scale * value, labels_of(row.label));
      has_value = true;
    } else if (!row.hint.empty()) {
      subject.miss(*row.quantity, format("no {}: {}", row.name, row.hint), labels_of(row.label));
    }
  }
  subject.add(quantity::device_faults, 0.0, {{"code", "none"}});
  const MetricLine* fault = device.find(exporter.fault);
  if (fault == nullptr || !(fault->value > 0.0)) return;
  // It tells the latest only; that it came at least once is what we know.
  const auto code = static_cast<std::uint64_t>(fault->value);
  subject.add(
      quantity::device_faults, 1.0,
      {{"code", exporter.vendor == "ascend" ? format("{:08X}", code) : format("{}", code)}});
}

Labels identity_of(const MetricLine& line, const DeviceExporter& exporter,
                   std::string_view instance) {
  Labels labels{{"vendor", std::string(exporter.vendor)},
                {"device", std::string(label(line.labels, exporter.device_label))},
                {"model", std::string(label(line.labels, exporter.model_label))},
                {"instance", std::string(instance)}};
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) labels.emplace_back(name, value);
  };
  add("uuid", label(line.labels, "UUID"));
  add("mig", label(line.labels, "GPU_I_ID"));
  // Written with a capital until 2026.
  const std::string_view host = label(line.labels, "Hostname");
  add("host", !host.empty() ? host : label(line.labels, "hostname"));
  return labels;
}

}  // namespace

std::span<const DeviceExporter> device_exporters() { return exporters; }

const DeviceExporter* recognise_exporter(const MetricsText& page) {
  for (const DeviceExporter& exporter : exporters) {
    for (const MetricLine& line : page.lines) {
      if (line.name.starts_with(exporter.mark)) return &exporter;
    }
  }
  return nullptr;
}

std::vector<Subject> normalise_devices(const MetricsText& page, const DeviceExporter& exporter,
                                       std::string_view instance, std::int64_t wall_ms) {
  std::map<std::string, DeviceLines> devices;
  for (const MetricLine& line : page.lines) {
    if (!line.name.starts_with(exporter.mark)) continue;
    const std::string_view number = label(line.labels, exporter.device_label);
    const std::string_view part = label(line.labels, "GPU_I_ID");
    if (number.empty()) continue;
    devices[format("{}{}{}", number, part.empty() ? "" : ":", part)].lines.push_back(&line);
  }
  std::vector<Subject> subjects;
  for (const auto& [number, device] : devices) {
    Subject subject;
    subject.kind = SubjectKind::device;
    subject.id = format("{}/{}:{}", instance, exporter.vendor, number);
    subject.labels = identity_of(*device.lines.front(), exporter, instance);
    const double stamp = device.stamp_ms().value_or(static_cast<double>(wall_ms));
    const double age_s = (static_cast<double>(wall_ms) - stamp) / 1e3;
    subject.at = monotonic_now() - from_s(std::max(0.0, age_s));
    if (age_s > stale_after_s) {
      subject.trouble = format("the readings of {} are {:.0f} s old", exporter.name, age_s);
    } else {
      subject.add(quantity::device_up, 1.0);
      add_values(device, exporter, subject);
    }
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

}  // namespace tacho
