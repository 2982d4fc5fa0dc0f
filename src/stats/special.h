// The few special functions that intervals and tests stand on. Own code, so that a figure does not
// depend on the machine's mathematics library beyond lgamma, exp, log and erfc.
#pragma once

#include <cstddef>

namespace tacho {

/// The regularized incomplete beta function I_x(a, b) for a, b > 0 and 0 <= x <= 1: the
/// probability that a Beta(a, b) variable is at most x.
double incomplete_beta(double a, double b, double x);

/// P(X <= k) for X binomial of n trials with probability p each. k >= n yields 1.
double binomial_cdf(std::size_t k, std::size_t n, double p);

/// P(Z > z) for a standard normal Z.
double normal_tail(double z);

/// The value that a Student variable with `freedom` > 0 degrees stays below with probability p,
/// 0 < p < 1.
double student_quantile(double p, double freedom);

}  // namespace tacho
