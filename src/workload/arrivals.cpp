#include "workload/arrivals.h"

#include <cmath>

#include "base/assert.h"

namespace tacho {
namespace {

/// The rate at which request `i` of `count` follows the one before. vLLM's ramps go over the
/// requests in the same way, not over time.
double rate_at(const Arrivals& arrivals, std::size_t i, std::size_t count) {
  const double progress = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.0;
  switch (arrivals.ramp) {
    case Arrivals::Ramp::none:
      return arrivals.rate_per_s;
    case Arrivals::Ramp::linear:
      return arrivals.ramp_start_per_s +
             (arrivals.ramp_end_per_s - arrivals.ramp_start_per_s) * progress;
    case Arrivals::Ramp::exponential:
      return arrivals.ramp_start_per_s *
             std::pow(arrivals.ramp_end_per_s / arrivals.ramp_start_per_s, progress);
  }
  return arrivals.rate_per_s;
}

}  // namespace

std::vector<Duration> due_times(const Arrivals& arrivals, std::size_t count, Seed seed) {
  TACHO_ASSERT(arrivals.ramp != Arrivals::Ramp::none || arrivals.rate_per_s > 0.0);
  TACHO_ASSERT(arrivals.gap_cv >= 0.0);
  const bool is_ramp = arrivals.ramp != Arrivals::Ramp::none;
  if (!is_ramp && std::isinf(arrivals.rate_per_s)) return std::vector<Duration>(count, Duration(0));

  const bool is_metronome = arrivals.gap_cv == 0.0;
  const double shape = is_metronome ? 0.0 : 1.0 / (arrivals.gap_cv * arrivals.gap_cv);
  Random random(seed, "arrivals");
  std::vector<Duration> due;
  due.reserve(count);

  // At a constant rate, time is counted in mean gaps and scaled once per arrival: summing scaled
  // gaps would let rounding errors build up until the metronome drifts off its own rate (40 µs
  // after 3 million arrivals).
  double elapsed_gaps = 0.0;
  double elapsed_s = 0.0;
  while (due.size() < count) {
    due.push_back(is_ramp ? from_s(elapsed_s) : from_s(elapsed_gaps / arrivals.rate_per_s));
    const double gap = is_metronome ? 1.0 : random.gamma(shape) / shape;
    elapsed_gaps += gap;
    elapsed_s += is_ramp ? gap / rate_at(arrivals, due.size(), count) : 0.0;
  }
  return due;
}

}  // namespace tacho
