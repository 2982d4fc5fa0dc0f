#include "monitor/compat.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "monitor/exposition.h"

namespace tacho {
namespace {

constexpr double mib = 1.0 / (1 << 20);
constexpr double mega = 1e-6;

enum class Dialect { nvitop, dcgm, npu };

/// One name of another exporter: which reading it is, in which unit.
struct Alias {
  Dialect dialect = Dialect::nvitop;
  SubjectKind kind = SubjectKind::device;
  std::string_view name;
  const Quantity* quantity = nullptr;
  double scale = 1.0;
  std::string_view only = {};  ///< The value that one of the reading's labels has to have.
  bool is_counter = false;
};

using enum Dialect;
constexpr SubjectKind device = SubjectKind::device;
constexpr SubjectKind process = SubjectKind::process;
constexpr SubjectKind host = SubjectKind::host;
namespace q = quantity;

constexpr Alias aliases[] = {
    {nvitop, host, "host_cpu_percent_Percentage", &q::host_cpu, 100.0},
    {nvitop, host, "host_load_average_1m_Percentage", &q::host_load},
    {nvitop, host, "host_virtual_memory_total_MiB", &q::host_memory_total, mib},
    {nvitop, host, "host_virtual_memory_free_MiB", &q::host_memory_available, mib},
    {nvitop, host, "host_swap_memory_total_MiB", &q::host_swap_total, mib},
    {nvitop, host, "host_swap_memory_free_MiB", &q::host_swap_free, mib},
    {nvitop, host, "host_net_io_tx_data_MiB", &q::host_network_transmit, mib},
    {nvitop, host, "host_net_io_rx_data_MiB", &q::host_network_receive, mib},
    {nvitop, host, "host_disk_io_read_data_MiB", &q::host_disk_read, mib},
    {nvitop, host, "host_disk_io_write_data_MiB", &q::host_disk_written, mib},
    {nvitop, device, "gpu_utilization_Percentage", &q::device_utilization, 100.0},
    {nvitop, device, "gpu_memory_utilization_Percentage", &q::device_memory_busy, 100.0},
    {nvitop, device, "gpu_encoder_utilization_Percentage", &q::device_encoder, 100.0},
    {nvitop, device, "gpu_decoder_utilization_Percentage", &q::device_decoder, 100.0},
    {nvitop, device, "gpu_memory_total_MiB", &q::device_memory_total, mib},
    {nvitop, device, "gpu_memory_used_MiB", &q::device_memory_used, mib},
    {nvitop, device, "gpu_clock_sm_MHz", &q::device_clock, mega, "sm"},
    {nvitop, device, "gpu_clock_memory_MHz", &q::device_clock, mega, "memory"},
    {nvitop, device, "gpu_clock_graphics_MHz", &q::device_clock, mega, "graphics"},
    {nvitop, device, "gpu_clock_video_MHz", &q::device_clock, mega, "video"},
    {nvitop, device, "gpu_power_usage_W", &q::device_power},
    {nvitop, device, "gpu_power_limit_W", &q::device_power_limit},
    {nvitop, device, "gpu_temperature_C", &q::device_temperature, 1.0, "core"},
    {nvitop, device, "gpu_fan_speed_Percentage", &q::device_fan, 100.0},
    {nvitop, device, "gpu_pcie_tx_throughput_MiBps", &q::device_pcie_transmit, mib},
    {nvitop, device, "gpu_pcie_rx_throughput_MiBps", &q::device_pcie_receive, mib},
    {nvitop, device, "gpu_nvlink_total_tx_throughput_MiBps", &q::device_link_transmit_rate, mib},
    {nvitop, device, "gpu_nvlink_total_rx_throughput_MiBps", &q::device_link_receive_rate, mib},
    {nvitop, process, "process_cpu_percent_Percentage", &q::process_cpu, 100.0},
    {nvitop, process, "process_rss_memory_MiB", &q::process_memory, mib},
    {nvitop, process, "process_gpu_memory_MiB", &q::process_device_memory, mib},
    {nvitop, process, "process_gpu_sm_utilization_Percentage", &q::process_device_utilization,
     100.0},
    {nvitop, process, "process_gpu_memory_utilization_Percentage", &q::process_device_memory_busy,
     100.0},
    {dcgm, device, "DCGM_FI_DEV_SM_CLOCK", &q::device_clock, mega, "sm"},
    {dcgm, device, "DCGM_FI_DEV_MEM_CLOCK", &q::device_clock, mega, "memory"},
    {dcgm, device, "DCGM_FI_DEV_GPU_TEMP", &q::device_temperature, 1.0, "core"},
    {dcgm, device, "DCGM_FI_DEV_MEMORY_TEMP", &q::device_temperature, 1.0, "memory"},
    {dcgm, device, "DCGM_FI_DEV_POWER_USAGE", &q::device_power},
    {dcgm, device, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", &q::device_energy, 1e3, {}, true},
    {dcgm, device, "DCGM_FI_DEV_PCIE_REPLAY_COUNTER", &q::device_pcie_replays, 1.0, {}, true},
    {dcgm, device, "DCGM_FI_DEV_GPU_UTIL", &q::device_utilization, 100.0},
    {dcgm, device, "DCGM_FI_DEV_MEM_COPY_UTIL", &q::device_memory_busy, 100.0},
    {dcgm, device, "DCGM_FI_DEV_ENC_UTIL", &q::device_encoder, 100.0},
    {dcgm, device, "DCGM_FI_DEV_DEC_UTIL", &q::device_decoder, 100.0},
    {dcgm, device, "DCGM_FI_DEV_FB_USED", &q::device_memory_used, mib},
    {dcgm, device, "DCGM_FI_DEV_FB_RESERVED", &q::device_memory_reserved, mib},
    {dcgm, device, "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", &q::device_remapped_rows, 1.0,
     "uncorrected", true},
    {dcgm, device, "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", &q::device_remapped_rows, 1.0,
     "corrected", true},
    {dcgm, device, "DCGM_FI_DEV_ROW_REMAP_FAILURE", &q::device_repair, 1.0, "failed"},
    {dcgm, device, "DCGM_FI_PROF_SM_ACTIVE", &q::device_sm_active},
    {dcgm, device, "DCGM_FI_PROF_SM_OCCUPANCY", &q::device_sm_occupancy},
    {dcgm, device, "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", &q::device_tensor_active},
    {dcgm, device, "DCGM_FI_PROF_DRAM_ACTIVE", &q::device_dram_active},
    {dcgm, device, "DCGM_FI_PROF_PCIE_TX_BYTES", &q::device_pcie_transmit},
    {dcgm, device, "DCGM_FI_PROF_PCIE_RX_BYTES", &q::device_pcie_receive},
    {npu, device, "npu_chip_info_utilization", &q::device_sm_active, 100.0},
    {npu, device, "npu_chip_info_overall_utilization", &q::device_utilization, 100.0},
    {npu, device, "npu_chip_info_hbm_total_memory", &q::device_memory_total, mib},
    {npu, device, "npu_chip_info_hbm_used_memory", &q::device_memory_used, mib},
    {npu, device, "npu_chip_info_hbm_bandwidth_utilization", &q::device_dram_active, 100.0},
    {npu, device, "npu_chip_info_hbm_temperature", &q::device_temperature, 1.0, "memory"},
    {npu, device, "npu_chip_info_temperature", &q::device_temperature, 1.0, "core"},
    {npu, device, "npu_chip_info_power", &q::device_power},
    {npu, device, "npu_chip_info_aicore_current_freq", &q::device_clock, mega, "sm"},
    {npu, device, "npu_chip_info_health_status", &q::device_up},
    {npu, process, "npu_chip_info_process_info", &q::process_device_memory, mib},
};

/// Writes families; labels are those that each dialect promises.
class CompatPage {
 public:
  CompatPage(const Snapshot& snapshot, bool is_openmetrics)
      : snapshot_(snapshot), is_openmetrics_(is_openmetrics) {
    for (const Subject& subject : snapshot.subjects) {
      if (subject.kind == SubjectKind::host) host_ = label(subject.labels, "host");
    }
  }

  std::string text(const CompatNames& names) {
    const auto wanted = [&](Dialect dialect) {
      return dialect == nvitop ? names.nvitop : dialect == dcgm ? names.dcgm : names.npu;
    };
    for (const Alias& alias : aliases) {
      if (wanted(alias.dialect)) family(alias);
    }
    if (names.nvitop) nvitop_rest();
    if (names.dcgm) dcgm_rest();
    if (names.npu) npu_rest();
    return std::move(out_);
  }

 private:
  /// NVIDIA's devices have NVIDIA's names, Ascend's have Ascend's.
  static bool speaks(Dialect dialect, const Subject& subject) {
    if (subject.kind == SubjectKind::host) return true;
    return label(subject.labels, "vendor") == (dialect == npu ? "ascend" : "nvidia");
  }

  void head(std::string_view name, bool is_counter) {
    // OpenMetrics wants counters to end in _total, which these do not.
    const std::string_view type = !is_counter ? "gauge" : is_openmetrics_ ? "unknown" : "counter";
    out_ += format("# HELP {0} An alias of tacho's for other exporters' boards.\n# TYPE {0} {1}\n",
                   name, type);
  }

  void line(std::string_view name, const Labels& labels, double value) {
    out_ += format("{}{} {}\n", name, labels_text(labels), value);
  }

  void family(const Alias& alias) {
    bool has_head = false;
    for (const Subject& subject : snapshot_.subjects) {
      if (subject.kind != alias.kind || !speaks(alias.dialect, subject)) continue;
      for (const Reading& reading : subject.readings) {
        if (reading.quantity != alias.quantity || !reading.missing.empty()) continue;
        if (!alias.only.empty() && !has_value(reading.labels, alias.only)) continue;
        if (!has_head) head(alias.name, alias.is_counter);
        has_head = true;
        line(alias.name, labels_of(alias.dialect, subject, reading), reading.value * alias.scale);
      }
    }
  }

  static bool has_value(const Labels& labels, std::string_view value) {
    return std::any_of(labels.begin(), labels.end(),
                       [&](const auto& item) { return item.second == value; });
  }

  /// A fact that its driver tells of a device, such as its bus.
  static std::string fact(const Subject& subject, std::string_view name) {
    const Reading* info = subject.find(quantity::device_info);
    return std::string(info != nullptr ? label(info->labels, name) : "");
  }

  /// The device that a process is on; the subject itself where it is one.
  const Subject& device_of(const Subject& subject) const {
    if (subject.kind == SubjectKind::device) return subject;
    for (const Subject& candidate : snapshot_.subjects) {
      if (candidate.kind != SubjectKind::device) continue;
      const auto same = [&](std::string_view name) {
        return label(candidate.labels, name) == label(subject.labels, name);
      };
      if (same("vendor") && same("device") && same("mig")) return candidate;
    }
    return subject;
  }

  Labels labels_of(Dialect dialect, const Subject& subject, const Reading& reading) const {
    const auto of = [](const Subject& from, std::string_view name) {
      return std::string(label(from.labels, name));
    };
    if (subject.kind == SubjectKind::host) {
      Labels labels{{"hostname", host_}};
      for (const auto& [name, value] : reading.labels) {
        labels.emplace_back(name == "disk" ? "partition" : name, value);
      }
      return labels;
    }
    const Subject& on = device_of(subject);
    if (dialect == nvitop) {
      Labels labels{{"hostname", host_},
                    {"index", of(on, "mig").empty() ? of(on, "device")
                                                    : of(on, "device") + ":" + of(on, "mig")},
                    {"devicename", of(on, "model")},
                    {"uuid", of(on, "uuid")}};
      if (subject.kind == SubjectKind::process) {
        labels.insert(labels.end(),
                      {{"pid", of(subject, "pid")}, {"username", of(subject, "user")}});
      }
      return labels;
    }
    if (dialect == dcgm) {
      Labels labels{{"gpu", of(on, "device")},
                    {"UUID", of(on, "uuid")},
                    {"pci_bus_id", fact(on, "bus")},
                    {"device", "nvidia" + of(on, "device")},
                    {"modelName", of(on, "model")},
                    {"Hostname", host_},
                    {"DCGM_FI_DRIVER_VERSION", fact(on, "driver")}};
      if (const std::string part = fact(on, "gpu_instance"); !part.empty()) {
        labels.emplace_back("GPU_I_ID", part);
      }
      return labels;
    }
    Labels labels{{"id", of(on, "device")},
                  {"model_name", of(on, "model")},
                  {"vdie_id", of(on, "uuid")},
                  {"pcie_bus_info", fact(on, "bus")}};
    if (subject.kind == SubjectKind::process) labels.emplace_back("process_id", of(subject, "pid"));
    return labels;
  }

  /// A family of one value for each subject that has it.
  template <class Value>
  void each(Dialect dialect, SubjectKind kind, std::string_view name, Value&& value) {
    bool has_head = false;
    for (const Subject& subject : snapshot_.subjects) {
      if (subject.kind != kind || !speaks(dialect, subject)) continue;
      const double number = value(subject);
      if (!std::isfinite(number)) continue;
      if (!has_head) head(name, false);
      has_head = true;
      line(name, labels_of(dialect, subject, {}), number);
    }
  }

  void nvitop_rest() {
    const double now_s = 1e-9 * static_cast<double>(snapshot_.wall_ns);
    const auto used = [](const Subject& s) {
      return s.value(q::host_memory_total) - s.value(q::host_memory_available);
    };
    const auto swap_used = [](const Subject& s) {
      return s.value(q::host_swap_total) - s.value(q::host_swap_free);
    };
    each(nvitop, host, "host_uptime_Second",
         [&](const Subject& s) { return now_s - s.value(q::host_boot_time); });
    each(nvitop, host, "host_virtual_memory_used_MiB",
         [&](const Subject& s) { return used(s) * mib; });
    each(nvitop, host, "host_virtual_memory_percent_Percentage",
         [&](const Subject& s) { return 100.0 * used(s) / s.value(q::host_memory_total); });
    each(nvitop, host, "host_swap_memory_used_MiB",
         [&](const Subject& s) { return swap_used(s) * mib; });
    each(nvitop, host, "host_swap_memory_percent_Percentage", [&](const Subject& s) {
      const double total = s.value(q::host_swap_total);
      return total > 0.0 ? 100.0 * swap_used(s) / total : total * 0.0;
    });
    each(nvitop, device, "gpu_memory_free_MiB", [](const Subject& s) {
      return (s.value(q::device_memory_total) - s.value(q::device_memory_used)) * mib;
    });
    each(nvitop, device, "gpu_memory_percent_Percentage", [](const Subject& s) {
      return 100.0 * s.value(q::device_memory_used) / s.value(q::device_memory_total);
    });
    each(nvitop, process, "process_running_time_Second",
         [&](const Subject& s) { return now_s - s.value(q::process_start_time); });
    bool has_head = false;
    for (const Subject& subject : snapshot_.subjects) {
      if (subject.kind != process || !speaks(nvitop, subject)) continue;
      if (!has_head) head("process_info_info", false);
      has_head = true;
      Labels labels = labels_of(nvitop, subject, {});
      labels.emplace_back("command", std::string(label(subject.labels, "command")));
      line("process_info_info", labels, 1.0);
    }
  }

  void dcgm_rest() {
    each(dcgm, device, "DCGM_FI_DEV_FB_FREE", [](const Subject& s) {
      // The driver's own part is neither used nor free.
      const double kept = s.value(q::device_memory_reserved);
      return (s.value(q::device_memory_total) - s.value(q::device_memory_used) -
              (std::isfinite(kept) ? kept : 0.0)) *
             mib;
    });
    each(dcgm, device, "DCGM_FI_DEV_XID_ERRORS", [](const Subject& s) {
      // The code of the last one; 0 where there was none.
      if (s.find(q::device_faults) == nullptr) return std::nan("");
      double code = 0.0, latest = 0.0;
      for (const Reading& reading : s.readings) {
        if (reading.quantity != &q::device_fault_time || reading.value < latest) continue;
        latest = reading.value;
        code = parse_number(label(reading.labels, "code")).value_or(0.0);
      }
      return code;
    });
  }

  void npu_rest() {
    double count = 0.0;
    for (const Subject& subject : snapshot_.subjects) {
      if (subject.kind == device && speaks(npu, subject)) count += 1.0;
    }
    if (count == 0.0) return;
    head("machine_npu_nums", false);
    line("machine_npu_nums", {}, count);
    each(npu, device, "npu_chip_info_hbm_utilization", [](const Subject& s) {
      return 100.0 * s.value(q::device_memory_used) / s.value(q::device_memory_total);
    });
  }

  const Snapshot& snapshot_;
  bool is_openmetrics_;
  std::string host_;
  std::string out_;
};

}  // namespace

Result<CompatNames> parse_compat_names(const std::vector<std::string>& words) {
  CompatNames names;
  for (const std::string& word : words) {
    if (word == "nvitop") {
      names.nvitop = true;
    } else if (word == "dcgm") {
      names.dcgm = true;
    } else if (word == "npu") {
      names.npu = true;
    } else {
      return input_error(
          format("--compat '{}' is not known; there are nvitop, dcgm and npu", word));
    }
  }
  return names;
}

std::string compat_page(const Snapshot& snapshot, const CompatNames& names, bool is_openmetrics) {
  return CompatPage(snapshot, is_openmetrics).text(names);
}

}  // namespace tacho
