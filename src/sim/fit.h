// Fits the constants of profiles to measured points, all of them or all but one family, so that the
// error on what was not seen stands beside the error on what was.
#pragma once

#include "sim/constants.h"
#include "sim/least_squares.h"
#include "sim/validate.h"

namespace tacho {

/// A constant and where a fit moved it, in SI units.
struct FittedConstant {
  ConstantName name;
  double before = 0.0, after = 0.0;
};

/// Its place in that server's profiles; null when they are another's or have none of that name.
double* place_of(ModelledServer& server, const ConstantName& name);

/// The constants that the profiles of these points name as fitted, and have.
std::vector<ConstantName> fitted_constants(const std::vector<MeasuredPoint>& points);

/// Their value, and the same put into the profiles of all points.
double constant_of(std::vector<MeasuredPoint>& points, const ConstantName& name);
void set_constant(std::vector<MeasuredPoint>& points, const ConstantName& name, double value);

/// What has to be small: logarithms of simulated against measured TTFT, TPOT and E2E of each point
/// that is in the statistics.
std::vector<double> residuals_of(const std::vector<MeasuredPoint>& points,
                                 std::uint32_t requests_per_slot);

/// Fits those constants to the points, whose profiles are changed.
std::vector<FittedConstant> fit_constants(std::vector<MeasuredPoint>& points,
                                          const std::vector<ConstantName>& names,
                                          std::uint32_t requests_per_slot, const FitRules& rules);

/// Puts them back to what they were before any serving measurement was seen.
void forget(std::vector<MeasuredPoint>& points, const std::vector<ConstantName>& names);

/// A validation in which the points of each family are simulated with constants that were fitted
/// without that family.
Validation validate_left_out(const std::vector<MeasuredPoint>& points,
                             std::uint32_t requests_per_slot, const FitRules& rules,
                             const std::function<void(std::size_t)>& progress);

}  // namespace tacho
