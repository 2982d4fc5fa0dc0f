// What a seed promises: the same numbers everywhere and for ever, independent streams, and the
// right shapes.
//
// The statistical checks run on fixed seeds, so they are exact regressions and can never flake.
// Their bounds are set from theory (five standard errors, or the critical value of 0.1 %), so that
// a new seed would pass too.
#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace tacho {
namespace {

constexpr std::size_t sample_size = 200'000;
const double root_n = std::sqrt(static_cast<double>(sample_size));

std::vector<double> draw(const std::function<double(Random&)>& one, std::uint64_t seed = 7) {
  Random random(Seed{seed}, "test");
  std::vector<double> values(sample_size);
  for (double& value : values) value = one(random);
  return values;
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

Moments moments(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Moments result;
  for (const double value : values) result.mean += value / n;
  for (const double value : values) {
    result.variance += (value - result.mean) * (value - result.mean) / n;
  }
  return result;
}

/// The Kolmogorov-Smirnov distance between the sample and a distribution function.
double distance(std::vector<double> values, const std::function<double(double)>& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double below = static_cast<double>(i) / n;
    const double expected = cdf(values[i]);
    worst = std::max({worst, expected - below, below + 1.0 / n - expected});
  }
  return worst;
}

/// The distance that one sample in a thousand of the right distribution exceeds.
const double critical_distance = 1.95 / root_n;

TEST_CASE("a seed and a name mean the same bits on every machine, for ever") {
  Random random(Seed{42}, "arrivals");
  const std::vector<std::uint64_t> first = {random.bits(), random.bits(), random.bits(),
                                            random.bits()};
  CHECK(first == std::vector<std::uint64_t>{0x2e466cd1037d97fdu, 0x56b0d787ef363d94u,
                                            0x066738753c9ea3e8u, 0x42fb50d9ff0970a1u});
}

TEST_CASE("every distribution has its golden values") {
  Random random(Seed{1}, "golden");
  CHECK(random.uniform() == doctest::Approx(0.85006257708954469).epsilon(1e-15));
  CHECK(random.below(1'000'000) == 112421);
  CHECK(random.normal() == doctest::Approx(-0.47203530445063385).epsilon(1e-14));
  CHECK(random.normal() == doctest::Approx(-1.5325563889894753).epsilon(1e-14));
  CHECK(random.exponential() == doctest::Approx(0.86739564546412562).epsilon(1e-14));
  CHECK(random.gamma(2.5) == doctest::Approx(2.3045948779778045).epsilon(1e-14));
  CHECK(random.gamma(0.25) == doctest::Approx(0.028967303000806178).epsilon(1e-14));
}

TEST_CASE("streams of another name or seed have nothing in common") {
  Random a(Seed{42}, "arrivals");
  Random b(Seed{42}, "lengths");
  Random c(Seed{43}, "arrivals");
  double product_ab = 0.0;
  double product_ac = 0.0;
  for (std::size_t i = 0; i < sample_size; ++i) {
    const double x = a.uniform() - 0.5;
    product_ab += x * (b.uniform() - 0.5);
    product_ac += x * (c.uniform() - 0.5);
  }
  // The sum of n products of independent uniforms has standard deviation sqrt(n) / 12.
  CHECK(std::abs(product_ab) < 5.0 * root_n / 12.0);
  CHECK(std::abs(product_ac) < 5.0 * root_n / 12.0);
}

TEST_CASE("uniform numbers are uniform and never 0 or 1") {
  const auto values = draw([](Random& random) { return random.uniform(); });
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  CHECK(*least > 0.0);
  CHECK(*most < 1.0);
  CHECK(distance(values, [](double x) { return x; }) < critical_distance);
}

TEST_CASE("integers below a bound stay below it and are equally likely") {
  Random random(Seed{3}, "test");
  constexpr std::uint64_t bound = 7;
  std::vector<double> counts(bound, 0.0);
  for (std::size_t i = 0; i < sample_size; ++i) {
    const auto value = random.below(bound);
    counts.at(value) += 1.0;  // Throws, and so fails, when the value is not below the bound.
  }
  const double expected = static_cast<double>(sample_size) / static_cast<double>(bound);
  double chi_square = 0.0;
  for (const double count : counts) chi_square += std::pow(count - expected, 2) / expected;
  CHECK(chi_square < 22.46);  // 6 degrees of freedom, 0.1 %.
  CHECK(random.below(1) == 0);
}

TEST_CASE("a bound near 2^64 is not folded onto small numbers") {
  Random random(Seed{5}, "test");
  constexpr std::uint64_t bound = 3ull << 62;  // A plain remainder would favour the lowest third.
  std::size_t low = 0;
  for (std::size_t i = 0; i < sample_size; ++i) low += random.below(bound) < (1ull << 62) ? 1 : 0;
  const double share = static_cast<double>(low) / static_cast<double>(sample_size);
  CHECK(std::abs(share - 1.0 / 3.0) < 5.0 * std::sqrt(2.0 / 9.0) / root_n);
}

TEST_CASE("normal numbers are normal") {
  const auto values = draw([](Random& random) { return random.normal(); });
  CHECK(distance(values, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }) <
        critical_distance);
}

TEST_CASE("exponential numbers have mean 1 and the exponential's shape") {
  const auto values = draw([](Random& random) { return random.exponential(); });
  CHECK(distance(values, [](double x) { return 1.0 - std::exp(-x); }) < critical_distance);
}

TEST_CASE("gamma numbers have the mean and the variance of their shape") {
  for (const double shape : {0.05, 0.25, 0.9, 1.0, 2.0, 16.0}) {
    CAPTURE(shape);
    const auto [mean, variance] =
        moments(draw([shape](Random& random) { return random.gamma(shape); }));
    // Of Gamma(a): mean a, variance a, fourth central moment 3a^2 + 6a.
    CHECK(std::abs(mean - shape) < 5.0 * std::sqrt(shape) / root_n);
    CHECK(std::abs(variance - shape) < 5.0 * std::sqrt(2.0 * shape * shape + 6.0 * shape) / root_n);
  }
}

TEST_CASE("gamma of shape 1/2 is half the square of a normal number") {
  const auto values = draw([](Random& random) { return random.gamma(0.5); });
  CHECK(distance(values, [](double x) { return std::erf(std::sqrt(x)); }) < critical_distance);
}

}  // namespace
}  // namespace tacho
