// Samples that come one by one and are not kept: their moments exactly, their percentiles from a
// histogram.
#pragma once

#include <cstddef>

#include "stats/log_histogram.h"

namespace tacho {

/// What is known of values that have gone by. Merging is adding, in any order.
struct RunningSample {
  LogHistogram histogram;
  double mean = 0.0;
  double squares = 0.0;  ///< Sum of squared distances from the mean.
  double min = 0.0;
  double max = 0.0;

  /// Takes a value that came `times` times.
  void add(double value, std::size_t times = 1);
  /// Takes all that the other has taken.
  void merge(const RunningSample& other);
  /// How many came.
  std::size_t n() const { return histogram.n(); }
};

}  // namespace tacho
