#include "stats/autocorrelation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tacho {
namespace {

/// Above this many samples the series is averaged in blocks first, so that the cost of each lag
/// stays bounded.
constexpr std::size_t series_max = 16'384;

double mean_of(const std::vector<double>& series) {
  double sum = 0.0;
  for (const double x : series) sum += x;
  return sum / static_cast<double>(series.size());
}

double autocovariance(const std::vector<double>& centred, std::size_t lag) {
  double sum = 0.0;
  for (std::size_t i = 0; i + lag < centred.size(); ++i) sum += centred[i] * centred[i + lag];
  return sum / static_cast<double>(centred.size());
}

/// Geyer's initial monotone sequence (Practical Markov chain Monte Carlo, Statistical Science 7,
/// 1992): sums of neighbouring autocovariances are positive and fall for a reversible chain, so
/// the sum ends where the estimate no longer does. Not rounded up to 1.
double geyer_time(std::vector<double> series) {
  const double mean = mean_of(series);
  for (double& x : series) x -= mean;
  const double variance = autocovariance(series, 0);
  if (variance <= 0.0) return 1.0;
  double sum = 0.0;
  double before = std::numeric_limits<double>::infinity();
  for (std::size_t lag = 0; lag + 1 < series.size() / 2; lag += 2) {
    const double pair = autocovariance(series, lag) + autocovariance(series, lag + 1);
    if (pair <= 0.0) break;
    before = std::min(before, pair);
    sum += before;
  }
  // The mean that was taken off is the series' own, which takes the mean's variance off each
  // autocovariance: to first order, the time comes out too small by a factor of 1 - time/n.
  const double raw = 2.0 * sum / variance - 1.0;
  const double n = static_cast<double>(series.size());
  return raw > 0.0 ? raw / std::max(0.1, 1.0 - raw / n) : raw;
}

}  // namespace

double autocorrelation_time(const std::vector<double>& series) {
  if (series.size() < 4) return 1.0;
  if (series.size() <= series_max) return std::max(1.0, geyer_time(series));
  // Var(mean) = Var(block mean) × time of the blocks ÷ blocks, whatever the block's length; the
  // time of the series itself is that over Var(x) ÷ n.
  const std::size_t length = (series.size() + series_max - 1) / series_max;
  std::vector<double> blocks;
  for (std::size_t begin = 0; begin + length <= series.size(); begin += length) {
    double sum = 0.0;
    for (std::size_t i = begin; i < begin + length; ++i) sum += series[i];
    blocks.push_back(sum / static_cast<double>(length));
  }
  const auto variance = [](const std::vector<double>& xs) {
    const double mean = mean_of(xs);
    double sum = 0.0;
    for (const double x : xs) sum += (x - mean) * (x - mean);
    return sum / static_cast<double>(xs.size());
  };
  const double all = variance(series);
  if (all <= 0.0) return 1.0;
  const double of_blocks = std::max(0.0, geyer_time(blocks));
  return std::max(1.0, static_cast<double>(length) * variance(blocks) / all * of_blocks);
}

}  // namespace tacho
