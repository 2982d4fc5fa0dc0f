// Intervals: their ranks against the binomial, what they refuse, and, by simulation, how often they
// hold the true value.
#include "stats/interval.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.h"
#include "stats/autocorrelation.h"
#include "stats/special.h"

namespace tacho {
namespace {

/// exp of a stationary AR(1) series: skewed and correlated, as times of requests are.
std::vector<double> times(Random& random, double rho, std::size_t n) {
  std::vector<double> result;
  double x = random.normal();
  for (std::size_t i = 0; i < n; ++i) {
    result.push_back(std::exp(x));
    x = rho * x + std::sqrt(1.0 - rho * rho) * random.normal();
  }
  return result;
}

Interval interval_of(const std::vector<double>& series, double percent) {
  std::vector<double> ascending = series;
  std::sort(ascending.begin(), ascending.end());
  return percentile_interval({series, {}}, ascending, percent);
}

/// What came of many runs of one kind.
struct Coverage {
  int runs = 0, known = 0, held = 0;
  void add(const Interval& interval, double truth) {
    ++runs;
    if (!interval.is_known) return;
    ++known;
    if (interval.low <= truth && truth <= interval.high) ++held;
  }
  double known_share() const { return static_cast<double>(known) / runs; }
  double held_share() const { return known > 0 ? static_cast<double>(held) / known : 0.0; }
};

TEST_CASE("95 % intervals hold the true percentile in 92 to 98 % of runs, or are refused") {
  // The normal distribution's quantiles at 50, 90 and 99 %.
  constexpr std::array<std::pair<double, double>, 3> truths{
      {{50, 0.0}, {90, 1.2815516}, {99, 2.3263479}}};
  Random random(Seed{7}, "coverage");
  for (const double rho : {0.0, 0.5, 0.9}) {
    for (const std::size_t n : {200u, 500u, 2000u}) {
      std::array<Coverage, 3> found;
      for (int run = 0; run < 400; ++run) {
        const auto series = times(random, rho, n);
        for (std::size_t p = 0; p < truths.size(); ++p) {
          found[p].add(interval_of(series, truths[p].first), std::exp(truths[p].second));
        }
      }
      for (std::size_t p = 0; p < truths.size(); ++p) {
        const Coverage& c = found[p];
        MESSAGE("rho " << rho << ", n " << n << ", p" << truths[p].first << ": "
                       << 100 * c.held_share() << " % covered, " << 100 * (1 - c.known_share())
                       << " % refused");
        const bool is_refused = c.known_share() < 0.1;
        CHECK((is_refused || (c.held_share() >= 0.92 && c.held_share() <= 0.98)));
      }
      // Refusing everything would be no answer: what is plenty is answered.
      if (rho == 0.0 && n >= 500) CHECK(found[2].known_share() > 0.8);
      if (rho <= 0.5 && n >= 500) CHECK(found[0].known_share() > 0.95);
      if (n == 2000) CHECK(found[1].known_share() > 0.7);
    }
  }
}

TEST_CASE("the interval of a mean holds the true one, and so does one by clusters") {
  Random random(Seed{11}, "means");
  Coverage single, clustered, median;
  for (int run = 0; run < 400; ++run) {
    single.add(mean_interval({times(random, 0.5, 1000), {}}), std::exp(0.5));
    // Thirty gaps a request, all of one pace: a thousand and more values, but 100 requests.
    Clusters gaps;
    for (int request = 0; request < 100; ++request) {
      const double pace = random.normal();
      for (int i = 0; i < 30; ++i) gaps.values.push_back(std::exp(pace + 0.1 * random.normal()));
      gaps.size.push_back(30);
    }
    std::vector<double> ascending = gaps.values;
    std::sort(ascending.begin(), ascending.end());
    clustered.add(mean_interval(gaps), std::exp(0.5 + 0.005));
    median.add(percentile_interval(gaps, ascending, 50), 1.0);
  }
  CAPTURE(single.held_share());
  CAPTURE(clustered.held_share());
  CAPTURE(median.held_share());
  CHECK(single.known_share() > 0.9);
  CHECK((single.held_share() >= 0.92 && single.held_share() <= 0.98));
  CHECK(clustered.known_share() > 0.9);
  CHECK((clustered.held_share() >= 0.90 && clustered.held_share() <= 0.98));
  CHECK((median.held_share() >= 0.92 && median.held_share() <= 0.98));
}

TEST_CASE("tokens of one request do not count as requests") {
  Random random(Seed{3}, "clusters");
  Clusters gaps;
  for (int request = 0; request < 60; ++request) {
    const double pace = random.normal();
    for (int i = 0; i < 50; ++i) gaps.values.push_back(pace + 0.01 * random.normal());
    gaps.size.push_back(50);
  }
  std::vector<double> ascending = gaps.values;
  std::sort(ascending.begin(), ascending.end());
  const Interval p50 = percentile_interval(gaps, ascending, 50);
  CHECK(p50.is_known);
  CHECK(p50.n_effective > 30);
  CHECK(p50.n_effective < 90);
  const Interval p99 = percentile_interval(gaps, ascending, 99);
  CHECK_FALSE(p99.is_known);
  CHECK(p99.is_rank_thin);
  CHECK(p99.needs_more > 100);
}

TEST_CASE("a percentile's own number of samples is that of the binomial") {
  CHECK(samples_needed(50) == 6);
  CHECK(samples_needed(90) == 36);
  CHECK(samples_needed(10) == 36);
  CHECK(samples_needed(95) == 72);
  CHECK(samples_needed(99) == 368);
  CHECK(samples_needed(99.9) == 3688);
  for (const double percent : {50.0, 90.0, 99.0, 99.9}) {
    const std::size_t n = samples_needed(percent);
    CHECK(std::pow(percent / 100, n) <= 0.025);
    CHECK(std::pow(percent / 100, n - 1) > 0.025);
  }
}

TEST_CASE("the ranks of an interval leave the binomial's 2.5 % on each side") {
  Random random(Seed{2}, "ranks");
  // One whose estimated autocorrelation is nothing, so that all its samples count.
  std::vector<double> series = times(random, 0.0, 500);
  while (interval_of(series, 50).n_effective < 498.0) series = times(random, 0.0, 500);
  std::vector<double> ascending = series;
  std::sort(ascending.begin(), ascending.end());
  const Interval p50 = interval_of(series, 50);
  REQUIRE(p50.is_known);
  const auto rank = [&](double value) {
    return static_cast<std::size_t>(std::lower_bound(ascending.begin(), ascending.end(), value) -
                                    ascending.begin());
  };
  CHECK(binomial_cdf(rank(p50.low) - 2, 500, 0.5) < 0.025);
  CHECK(binomial_cdf(rank(p50.low) + 1, 500, 0.5) > 0.025);
  CHECK(1 - binomial_cdf(rank(p50.high), 500, 0.5) < 0.025);
  CHECK(1 - binomial_cdf(rank(p50.high) - 3, 500, 0.5) > 0.025);
}

TEST_CASE("what is too thin is refused, with how many more requests it takes") {
  Random random(Seed{5}, "thin");
  const Interval thin = interval_of(times(random, 0.0, 100), 99);
  CHECK_FALSE(thin.is_known);
  CHECK(thin.is_rank_thin);
  CHECK(thin.needs_more >= 268);
  CHECK(thin.needs_more < 500);
  CHECK_FALSE(interval_of(times(random, 0.0, 100), 50).is_rank_thin);
  for (const std::size_t n : {0u, 1u, 2u}) {
    const Interval none = interval_of(times(random, 0.0, n), 50);
    CHECK_FALSE(none.is_known);
    CHECK(none.is_rank_thin);
    CHECK(none.needs_more >= 6 - n);
    CHECK_FALSE(mean_interval({times(random, 0.0, n), {}}).is_known);
  }
  // Correlation costs: as many requests, but not as many independent ones.
  CHECK(interval_of(times(random, 0.9, 200), 50).needs_more > 0);
}

TEST_CASE("a constant is as sure as its rank") {
  const std::vector<double> same(400, 7.0);
  const Interval p99 = interval_of(same, 99);
  CHECK(p99.is_known);
  CHECK(p99.low == 7.0);
  CHECK(p99.high == 7.0);
  CHECK(mean_interval({same, {}}).high == 7.0);
}

TEST_CASE("failures at infinity widen an interval upwards and are never NaN") {
  Random random(Seed{4}, "failures");
  std::vector<double> series = times(random, 0.0, 2000);
  for (double& x : series) {
    if (random.uniform() < 0.03) x = HUGE_VAL;
  }
  const Interval p99 = interval_of(series, 99);
  REQUIRE(p99.is_known);
  CHECK(std::isinf(p99.low));
  CHECK(std::isinf(p99.high));
  const Interval p95 = interval_of(series, 95);
  CHECK(std::isfinite(p95.low));
  CHECK(std::isfinite(p95.high));
}

TEST_CASE("the autocorrelation time of an AR(1) series is (1 + rho) / (1 - rho), also in blocks") {
  Random random(Seed{9}, "ar1");
  for (const double rho : {0.0, 0.5, 0.9}) {
    std::vector<double> series;
    double x = 0.0;
    for (int i = 0; i < 100'000; ++i) {
      x = rho * x + random.normal();
      series.push_back(x);
    }
    const double truth = (1 + rho) / (1 - rho);
    CHECK(autocorrelation_time(series) == doctest::Approx(truth).epsilon(0.1));
    series.resize(16'000);
    CHECK(autocorrelation_time(series) == doctest::Approx(truth).epsilon(0.2));
  }
  CHECK(autocorrelation_time({}) == 1.0);
  CHECK(autocorrelation_time(std::vector<double>(50, 3.0)) == 1.0);
}

}  // namespace
}  // namespace tacho
