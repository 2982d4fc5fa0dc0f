// Arrival processes: when each request of an open-loop run is due.
//
// A run's schedule is fixed before its first byte is sent, and times are later measured from these
// due times. A server that stalls therefore cannot also stall the clock that judges it. Nothing
// here can see a response. Times are absolute, from one seed: a late request never moves the next.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "workload/rate_series.h"

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

  /// How the rate changes over time; where it has pieces, `rate_per_s` is not used. What `gap_cv`
  /// says then holds of the gaps as counted in expected arrivals.
  RateSeries series = {};
  /// Gaps anywhere between none and twice the mean one, all as likely; `gap_cv` is then not used.
  bool has_uniform_gaps = false;
};

/// The first `count` due times, ascending, as offsets from the start of the cell.
///
/// The result depends on the arguments alone, never on how many workers share it. Without a ramp
/// over the requests, fewer requests give a prefix of more. Due times that a series never comes to
/// are more than a century away.
std::vector<Duration> due_times(const Arrivals& arrivals, std::size_t count, Seed seed);

/// How many of those due times lie before `end`, at most `most`. Not for a ramp over the requests.
std::size_t arrivals_before(const Arrivals& arrivals, Duration end, std::size_t most, Seed seed);

/// The coefficient of variation that the gaps have, uniform ones too.
double gap_cv_of(const Arrivals& arrivals);

/// The process in words: "ramp 1 → 50 req/s over 60 s, gap CV 1". A constant rate is left out.
std::string arrivals_words(const Arrivals& arrivals);

}  // namespace tacho
