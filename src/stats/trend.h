// Does a series rise? The Mann-Kendall test, made for series whose neighbours are alike.
#pragma once

#include <vector>

namespace tacho {

/// What the test says of a series.
struct Trend {
  double slope = 0.0;     ///< Theil and Sen's: the median rise from one value to the next.
  double p_rising = 1.0;  ///< How likely a series without trend rises as much.
};

/// Mann and Kendall's test with the variance of Hamed and Rao (Journal of Hydrology 204, 1998),
/// which allows for autocorrelation. The series has a few dozen values, equally far apart in time;
/// fewer than ten say nothing. The work grows with their square.
Trend trend_of(const std::vector<double>& series);

}  // namespace tacho
