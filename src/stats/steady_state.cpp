#include "stats/steady_state.h"

#include <limits>

namespace tacho {

std::optional<std::size_t> transient_length(const std::vector<double>& series) {
  constexpr std::size_t batch = 5, batches_min = 10;
  std::vector<double> means;
  for (std::size_t begin = 0; begin + batch <= series.size(); begin += batch) {
    double sum = 0.0;
    for (std::size_t i = begin; i < begin + batch; ++i) sum += series[i];
    means.push_back(sum / batch);
  }
  if (means.size() < batches_min) return std::nullopt;
  // From the end, so that each cut's mean and squares grow by one batch (Welford).
  double best = std::numeric_limits<double>::infinity();
  std::size_t best_cut = 0;
  double mean = 0.0, squares = 0.0, count = 0.0;
  for (std::size_t cut = means.size(); cut-- > 0;) {
    count += 1.0;
    const double off = means[cut] - mean;
    mean += off / count;
    squares += off * (means[cut] - mean);
    // The last few batches alike by chance are no steady state.
    if (count < 5.0) continue;
    const double error = squares / (count * count);
    if (error <= best) {
      best = error;
      best_cut = cut;
    }
  }
  if (best_cut > means.size() / 2) return std::nullopt;
  return best_cut * batch;
}

}  // namespace tacho
