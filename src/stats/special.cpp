#include "stats/special.h"

#include <cmath>

#include "base/assert.h"

namespace tacho {
namespace {

/// The continued fraction of I_x(a, b) by Lentz's method; converges fast for x < (a+1)/(a+b+2).
/// Formula: NIST Digital Library of Mathematical Functions, 8.17.22.
double beta_fraction(double a, double b, double x) {
  constexpr double tiny = 1e-300;
  const auto kept_off_zero = [](double v) { return std::abs(v) < tiny ? tiny : v; };
  double c = 1.0;
  double d = 1.0 / kept_off_zero(1.0 - (a + b) * x / (a + 1.0));
  double fraction = d;
  // Of the order of sqrt(max(a, b)) terms are needed; the limit is for samples of a billion.
  for (int m = 1; m < 100'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1.0 / kept_off_zero(1.0 + even * d);
    c = kept_off_zero(1.0 + even / c);
    fraction *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1.0 / kept_off_zero(1.0 + odd * d);
    c = kept_off_zero(1.0 + odd / c);
    fraction *= c * d;
    if (std::abs(c * d - 1.0) < 1e-14) break;
  }
  return fraction;
}

/// P(T <= t) of Student's distribution, for t >= 0; DLMF 8.17 with x = freedom / (freedom + t²).
double student_cdf(double t, double freedom) {
  return 1.0 - 0.5 * incomplete_beta(0.5 * freedom, 0.5, freedom / (freedom + t * t));
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  TACHO_ASSERT(a > 0.0 && b > 0.0);
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  // lgamma writes a global sign in glibc; the reentrant form does not.
  int sign = 0;
  const double front = std::exp(::lgamma_r(a + b, &sign) - ::lgamma_r(a, &sign) -
                                ::lgamma_r(b, &sign) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

double binomial_cdf(std::size_t k, std::size_t n, double p) {
  if (k >= n) return 1.0;
  // The identity of the binomial and the beta distribution (DLMF 8.17.5).
  return incomplete_beta(static_cast<double>(n - k), static_cast<double>(k) + 1.0, 1.0 - p);
}

double normal_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

double student_quantile(double p, double freedom) {
  TACHO_ASSERT(p > 0.0 && p < 1.0 && freedom > 0.0);
  if (p < 0.5) return -student_quantile(1.0 - p, freedom);
  double low = 0.0, high = 1.0;
  while (student_cdf(high, freedom) < p && high < 1e12) high *= 2.0;
  for (int i = 0; i < 100 && high - low > 1e-12 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (student_cdf(middle, freedom) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace tacho
