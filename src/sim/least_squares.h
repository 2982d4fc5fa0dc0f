// A robust fit of a few positive constants: Gauss-Newton on their logarithms, with residuals that
// are logarithms of ratios too.
#pragma once

#include <functional>
#include <vector>

namespace tacho {

/// The residuals for constants that are multiplied by these factors; always as many.
using Residuals = std::function<std::vector<double>(const std::vector<double>& factors)>;

/// How a fit is made.
struct FitRules {
  int rounds = 5;
  double probe = 0.08;  ///< By how much a constant is moved to see what depends on it.
  /// A residual beyond this counts by its size, not by its square.
  double outlier = 0.10;
  /// How far a constant is thought to be from its start, as a logarithm: what the measurements do
  /// not settle stays where it was.
  double prior = 0.7;
  /// Afterwards, steps by trial from this size down to a sixteenth of it; 0: none. Where what is
  /// fitted jumps, because requests meet in other steps, slopes lead only so far.
  double search = 0.0;
};

/// The factors that make the residuals small, each at most its bound; all start at 1.
std::vector<double> fit_factors(const std::vector<double>& bounds, const Residuals& residuals,
                                const FitRules& rules);

/// The sum that a fit makes small.
double fit_cost(const std::vector<double>& residuals, const FitRules& rules);

}  // namespace tacho
