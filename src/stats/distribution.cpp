#include "stats/distribution.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace tacho {

double percentile_of_sorted(const std::vector<double>& ascending, double percent) {
  TACHO_ASSERT(!ascending.empty());
  TACHO_ASSERT(percent >= 0.0 && percent <= 100.0);
  const double position = percent * static_cast<double>(ascending.size() - 1) / 100.0;
  const auto below = static_cast<std::size_t>(position);
  if (below + 1 >= ascending.size()) return ascending.back();
  const double weight = position - static_cast<double>(below);
  // Not a + w (b - a): with infinities (failures) at both ends that would be NaN.
  if (weight == 0.0 || ascending[below] == ascending[below + 1]) return ascending[below];
  return ascending[below] * (1.0 - weight) + ascending[below + 1] * weight;
}

double Distribution::percentile(double percent) const {
  if (is_exact()) return percentile_of_sorted(ascending, percent);
  // The ends are known exactly; a bucket's middle is not to lie beyond them.
  return percent >= 100.0 ? max : std::clamp(histogram.percentile(percent), min, max);
}

bool Distribution::leans_on_max(double percent) const {
  if (percent >= 100.0 || n == 0) return false;
  return percent * static_cast<double>(n - 1) / 100.0 > static_cast<double>(n) - 2.0;
}

Distribution summarize(std::vector<double> samples) {
  Distribution result;
  result.n = samples.size();
  if (samples.empty()) return result;
  std::sort(samples.begin(), samples.end());
  // Ascending order adds small values first, which is also the order with the least rounding.
  double sum = 0.0;
  for (const double x : samples) sum += x;
  result.mean = sum / static_cast<double>(samples.size());
  double squares = 0.0;
  for (const double x : samples) squares += (x - result.mean) * (x - result.mean);
  if (samples.size() > 1) {
    result.std_dev = std::sqrt(squares / static_cast<double>(samples.size() - 1));
  }
  result.min = samples.front();
  result.max = samples.back();
  result.ascending = std::move(samples);
  return result;
}

Distribution summarize(const RunningSample& samples) {
  Distribution result;
  result.n = samples.n();
  if (result.n == 0) return result;
  result.mean = samples.mean;
  if (result.n > 1) result.std_dev = std::sqrt(samples.squares / static_cast<double>(result.n - 1));
  result.min = samples.min;
  result.max = samples.max;
  result.histogram = samples.histogram;
  return result;
}

}  // namespace tacho
