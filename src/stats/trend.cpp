#include "stats/trend.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "stats/special.h"

namespace tacho {
namespace {

double theil_sen(const std::vector<double>& series) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) {
      slopes.push_back((series[j] - series[i]) / static_cast<double>(j - i));
    }
  }
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
  std::nth_element(slopes.begin(), middle, slopes.end());
  return *middle;
}

/// Ranks from 1; equal values share theirs.
std::vector<double> ranks_of(const std::vector<double>& series) {
  std::vector<double> ranks;
  for (const double x : series) {
    double below = 0.0, same = 0.0;
    for (const double y : series) {
      if (y < x) below += 1.0;
      if (y == x) same += 1.0;
    }
    ranks.push_back(below + 0.5 * (same + 1.0));
  }
  return ranks;
}

/// How many times larger autocorrelation makes the variance: Hamed and Rao's eq. 10, over the ranks
/// of what is left without the trend, with only those lags that differ from nothing. (All lags
/// would add up the noise of the estimates.)
double inflation(const std::vector<double>& series, double slope) {
  std::vector<double> rest = series;
  for (std::size_t i = 0; i < rest.size(); ++i) rest[i] -= slope * static_cast<double>(i);
  const std::vector<double> ranks = ranks_of(rest);
  const double n = static_cast<double>(ranks.size());
  const double mean = 0.5 * (n + 1.0);
  double variance = 0.0;
  for (const double r : ranks) variance += (r - mean) * (r - mean);
  if (variance <= 0.0) return 1.0;
  double sum = 0.0;
  for (std::size_t lag = 1; lag + 3 < ranks.size(); ++lag) {
    double product = 0.0;
    for (std::size_t i = 0; i + lag < ranks.size(); ++i) {
      product += (ranks[i] - mean) * (ranks[i + lag] - mean);
    }
    const double correlation = product / variance;
    if (std::abs(correlation) < 1.96 / std::sqrt(n)) continue;
    const double left = n - static_cast<double>(lag);
    sum += left * (left - 1.0) * (left - 2.0) * correlation;
  }
  return std::max(1.0, 1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum);
}

}  // namespace

Trend trend_of(const std::vector<double>& series) {
  Trend trend;
  if (series.size() < 10) return trend;
  trend.slope = theil_sen(series);
  double score = 0.0;
  std::map<double, double> ties;
  for (std::size_t i = 0; i < series.size(); ++i) {
    ties[series[i]] += 1.0;
    for (std::size_t j = i + 1; j < series.size(); ++j) {
      score +=
          static_cast<double>(series[j] > series[i]) - static_cast<double>(series[j] < series[i]);
    }
  }
  const double n = static_cast<double>(series.size());
  double variance = n * (n - 1.0) * (2.0 * n + 5.0);
  for (const auto& [value, t] : ties) variance -= t * (t - 1.0) * (2.0 * t + 5.0);
  variance *= inflation(series, trend.slope) / 18.0;
  if (variance <= 0.0 || score <= 0.0) return trend;
  trend.p_rising = normal_tail((score - 1.0) / std::sqrt(variance));
  return trend;
}

}  // namespace tacho
