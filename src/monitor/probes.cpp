#include "monitor/probes.h"

#include <cstdlib>

#include "base/text.h"
#include "net/address.h"

namespace tacho {
namespace {

/// What was typed, or what the environment names.
std::string named(const std::string& typed, const char* variable) {
  const char* value = std::getenv(variable);
  return typed.empty() && value != nullptr ? value : typed;
}

/// A vendor's probe. A library that nobody named need not be there.
Status add_vendor(const std::string& library, Result<ProbePtr> probe,
                  std::vector<ProbePtr>& probes) {
  if (probe) {
    probes.push_back(std::move(*probe));
  } else if (!library.empty()) {
    return input_error(format("cannot load {}: {}", library, probe.error().message));
  }
  return Nothing{};
}

Status add_devices(WatchOptions options, std::vector<ProbePtr>& probes) {
  // Two readers of the same counters disturb each other.
  if (!options.exporters.empty()) options.reads_activity = false;
  options.nvml_library = named(options.nvml_library, "TACHO_NVML_LIBRARY");
  options.dcmi_library = named(options.dcmi_library, "TACHO_DCMI_LIBRARY");
  options.rocm_library = named(options.rocm_library, "TACHO_ROCM_LIBRARY");
  auto status = add_vendor(options.nvml_library, make_nvml_probe(options), probes);
  if (status) status = add_vendor(options.dcmi_library, make_dcmi_probe(options), probes);
  if (status) status = add_vendor(options.rocm_library, make_rocm_probe(options), probes);
  return status;
}

}  // namespace

Result<std::vector<ProbePtr>> make_probes(const WatchOptions& options) {
  std::vector<ProbePtr> probes;
  if (options.watches_devices) {
    if (const auto status = add_devices(options, probes); !status) return status.error();
  }
  if (options.watches_host) probes.push_back(make_host_probe(options.root));
  for (const std::string& exporter : options.exporters) {
    if (const auto url = parse_url(exporter); !url) return url.error();
    probes.push_back(make_exporter_probe(exporter));
  }
  for (const std::string& engine : options.engines) {
    if (const auto url = parse_url(engine); !url) return url.error();
    probes.push_back(make_engine_probe(engine));
  }
  for (const std::string& remote : options.remotes) {
    if (const auto url = parse_url(remote); !url) return url.error();
    probes.push_back(make_remote_probe(remote, options, options.remotes.size() > 1));
  }
  for (const std::string& prometheus : options.prometheuses) {
    if (const auto url = parse_url(prometheus); !url) return url.error();
    probes.push_back(make_prometheus_probe(prometheus, options.prometheus_match));
  }
  for (const std::string& list : options.lists) {
    auto probe = make_discovery_probe(list, options);
    if (!probe) return probe.error();
    probes.push_back(std::move(*probe));
  }
  return probes;
}

}  // namespace tacho
