// The histogram against exact percentiles of the same samples.
#include "stats/log_histogram.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"
#include "stats/distribution.h"

namespace tacho {
namespace {

TEST_CASE("percentiles are within 0.1 % of the exact ones, over many decades") {
  Random random(Seed{1}, "histogram");
  for (const double spread : {0.1, 1.0, 5.0}) {
    std::vector<double> samples;
    LogHistogram histogram;
    for (int i = 0; i < 200'000; ++i) {
      samples.push_back(std::exp(spread * random.normal()));
      histogram.add(samples.back());
    }
    const Distribution exact = summarize(samples);
    CHECK(histogram.n() == exact.n);
    // Where samples lie densely; the error of a bucket itself is checked below for all.
    for (const double percent : {5.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0}) {
      CHECK(histogram.percentile(percent) ==
            doctest::Approx(exact.percentile(percent)).epsilon(0.0011));
    }
  }
}

TEST_CASE("any single value comes back within 0.1 %") {
  Random random(Seed{2}, "values");
  double worst = 0.0;
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::exp2(80.0 * random.uniform() - 40.0);
    LogHistogram one;
    one.add(value);
    worst = std::max(worst, std::abs(one.percentile(50) / value - 1.0));
  }
  CHECK(worst <= 0.001);
  CHECK(worst > 0.0005);
}

TEST_CASE("merging is adding, in any order") {
  Random random(Seed{3}, "merge");
  LogHistogram all, left, right;
  for (int i = 0; i < 1000; ++i) {
    const double value = random.exponential();
    all.add(value);
    (i % 3 == 0 ? left : right).add(value);
  }
  LogHistogram one = left, other = right;
  one.merge(right);
  other.merge(left);
  for (const double percent : {0.0, 10.0, 50.0, 99.0, 100.0}) {
    CHECK(one.percentile(percent) == all.percentile(percent));
    CHECK(other.percentile(percent) == all.percentile(percent));
  }
  CHECK(one.n() == 1000);
  std::size_t counted = 0;
  double before = -1.0;
  one.each([&](double value, std::uint64_t count) {
    CHECK(value > before);
    before = value;
    counted += count;
  });
  CHECK(counted == 1000);
}

TEST_CASE("zero, the tiny, the negative and the infinite have their places") {
  LogHistogram histogram;
  for (const double value : {0.0, -1.0, 1e-300, std::nan("")}) histogram.add(value);
  CHECK(histogram.percentile(100) == 0.0);
  histogram.add(HUGE_VAL);
  CHECK(histogram.percentile(100) > 1e11);
  CHECK(histogram.percentile(50) == 0.0);
}

}  // namespace
}  // namespace tacho
