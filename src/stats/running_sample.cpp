#include "stats/running_sample.h"

#include <algorithm>

namespace tacho {

void RunningSample::add(double value, std::size_t times) {
  if (times == 0) return;
  const auto before = static_cast<double>(n()), more = static_cast<double>(times);
  min = n() == 0 ? value : std::min(min, value);
  max = n() == 0 ? value : std::max(max, value);
  const double apart = value - mean;
  mean += apart * more / (before + more);
  squares += apart * apart * before * more / (before + more);
  histogram.add(value, times);
}

void RunningSample::merge(const RunningSample& other) {
  if (other.n() == 0) return;
  if (n() == 0) {
    *this = other;
    return;
  }
  // Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample
  // variances, 1979.
  const auto mine = static_cast<double>(n()), theirs = static_cast<double>(other.n());
  const double apart = other.mean - mean;
  mean += apart * theirs / (mine + theirs);
  squares += other.squares + apart * apart * mine * theirs / (mine + theirs);
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  histogram.merge(other.histogram);
}

}  // namespace tacho
