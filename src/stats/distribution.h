// What is said of a set of samples: mean, spread and percentiles. One definition for every figure
// that tacho prints: linear interpolation between closest ranks (Hyndman and Fan's type 7), sample
// standard deviation.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "stats/running_sample.h"

namespace tacho {

/// One percentile that every summary carries: its rank in percent and its key ("p99_9").
struct PercentileKey {
  double percent;
  std::string_view key;
};

/// The percentiles of every distribution, ascending.
inline constexpr std::array<PercentileKey, 11> percentile_keys{{{1, "p1"},
                                                                {5, "p5"},
                                                                {10, "p10"},
                                                                {25, "p25"},
                                                                {50, "p50"},
                                                                {75, "p75"},
                                                                {90, "p90"},
                                                                {95, "p95"},
                                                                {99, "p99"},
                                                                {99.9, "p99_9"},
                                                                {100, "max"}}};

/// The value below which `percent` per cent of the ascending samples lie. No samples: a bug.
double percentile_of_sorted(const std::vector<double>& ascending, double percent);

/// Mean, spread and percentiles of one set of samples, in the samples' own unit.
struct Distribution {
  std::size_t n = 0;
  double mean = 0.0;
  double std_dev = 0.0;  ///< Of the sample (n - 1); 0 for a single one.
  double min = 0.0;
  double max = 0.0;
  std::vector<double>
      ascending;           ///< The samples themselves, so that any percentile can be asked for.
  LogHistogram histogram;  ///< Instead of them, where they were too many to keep.

  /// True when there is nothing to say.
  bool empty() const { return n == 0; }
  /// True when percentiles are those of the samples, false when of a histogram (0.1 %).
  bool is_exact() const { return histogram.n() == 0; }
  /// The percentile; 0 < percent <= 100. Must not be empty.
  double percentile(double percent) const;
  /// True when the percentile leans on the largest sample: it is then no better known than the
  /// maximum.
  bool leans_on_max(double percent) const;
};

/// Sums up the samples, in any order.
Distribution summarize(std::vector<double> samples);

/// Sums up samples that have gone by.
Distribution summarize(const RunningSample& samples);

}  // namespace tacho
