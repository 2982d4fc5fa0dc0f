#include "report/confidence.h"

#include <algorithm>
#include <cmath>

namespace tacho {
namespace {

/// JSON has no infinity: an upper end that failures push there is null.
Json bounds(const Interval& interval) {
  if (!interval.is_known) return nullptr;
  const auto end = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
  return Json::array({end(interval.low), end(interval.high)});
}

}  // namespace

const Interval* Confidence::of(double percent) const {
  for (std::size_t i = 0; i < judged_percentiles.size(); ++i) {
    if (judged_percentiles[i].percent == percent) return &percentiles[i];
  }
  return nullptr;
}

Confidence confidence_of(const Clusters& clusters, const std::vector<double>& ascending) {
  Confidence confidence;
  confidence.mean = mean_interval(clusters);
  for (std::size_t i = 0; i < judged_percentiles.size(); ++i) {
    confidence.percentiles[i] =
        percentile_interval(clusters, ascending, judged_percentiles[i].percent);
  }
  return confidence;
}

Confidence confidence_of(const Clusters& kept, const Distribution& whole) {
  std::vector<double> ascending = kept.values;
  std::sort(ascending.begin(), ascending.end());
  Confidence sure = confidence_of(kept, ascending);
  if (ascending.empty()) return sure;
  const double times = static_cast<double>(whole.n) / static_cast<double>(ascending.size());
  if (sure.mean.is_known) {
    const double half = 0.5 * (sure.mean.high - sure.mean.low) / std::sqrt(times);
    sure.mean.low = whole.mean - half;
    sure.mean.high = whole.mean + half;
  }
  for (std::size_t i = 0; i < judged_percentiles.size(); ++i) {
    Interval& interval = sure.percentiles[i];
    interval.n_effective *= times;
    if (!interval.is_known) continue;
    const auto [low, high] = bounds_in_percent(judged_percentiles[i].percent, interval.n_effective);
    interval.low = whole.percentile(low);
    interval.high = whole.percentile(high);
  }
  return sure;
}

void add_confidence(Json& distribution, const Confidence& confidence) {
  if (distribution.is_null()) return;
  Json intervals{{"mean", bounds(confidence.mean)}};
  Json sizes = Json::object(), more = Json::object();
  if (confidence.mean.needs_more > 0) more["mean"] = confidence.mean.needs_more;
  for (std::size_t i = 0; i < judged_percentiles.size(); ++i) {
    const std::string key(judged_percentiles[i].key);
    const Interval& interval = confidence.percentiles[i];
    intervals[key] = bounds(interval);
    sizes[key] = std::round(10.0 * interval.n_effective) / 10.0;
    if (interval.needs_more > 0) more[key] = interval.needs_more;
  }
  distribution["ci95"] = std::move(intervals);
  distribution["n_effective"] = std::move(sizes);
  distribution["needs_more"] = std::move(more);
}

}  // namespace tacho
