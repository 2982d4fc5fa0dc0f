#include "workload/arrivals.h"

#include <cmath>
#include <optional>

#include "base/assert.h"
#include "base/text.h"

namespace tacho {
namespace {

/// Draws the gaps of a process of rate 1.
class Gaps {
 public:
  Gaps(const Arrivals& arrivals, Seed seed)
      : is_uniform_(arrivals.has_uniform_gaps),
        shape_(arrivals.gap_cv > 0.0 ? 1.0 / (arrivals.gap_cv * arrivals.gap_cv) : 0.0),
        random_(seed, "arrivals") {
    TACHO_ASSERT(arrivals.gap_cv >= 0.0);
  }

  double next() {
    if (is_uniform_) return 2.0 * random_.uniform();
    return shape_ > 0.0 ? random_.gamma(shape_) / shape_ : 1.0;
  }

 private:
  bool is_uniform_;
  double shape_;  ///< 0: a metronome.
  Random random_;
};

/// Due times one after the other.
///
/// Time is counted in mean gaps and scaled once per arrival: summing scaled gaps would let rounding
/// errors build up until the metronome drifts off its own rate (40 µs after 3 million arrivals).
class DueTimes {
 public:
  DueTimes(const Arrivals& arrivals, Seed seed)
      : rate_per_s_(arrivals.rate_per_s), gaps_(arrivals, seed) {
    if (!arrivals.series.pieces.empty()) clock_.emplace(arrivals.series);
    TACHO_ASSERT(clock_ || rate_per_s_ > 0.0);
  }

  Duration next() {
    const Duration due =
        from_s(clock_ ? clock_->time_of(elapsed_gaps_) : elapsed_gaps_ / rate_per_s_);
    elapsed_gaps_ += gaps_.next();
    return due;
  }

 private:
  double rate_per_s_;
  Gaps gaps_;
  std::optional<RateClock> clock_;
  double elapsed_gaps_ = 0.0;
};

/// The rate at which request `i` of `count` follows the one before. vLLM's ramps go over the
/// requests in the same way, not over time.
double rate_at(const Arrivals& arrivals, std::size_t i, std::size_t count) {
  const double progress = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.0;
  const double start = arrivals.ramp_start_per_s, end = arrivals.ramp_end_per_s;
  if (arrivals.ramp == Arrivals::Ramp::linear) return start + (end - start) * progress;
  return start * std::pow(end / start, progress);
}

std::vector<Duration> ramp_due_times(const Arrivals& arrivals, std::size_t count, Seed seed) {
  Gaps gaps(arrivals, seed);
  std::vector<Duration> due;
  due.reserve(count);
  double elapsed_s = 0.0;
  while (due.size() < count) {
    due.push_back(from_s(elapsed_s));
    elapsed_s += gaps.next() / rate_at(arrivals, due.size(), count);
  }
  return due;
}

/// Draws nothing: the rate is infinite.
bool is_all_at_once(const Arrivals& arrivals) {
  return arrivals.series.pieces.empty() && std::isinf(arrivals.rate_per_s);
}

}  // namespace

std::vector<Duration> due_times(const Arrivals& arrivals, std::size_t count, Seed seed) {
  if (arrivals.ramp != Arrivals::Ramp::none) return ramp_due_times(arrivals, count, seed);
  if (is_all_at_once(arrivals)) return std::vector<Duration>(count, Duration(0));
  DueTimes times(arrivals, seed);
  std::vector<Duration> due;
  due.reserve(count);
  while (due.size() < count) due.push_back(times.next());
  return due;
}

std::size_t arrivals_before(const Arrivals& arrivals, Duration end, std::size_t most, Seed seed) {
  TACHO_ASSERT(arrivals.ramp == Arrivals::Ramp::none);
  if (is_all_at_once(arrivals)) return most;
  DueTimes times(arrivals, seed);
  std::size_t count = 0;
  while (count < most && times.next() < end) ++count;
  return count;
}

double gap_cv_of(const Arrivals& arrivals) {
  return arrivals.has_uniform_gaps ? 1.0 / std::sqrt(3.0) : arrivals.gap_cv;
}

std::string arrivals_words(const Arrivals& arrivals) {
  if (arrivals.ramp == Arrivals::Ramp::none && is_all_at_once(arrivals)) return "all at once";
  std::string words;
  if (arrivals.ramp != Arrivals::Ramp::none) {
    words = format("{}ramp {:g} → {:g} req/s over the requests, ",
                   arrivals.ramp == Arrivals::Ramp::exponential ? "exponential " : "",
                   arrivals.ramp_start_per_s, arrivals.ramp_end_per_s);
  } else if (!arrivals.series.pieces.empty()) {
    words = series_words(arrivals.series) + ", ";
  }
  return words + format("{}gap CV {:.3g}", arrivals.has_uniform_gaps ? "uniform, " : "",
                        gap_cv_of(arrivals));
}

}  // namespace tacho
