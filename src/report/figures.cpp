#include "report/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/text.h"
#include "report/outputs.h"

namespace tacho {
namespace {

constexpr double spike_factor = 3.0;

/// The knee of a rising curve: the point furthest above the line between its ends, both axes
/// brought to 0…1 (Satopää et al., Finding a "Kneedle" in a haystack, ICDCS 2011).
std::uint32_t knee_of(const std::vector<Scaling::Point>& points) {
  if (points.size() < 3) return 0;
  const auto& [low_x, low_y, low_e] = points.front();
  const auto& [high_x, high_y, high_e] = points.back();
  if (high_y <= low_y) return 0;
  double best = 0.05;  // A line has no knee, and neither has a little noise on one.
  std::uint32_t knee = 0;
  for (const Scaling::Point& p : points) {
    const double x = static_cast<double>(p.concurrency - low_x) / (high_x - low_x);
    const double y = (p.throughput_per_s - low_y) / (high_y - low_y);
    if (y - x > best) {
      best = y - x;
      knee = p.concurrency;
    }
  }
  return knee;
}

}  // namespace

Json with_failures_json(const CellSummary& cell, Metric metric) {
  std::vector<double> samples = cell.of(metric).ascending;
  samples.resize(samples.size() + cell.failed, std::numeric_limits<double>::infinity());
  if (samples.empty()) return nullptr;
  const auto value = [](double v) { return std::isinf(v) ? Json("inf") : Json(v); };
  Json json;
  for (const auto& [percent, key] : percentile_keys)
    json[std::string(key)] = value(percentile_of_sorted(samples, percent));
  json["n"] = samples.size();
  return json;
}

Json consistency_json(const Distribution& d) {
  if (d.empty() || d.mean <= 0.0 || d.percentile(50) <= 0.0) return nullptr;
  const double median = d.percentile(50);
  const auto beyond =
      std::upper_bound(d.ascending.begin(), d.ascending.end(), spike_factor * median);
  return {{"cv", d.std_dev / d.mean},
          {"p99_over_p50", d.percentile(99) / median},
          {"spikes_per_1000",
           1000.0 * static_cast<double>(d.ascending.end() - beyond) / static_cast<double>(d.n)}};
}

Distribution user_speed(const CellSummary& cell) {
  std::vector<double> speeds;
  for (const double tpot_ms : cell.of(Metric::tpot).ascending) {
    if (tpot_ms > 0.0) speeds.push_back(1000.0 / tpot_ms);
  }
  return summarize(std::move(speeds));
}

std::vector<Scaling> scalings_of(const RunSummary& run) {
  std::map<std::string, std::map<std::uint32_t, Scaling::Point>> groups;
  for (const CellSummary& cell : run.cells) {
    if (!cell.cell.is_static || cell.completed == 0 || !cell.cell.concurrency) continue;
    if (!cell.cell.load.empty()) continue;  // Users think; their number is no concurrency.
    const Window& window = cell.windows.headline();
    const double per_s = window.output_token_throughput_per_s > 0.0
                             ? window.output_token_throughput_per_s
                             : window.request_throughput_per_s;
    groups[cell.cell.lengths][*cell.cell.concurrency] = {*cell.cell.concurrency, per_s, 0.0};
  }
  std::vector<Scaling> scalings;
  for (auto& [lengths, points] : groups) {
    if (points.size() < 2) continue;
    Scaling scaling;
    scaling.lengths = lengths;
    const Scaling::Point& first = points.begin()->second;
    const double per_stream = first.throughput_per_s / first.concurrency;
    for (auto& [concurrency, point] : points) {
      if (per_stream > 0.0) point.efficiency = point.throughput_per_s / (concurrency * per_stream);
      scaling.points.push_back(point);
    }
    scaling.knee = knee_of(scaling.points);
    scalings.push_back(std::move(scaling));
  }
  return scalings;
}

Json to_json(const std::vector<Scaling>& scalings) {
  Json json = Json::array();
  for (const Scaling& scaling : scalings) {
    Json points = Json::array();
    for (const auto& p : scaling.points) {
      points.push_back({{"concurrency", p.concurrency},
                        {"throughput_per_s", p.throughput_per_s},
                        {"efficiency", p.efficiency}});
    }
    json.push_back({{"lengths", scaling.lengths},
                    {"base_concurrency", scaling.points.front().concurrency},
                    {"points", std::move(points)},
                    {"knee_concurrency", scaling.knee > 0 ? Json(scaling.knee) : Json(nullptr)}});
  }
  return json;
}

}  // namespace tacho
