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

TEST_CASE("uniform gaps lie between none and twice the mean one") {
  const auto gaps = gaps_s({.rate_per_s = 50.0, .has_uniform_gaps = true}, Seed{7});
  CHECK(*std::min_element(gaps.begin(), gaps.end()) >= 0.0);
  CHECK(*std::max_element(gaps.begin(), gaps.end()) <= 0.040 + 1e-9);
  CHECK(mean(gaps) * 50.0 == doctest::Approx(1.0).epsilon(5.0 / std::sqrt(3.0 * sample_size)));
  CHECK(gap_cv_of({.has_uniform_gaps = true}) == doctest::Approx(0.57735));
}

TEST_CASE("vLLM's burstiness 0.25, 1 and 4 is a variation of 2, 1 and 0.5, with its own error") {
  for (const double burstiness : {0.25, 1.0, 4.0}) {
    CAPTURE(burstiness);
    const double cv = 1.0 / std::sqrt(burstiness);
    const auto gaps = gaps_s({.rate_per_s = 1000.0, .gap_cv = cv}, Seed{21}, 20'000);
    const double gap_mean = mean(gaps);
    double squares = 0.0;
    for (const double gap : gaps) squares += (gap - gap_mean) * (gap - gap_mean);
    const double measured = std::sqrt(squares / 19'999.0) / gap_mean;
    // Delta method with the gamma law's skewness 2c and kurtosis 3 + 6c².
    const double error = cv * std::sqrt((1.0 + cv * cv) / (2.0 * 20'000.0));
    CHECK(std::abs(measured - cv) < 5.0 * error);
  }
}

TEST_CASE("a rate over time: each stretch has its own number of arrivals, Poisson's or exactly") {
  Arrivals arrivals;
  arrivals.series = {{{60, 10, 10}, {30, 50, 50}, {60, 10, 10}}, false};
  const auto in = [](const std::vector<Duration>& due, Duration from, Duration to) {
    return static_cast<double>(
        std::count_if(due.begin(), due.end(), [&](Duration d) { return d >= from && d < to; }));
  };
  const auto poisson = due_times(arrivals, 2700, Seed{3});
  CHECK(std::is_sorted(poisson.begin(), poisson.end()));
  CHECK(std::abs(in(poisson, 0s, 60s) - 600.0) < 5.0 * std::sqrt(600.0));
  CHECK(std::abs(in(poisson, 60s, 90s) - 1500.0) < 5.0 * std::sqrt(1500.0));
  arrivals.gap_cv = 0.0;
  const auto even = due_times(arrivals, 2700, Seed{3});
  CHECK(in(even, 0s, 60s) == 600);
  CHECK(in(even, 60s, 90s) == 1500);
  CHECK(in(even, 90s, 150s) == 600);
  CHECK(arrivals_before(arrivals, 150s, 1'000'000, Seed{3}) == 2700);
  CHECK(arrivals_before(arrivals, 150s, 1000, Seed{3}) == 1000);
  CHECK(arrivals_before(arrivals, 60s, 1'000'000, Seed{3}) == 600);
}

TEST_CASE("with a rate over time, too, fewer are a prefix of more and only the seed matters") {
  Arrivals arrivals{.gap_cv = 2.0};
  arrivals.series = {{{1, 20, 20}, {0.5, 0, 0}}, true};
  const auto all = due_times(arrivals, 5'000, Seed{42});
  const auto head = due_times(arrivals, 100, Seed{42});
  CHECK(std::equal(head.begin(), head.end(), all.begin()));
  CHECK(due_times(arrivals, 5'000, Seed{42}) == all);
  CHECK(due_times(arrivals, 5'000, Seed{43}) != all);
  // Nothing is due while it is off.
  for (const Duration due : all) CHECK(due % 1'500ms <= 1s);
}

TEST_CASE("read on the clock of its own rate, a changing process is the plain one") {
  Arrivals ramp;
  ramp.series = {{{100, 1, 99}}, false};
  const auto due = due_times(ramp, 2'000, Seed{9});
  const auto plain = due_times({.rate_per_s = 1.0}, 2'000, Seed{9});
  for (std::size_t i = 0; i < due.size(); ++i) {
    const double t = to_s(due[i]);  // The integral of 1 + 0.98 t.
    CHECK(t + 0.49 * t * t == doctest::Approx(to_s(plain[i])).epsilon(1e-6));
  }
}

TEST_CASE("arrivals have words") {
  CHECK(arrivals_words({.rate_per_s = 5.0}) == "gap CV 1");
  CHECK(arrivals_words({.rate_per_s = 5.0, .has_uniform_gaps = true}) == "uniform, gap CV 0.577");
  CHECK(arrivals_words({.rate_per_s = std::numeric_limits<double>::infinity()}) == "all at once");
  CHECK(arrivals_words({.gap_cv = 2.0, .series = {{{60, 1, 50}}, false}}) ==
        "ramp 1 → 50 req/s over 60 s, gap CV 2");
  CHECK(
      arrivals_words(
          {.ramp = Arrivals::Ramp::exponential, .ramp_start_per_s = 1.0, .ramp_end_per_s = 8.0}) ==
      "exponential ramp 1 → 8 req/s over the requests, gap CV 1");
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
