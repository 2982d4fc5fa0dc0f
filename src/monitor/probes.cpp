#include "monitor/probes.h"

#include "net/address.h"

namespace tacho {

Result<std::vector<ProbePtr>> make_probes(const WatchOptions& options) {
  std::vector<ProbePtr> probes;
  if (options.watches_host) probes.push_back(make_host_probe(options.root));
  for (const std::string& engine : options.engines) {
    if (const auto url = parse_url(engine); !url) return url.error();
    probes.push_back(make_engine_probe(engine));
  }
  return probes;
}

}  // namespace tacho
