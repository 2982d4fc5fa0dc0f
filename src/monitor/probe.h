// Where readings come from. A probe is one file: a vendor's library loaded at run time, the host's
// /proc, an engine's metrics page, another exporter. `make_probes` has the list.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "monitor/snapshot.h"

namespace tacho {

/// Reads one source again and again. It lives on one thread and may block there.
class Probe {
 public:
  virtual ~Probe() = default;
  /// Its name in messages and labels, such as "nvml".
  virtual std::string_view name() const = 0;
  /// Reads once, and appends what it sees. What cannot be read is said in the subjects' `trouble`
  /// and the readings' `missing`; `at` is filled in by the sampler where it is left as never.
  virtual void read(std::vector<Subject>& out) = 0;
  /// Asks a reading that blocks to come back soon; called from another thread.
  virtual void interrupt() {}
};

using ProbePtr = std::unique_ptr<Probe>;

}  // namespace tacho
