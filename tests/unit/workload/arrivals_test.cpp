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

std::vector<double> gaps_s(const Arrivals& arrivals, Seed seed, std::size_t count = sample_size) {
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

TEST_CASE("the metronome does not drift at a rate whose period is not a whole nanosecond") {
  const auto due = due_times({.rate_per_s = 3.0, .gap_cv = 0.0}, 3'000'001, Seed{1});
  CHECK(due.back() == 1'000'000s);
}

TEST_CASE("every process keeps its rate, and gap_cv is the variation of its gaps") {
  for (const double gap_cv : {0.25, 1.0, 3.0}) {
    CAPTURE(gap_cv);
    const auto gaps = gaps_s({.rate_per_s = 50.0, .gap_cv = gap_cv}, Seed{7});
    const double gap_mean = mean(gaps);
    CHECK(gap_mean * 50.0 == doctest::Approx(1.0).epsilon(5.0 * gap_cv / std::sqrt(sample_size)));

    double squares = 0.0;
    for (const double gap : gaps) squares += (gap - gap_mean) * (gap - gap_mean);
    CHECK(std::sqrt(squares / sample_size) / gap_mean == doctest::Approx(gap_cv).epsilon(0.05));
  }
}

TEST_CASE("a gap_cv of 1 is a Poisson process: gaps pass Kolmogorov-Smirnov as exponential") {
  auto gaps = gaps_s({.rate_per_s = 50.0}, Seed{11});
  std::sort(gaps.begin(), gaps.end());
  double distance = 0.0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double expected = 1.0 - std::exp(-50.0 * gaps[i]);
    distance = std::max(distance, std::abs(expected - static_cast<double>(i) / sample_size));
  }
  CHECK(distance < 1.95 / std::sqrt(sample_size));  // The 0.1 % critical value.
}

TEST_CASE("the branch of small shapes keeps its mean to a tenth of a per cent") {
  const auto gaps = gaps_s({.rate_per_s = 1.0, .gap_cv = 1.5}, Seed{13}, 3'000'000);
  CHECK(mean(gaps) == doctest::Approx(1.0).epsilon(5.0 * 1.5 / std::sqrt(3e6)));
}

TEST_CASE("a schedule is a function of its arguments, and shorter ones are prefixes") {
  const Arrivals arrivals{.rate_per_s = 10.0, .gap_cv = 2.0};
  const auto all = due_times(arrivals, 1'000, Seed{42});
  const auto head = due_times(arrivals, 100, Seed{42});
  CHECK(std::equal(head.begin(), head.end(), all.begin()));
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(due_times(arrivals, 1'000, Seed{43}) != all);
}

TEST_CASE("a seed means these times, on every machine and for ever") {
  const auto golden = [](const Arrivals& arrivals) {
    std::vector<std::int64_t> ns;
    for (const Duration due : due_times(arrivals, 5, Seed{42})) ns.push_back(due.count());
    return ns;
  };
  CHECK(golden({.rate_per_s = 10.0}) ==
        std::vector<std::int64_t>{0, 12'893'137, 45'369'863, 54'304'998, 67'520'397});
  CHECK(golden({.rate_per_s = 10.0, .gap_cv = 2.0}) ==
        std::vector<std::int64_t>{0, 451'261, 146'552'464, 146'553'536, 204'728'333});
  CHECK(golden({.rate_per_s = 10.0, .gap_cv = 0.5}) ==
        std::vector<std::int64_t>{0, 50'576'223, 119'450'938, 164'957'996, 215'912'094});
}

TEST_CASE("the rate stretches a schedule without changing its shape") {
  const auto slow = due_times({.rate_per_s = 1.0}, 1000, Seed{3});
  const auto fast = due_times({.rate_per_s = 10.0}, 1000, Seed{3});
  for (std::size_t i = 0; i < slow.size(); ++i) {
    CHECK(std::abs(to_s(slow[i]) - 10.0 * to_s(fast[i])) < 1e-7);
  }
}

TEST_CASE("an infinite rate sends all at once") {
  const auto due = due_times({.rate_per_s = std::numeric_limits<double>::infinity()}, 5, Seed{1});
  CHECK(due == std::vector<Duration>(5, 0s));
}

TEST_CASE("none are none, and one is due at once") {
  CHECK(due_times({}, 0, Seed{1}).empty());
  CHECK(due_times({}, 1, Seed{1}) == std::vector<Duration>{0s});
  const Arrivals ramp{
      .ramp = Arrivals::Ramp::linear, .ramp_start_per_s = 1.0, .ramp_end_per_s = 2.0};
  CHECK(due_times(ramp, 1, Seed{1}) == std::vector<Duration>{0s});
}

TEST_CASE("a ramp of a metronome goes from one rate to the other, request by request") {
  Arrivals ramp{.gap_cv = 0.0,
                .ramp = Arrivals::Ramp::linear,
                .ramp_start_per_s = 1.0,
                .ramp_end_per_s = 5.0};
  const auto linear = due_times(ramp, 5, Seed{1});
  // Rates 1, 2, 3, 4, 5 over five requests; the gap before the i-th is the inverse of its rate.
  const std::vector<double> expected{0.0, 1.0 / 2, 1.0 / 2 + 1.0 / 3, 1.0 / 2 + 1.0 / 3 + 1.0 / 4,
                                     1.0 / 2 + 1.0 / 3 + 1.0 / 4 + 1.0 / 5};
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(to_s(linear[i]) == doctest::Approx(expected[i]).epsilon(1e-8));

  ramp.ramp = Arrivals::Ramp::exponential;
  ramp.ramp_end_per_s = 16.0;
  const auto exponential = due_times(ramp, 5, Seed{1});
  const std::vector<double> halves{0.0, 0.5, 0.75, 0.875, 0.9375};
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(to_s(exponential[i]) == doctest::Approx(halves[i]).epsilon(1e-8));
}

TEST_CASE("a ramp down, and a ramp with random gaps, keep their ends") {
  Arrivals ramp{.ramp = Arrivals::Ramp::linear, .ramp_start_per_s = 100.0, .ramp_end_per_s = 10.0};
  const auto due = due_times(ramp, 20'000, Seed{5});
  CHECK(std::is_sorted(due.begin(), due.end()));
  const double early = to_s(due[1000] - due[0]), late = to_s(due[19'999] - due[18'999]);
  CHECK(1000.0 / early == doctest::Approx(97.75).epsilon(5.0 / std::sqrt(1000.0)));
  CHECK(1000.0 / late == doctest::Approx(12.1).epsilon(5.0 / std::sqrt(1000.0)));
}

}  // namespace
}  // namespace tacho
