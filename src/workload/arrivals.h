// Arrival processes: when each request of an open-loop run is due.
//
// A run's schedule is fixed before its first byte is sent, and times are later measured from these
// due times. A server that stalls therefore cannot also stall the clock that judges it. Nothing
// here can see a response.
#pragma once

#include <cstddef>
#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace tacho {

/// Requests that arrive `rate_per_s` times a second on average, with gamma-distributed gaps.
struct Arrivals {
  double rate_per_s = 1.0;  ///< Infinity: all at once.
  /// Coefficient of variation of the gaps: 0 is a metronome, 1 a Poisson process, more clumps
  /// requests together. vLLM's `--burstiness` b is the gamma shape instead: gap_cv = 1/sqrt(b).
  double gap_cv = 1.0;

  /// How the rate changes over the requests; `rate_per_s` is then not used.
  enum class Ramp { none, linear, exponential };
  Ramp ramp = Ramp::none;
  double ramp_start_per_s = 0.0;
  double ramp_end_per_s = 0.0;
};

/// The first `count` due times, ascending, as offsets from the start of the cell.
///
/// The result depends on the arguments alone, never on how many workers share it. Without a ramp,
/// fewer requests give a prefix of more.
std::vector<Duration> due_times(const Arrivals& arrivals, std::size_t count, Seed seed);

}  // namespace tacho
