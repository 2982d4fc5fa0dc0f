// Confidence intervals: of a percentile by order statistics, of a mean by Student's t, both on the
// number of independent samples that the series is worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tacho {

/// How sure an interval is, everywhere in tacho.
inline constexpr double interval_level = 0.95;

/// An interval, or why there is none.
struct Interval {
  double low = 0.0;
  double high = 0.0;
  bool is_known = false;       ///< False: the data is too thin; low and high say nothing.
  bool is_rank_thin = false;   ///< Not even the percentile itself stands: its rank is not reached.
  double n_effective = 0.0;    ///< Independent samples that the data is worth here.
  std::size_t needs_more = 0;  ///< Further requests it takes, about; 0 when known.
};

/// Samples in the order in which they came about, in clusters: one request's values, of which there
/// is one (ttft) or many (the gaps between its tokens).
struct Clusters {
  std::vector<double> values;       ///< All of them, cluster after cluster.
  std::vector<std::uint32_t> size;  ///< Of each cluster; empty when each is one value.
  std::size_t count() const { return size.empty() ? values.size() : size.size(); }
};

/// The interval of a percentile, 0 < percent < 100. `ascending` are the clusters' values, sorted.
Interval percentile_interval(const Clusters& clusters, const std::vector<double>& ascending,
                             double percent);

/// The interval of the mean of all values.
Interval mean_interval(const Clusters& clusters);

/// The ends of the interval of a percentile, as percentiles, for a known number of independent
/// samples.
std::pair<double, double> bounds_in_percent(double percent, double n_effective);

/// Independent samples without which no interval of the percentile exists: its bound would lie
/// beyond the largest (or smallest) sample.
std::size_t samples_needed(double percent);

}  // namespace tacho
