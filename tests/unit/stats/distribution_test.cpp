// Percentiles against values worked out by hand, and how much a percentile is worth.
#include "stats/distribution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace tacho {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("percentiles lie between closest ranks, linearly (type 7)") {
  const Distribution d = summarize({40, 10, 30, 20});
  CHECK(d.n == 4);
  CHECK(d.min == 10);
  CHECK(d.max == 40);
  CHECK(d.mean == 25);
  CHECK(d.std_dev == doctest::Approx(std::sqrt(500.0 / 3.0)));
  CHECK(d.percentile(50) == 25);
  CHECK(d.percentile(25) == 17.5);
  CHECK(d.percentile(75) == 32.5);
  CHECK(d.percentile(90) == doctest::Approx(37.0));
  CHECK(d.percentile(99) == doctest::Approx(39.7));
  CHECK(d.percentile(100) == 40);
  CHECK(d.percentile(0) == 10);
}

TEST_CASE("at a rank there is nothing to interpolate") {
  std::vector<double> samples;
  for (int i = 0; i <= 100; ++i) samples.push_back(i);
  const Distribution d = summarize(samples);
  for (const double percent : {1.0, 5.0, 50.0, 99.0})
    CHECK(d.percentile(percent) == doctest::Approx(percent));
}

TEST_CASE("one sample is every percentile, and has no spread") {
  const Distribution d = summarize({7});
  CHECK(d.mean == 7);
  CHECK(d.std_dev == 0);
  for (const auto& [percent, key] : percentile_keys) CHECK(d.percentile(percent) == 7);
}

TEST_CASE("no samples are a distribution of nothing") {
  const Distribution d = summarize(std::vector<double>());
  CHECK(d.empty());
  CHECK(d.n == 0);
  CHECK_FALSE(d.leans_on_max(99));
}

TEST_CASE("infinite samples (requests that failed) make high percentiles infinite and never NaN") {
  const Distribution d = summarize({1, 2, infinity, infinity});
  CHECK(d.percentile(25) == doctest::Approx(1.75));
  CHECK(d.percentile(50) == infinity);
  CHECK(d.percentile(99) == infinity);
  CHECK(d.max == infinity);
  const Distribution both = summarize({-infinity, -infinity, infinity});
  CHECK(both.percentile(25) == -infinity);
  CHECK(both.percentile(100) == infinity);
}

TEST_CASE("a percentile leans on the maximum when that sample is part of it") {
  // With n samples, percentile p uses the largest one when p/100 (n - 1) > n - 2.
  const auto leans = [](std::size_t n, double percent) {
    return summarize(std::vector<double>(n, 1.0)).leans_on_max(percent);
  };
  CHECK(leans(2, 50));
  CHECK_FALSE(leans(3, 50));
  CHECK(leans(100, 99));
  CHECK_FALSE(leans(101, 99));
  CHECK(leans(1000, 99.9));
  CHECK_FALSE(leans(1001, 99.9));
  CHECK_FALSE(leans(5, 100));  // It is the maximum, and says so.
  // And that is so: another maximum changes the percentile exactly where it leans on it.
  for (const std::size_t n : {2u, 3u, 10u, 20u, 21u, 100u, 101u, 102u}) {
    std::vector<double> samples(n, 1.0);
    const double before = summarize(samples).percentile(95);
    samples.back() = 2.0;
    CHECK((summarize(samples).percentile(95) != before) == leans(n, 95));
  }
}

TEST_CASE("against a plain reading of the definition, on random samples") {
  Random random(Seed{5}, "samples");
  for (int round = 0; round < 50; ++round) {
    std::vector<double> samples(1 + random.below(200));
    for (double& x : samples) x = random.exponential();
    const Distribution d = summarize(samples);
    std::sort(samples.begin(), samples.end());
    for (const auto& [percent, key] : percentile_keys) {
      const double position = percent / 100.0 * static_cast<double>(samples.size() - 1);
      const auto low = static_cast<std::size_t>(std::floor(position));
      const auto high = static_cast<std::size_t>(std::ceil(position));
      const double expected =
          samples[low] + (samples[high] - samples[low]) * (position - std::floor(position));
      CHECK(d.percentile(percent) == doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("the mean of many equal small numbers is that number") {
  const Distribution d = summarize(std::vector<double>(1'000'000, 0.1));
  CHECK(d.mean == doctest::Approx(0.1).epsilon(1e-9));
  CHECK(d.std_dev < 1e-9);
}

TEST_CASE("the keys of percentiles ascend, and the last one is the maximum") {
  for (std::size_t i = 1; i < percentile_keys.size(); ++i) {
    CHECK(percentile_keys[i].percent > percentile_keys[i - 1].percent);
  }
  CHECK(percentile_keys.back().percent == 100);
}

}  // namespace
}  // namespace tacho
