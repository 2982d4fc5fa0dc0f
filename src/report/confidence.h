// How sure each figure of a distribution is: the 95 % intervals of its mean and of the percentiles
// that tables show, and where there is none, how many more requests it takes.
#pragma once

#include <array>

#include "base/json.h"
#include "stats/distribution.h"
#include "stats/interval.h"

namespace tacho {

/// The percentiles that get intervals.
inline constexpr std::array<PercentileKey, 5> judged_percentiles{
    {{50, "p50"}, {90, "p90"}, {95, "p95"}, {99, "p99"}, {99.9, "p99_9"}}};

/// The intervals of one metric.
struct Confidence {
  Interval mean;
  std::array<Interval, judged_percentiles.size()> percentiles;

  /// The interval of one of the judged percentiles, or nothing for another one.
  const Interval* of(double percent) const;
  /// Independent samples that the metric's median stands on.
  double n_effective() const { return percentiles[0].n_effective; }
};

/// Folds one metric's samples, in the order in which the requests were sent.
Confidence confidence_of(const Clusters& clusters, const std::vector<double>& ascending);

/// The same for a distribution of which only a part of the requests was kept in full: as sure as
/// that part's requests make the whole.
Confidence confidence_of(const Clusters& kept, const Distribution& whole);

/// Adds `ci95`, `n_effective` and `needs_more` to a distribution's JSON.
void add_confidence(Json& distribution, const Confidence& confidence);

}  // namespace tacho
