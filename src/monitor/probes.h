// The list of probes, and what decides which of them there are.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/probe.h"

namespace tacho {

/// What is to be watched.
struct WatchOptions {
  bool watches_devices = true;
  bool watches_host = true;
  std::vector<std::string> engines;    ///< URLs of inference engines, with or without /metrics.
  std::vector<std::string> remotes;    ///< Addresses of other tacho monitors.
  std::string remote_authorization;    ///< What they are sent as Authorization; "" for nothing.
  std::string remote_ca_file;          ///< Whom to trust of those over TLS; "" as the system does.
  std::vector<std::string> exporters;  ///< URLs of dcgm-exporter or npu-exporter.
  /// Lists of targets, in the format of Prometheus' discovery: files, and URLs that serve one.
  std::vector<std::string> lists;
  std::vector<std::string> prometheuses;  ///< URLs of a Prometheus whose targets are watched.
  std::string prometheus_match;           ///< Of them, only those with these labels: job="vllm".
  Duration period = std::chrono::seconds(1);  ///< Between two readings of what a list names.
  /// Where the vendors' libraries are; empty: what TACHO_NVML_LIBRARY and the like name, and else
  /// the system's own search. Tests name a stand-in.
  std::string nvml_library;
  std::string dcmi_library;
  std::string rocm_library;
  /// Reads SM, tensor and memory activity (GPM), which disturbs another reader of the same
  /// counters, such as DCGM.
  bool reads_activity = true;
  std::string root;  ///< In front of /proc and /sys; "" for the real ones.
};

/// Pages longer than this are not read, bytes: the longest of real engines are a hundredth of it.
inline constexpr std::size_t longest_page = std::size_t{16} << 20;

/// The host's probe: processors, memory, disks, network, control group. `root` stands before /proc
/// and /sys.
ProbePtr make_host_probe(const std::string& root);
/// NVIDIA's GPUs. The error says why the library cannot be loaded.
Result<ProbePtr> make_nvml_probe(const WatchOptions& options);
/// Huawei's Ascend NPUs, through DCMI or else npu-smi. The error says why neither is to be had.
Result<ProbePtr> make_dcmi_probe(const WatchOptions& options);
/// AMD's GPUs, through ROCm SMI or else /sys. The error says why neither is to be had.
Result<ProbePtr> make_rocm_probe(const WatchOptions& options);
/// The probe of one inference engine's metrics page. The URL must be sound.
ProbePtr make_engine_probe(const std::string& url);
/// The probe of another tacho monitor, all that it sees. The URL must be sound. Of several remotes
/// in the options, their subjects' ids begin with its address, so that two GPUs 0 are two.
ProbePtr make_remote_probe(const std::string& url, const WatchOptions& options,
                           bool is_one_of_several);
/// The devices of a dcgm-exporter's or npu-exporter's page. The URL must be sound.
ProbePtr make_exporter_probe(const std::string& url);

/// What a list of targets names: engines, exporters of devices, other tacho monitors. The list is
/// read again and again. The error says why it cannot be read now.
Result<ProbePtr> make_discovery_probe(const std::string& source, const WatchOptions& options);
/// Engines and devices that a Prometheus scrapes. The URL must be sound.
ProbePtr make_prometheus_probe(const std::string& url, const std::string& match);

/// The probes for what is to be watched. Devices whose library is not here have none. The error is
/// about a URL, or a library that was named and cannot be loaded.
Result<std::vector<ProbePtr>> make_probes(const WatchOptions& options);

}  // namespace tacho
