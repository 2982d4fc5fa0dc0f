// What a schedule promises: the rate, the shape, and nothing but the seed.
//
// Statistical checks run on fixed seeds, so they are exact regressions and can never flake. Their
// bounds are still set from theory (five standard errors), so that a new seed would pass too.
#include "workload/arrivals.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace std::chrono_literals;

namespace tacho {
namespace {

constexpr std::size_t sample_size = 200'000;

std::vector<double> gaps_s(const Arrivals& arrivals, std::size_t count, Seed seed) {
  const auto due = due_times(arrivals, count + 1, seed);
  std::vector<double> gaps;
  for (std::size_t i = 1; i < due.size(); ++i) gaps.push_back(to_s(due[i] - due[i - 1]));
  return gaps;
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

TEST_CASE("a metronome ticks at exact multiples of its period") {
  const auto due = due_times({.rate_per_s = 4.0, .gap_cv = 0.0}, 4, Seed{1});
  CHECK(due == std::vector<Duration>{0ms, 250ms, 500ms, 750ms});
}

TEST_CASE("the metronome does not drift at a rate whose period is no whole nanosecond") {
  const auto due = due_times({.rate_per_s = 3.0, .gap_cv = 0.0}, 3'000'001, Seed{1});
  CHECK(due.back() == 1'000'000s);
}

TEST_CASE("every process keeps its rate, and gap_cv is the variation of its gaps") {
  for (const double cv : {0.5, 1.0, 2.0, 3.0}) {
    CAPTURE(cv);
    const auto gaps = gaps_s({.rate_per_s = 50.0, .gap_cv = cv}, sample_size, Seed{7});
    const double gap_mean = mean(gaps);
    CHECK(gap_mean * 50.0 == doctest::Approx(1.0).epsilon(5.0 * cv / std::sqrt(sample_size)));
    double squares = 0.0;
    for (const double gap : gaps) squares += (gap - gap_mean) * (gap - gap_mean);
    CHECK(std::sqrt(squares / sample_size) / gap_mean == doctest::Approx(cv).epsilon(0.05));
  }
}

TEST_CASE("a gap_cv of 1 is a Poisson process: gaps pass Kolmogorov-Smirnov as exponential") {
  auto gaps = gaps_s({.rate_per_s = 50.0}, sample_size, Seed{11});
  std::sort(gaps.begin(), gaps.end());
  double distance = 0.0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double expected = 1.0 - std::exp(-50.0 * gaps[i]);
    distance = std::max(distance, std::abs(expected - static_cast<double>(i) / sample_size));
  }
  CHECK(distance < 1.95 / std::sqrt(sample_size));  // The critical value at 0.1 %.
}

TEST_CASE("a schedule is a function of its arguments, and shorter ones are prefixes") {
  const Arrivals arrivals{.rate_per_s = 10.0, .gap_cv = 2.0};
  const auto all = due_times(arrivals, 1'000, Seed{42});
  const auto head = due_times(arrivals, 100, Seed{42});
  CHECK(std::equal(head.begin(), head.end(), all.begin()));
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(due_times(arrivals, 1'000, Seed{43}) != all);
}

TEST_CASE("an infinite rate has everything due at once") {
  const Arrivals arrivals{.rate_per_s = std::numeric_limits<double>::infinity()};
  CHECK(due_times(arrivals, 3, Seed{1}) == std::vector<Duration>(3, Duration(0)));
}

TEST_CASE("ramps go from one rate to the other over the requests") {
  for (const auto ramp : {Arrivals::Ramp::linear, Arrivals::Ramp::exponential}) {
    Arrivals arrivals{.gap_cv = 0.0};
    arrivals.ramp = ramp;
    arrivals.ramp_start_per_s = 2.0;
    arrivals.ramp_end_per_s = 32.0;
    const auto gaps = gaps_s(arrivals, 1'000, Seed{3});
    CHECK(1.0 / gaps.front() == doctest::Approx(2.0).epsilon(0.02));
    CHECK(1.0 / gaps.back() == doctest::Approx(32.0).epsilon(0.02));
    // Half-way the linear ramp is at the mean of both rates, the exponential one at their root.
    const double half_way = ramp == Arrivals::Ramp::linear ? 17.0 : 8.0;
    CHECK(1.0 / gaps[500] == doctest::Approx(half_way).epsilon(0.02));
    CHECK(std::is_sorted(gaps.rbegin(), gaps.rend()));
  }
}

}  // namespace
}  // namespace tacho
