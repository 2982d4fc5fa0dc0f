// The special functions against values from tables and against sums that can be done by hand.
#include "stats/special.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

namespace tacho {
namespace {

TEST_CASE("the incomplete beta function is a polynomial for whole numbers, and symmetric") {
  // I_x(2, 3) = x² (6 - 8x + 3x²).
  for (const double x : {0.0, 0.1, 0.4, 0.7, 1.0}) {
    CHECK(incomplete_beta(2, 3, x) == doctest::Approx(x * x * (6 - 8 * x + 3 * x * x)));
    CHECK(incomplete_beta(7.5, 0.3, x) == doctest::Approx(1.0 - incomplete_beta(0.3, 7.5, 1 - x)));
  }
  CHECK(incomplete_beta(1, 1, 0.25) == doctest::Approx(0.25));
}

TEST_CASE("the binomial's sum is the sum of its terms, also where it is long") {
  double sum = 0.0, term = std::pow(0.7, 20);
  for (std::size_t k = 0; k < 20; ++k) {
    sum += term;
    CHECK(binomial_cdf(k, 20, 0.3) == doctest::Approx(sum));
    term *= static_cast<double>(20 - k) / static_cast<double>(k + 1) * 0.3 / 0.7;
  }
  CHECK(binomial_cdf(20, 20, 0.3) == 1.0);
  CHECK(binomial_cdf(0, 459, 0.01) == doctest::Approx(std::pow(0.99, 459)));
  // Far from the middle of a million, where the normal approximation is good to three digits.
  CHECK(binomial_cdf(10'098, 1'000'000, 0.01) == doctest::Approx(0.8389).epsilon(0.003));
}

TEST_CASE("Student's quantiles are those of the printed tables") {
  CHECK(student_quantile(0.975, 1) == doctest::Approx(12.7062).epsilon(1e-5));
  CHECK(student_quantile(0.975, 5) == doctest::Approx(2.57058).epsilon(1e-5));
  CHECK(student_quantile(0.95, 30) == doctest::Approx(1.69726).epsilon(1e-5));
  CHECK(student_quantile(0.975, 1e7) == doctest::Approx(1.95996).epsilon(1e-5));
  CHECK(student_quantile(0.025, 5) == doctest::Approx(-2.57058).epsilon(1e-5));
  CHECK(student_quantile(0.5, 5) == doctest::Approx(0.0));
  CHECK(normal_tail(1.959964) == doctest::Approx(0.025).epsilon(1e-5));
}

}  // namespace
}  // namespace tacho
