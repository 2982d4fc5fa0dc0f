#include "report/verdict.h"

#include "base/text.h"

namespace tacho {
namespace {

/// Was the run cut before its end?
void judge_end(const CellSummary& cell, const Manifest& manifest, Verdict& verdict) {
  if (manifest.status == "finished") return;
  const double planned_s = json_number(manifest.config, "duration_s");
  if (planned_s > 0) {
    if (cell.duration_s < planned_s) {
      verdict.reasons.push_back(
          format("cut short: {} of {} s", format_significant(cell.duration_s, 3), planned_s));
    }
  } else if (cell.offered < cell.cell.requests) {
    verdict.reasons.push_back(
        format("cut short: {} of {} requests", cell.offered, cell.cell.requests));
  }
}

/// A percentile that was asked for by name must have reached its rank.
void judge_percentiles(const CellSummary& cell, const Manifest& manifest, Verdict& verdict) {
  const auto asked = manifest.config.find("metric_percentiles");
  if (asked == manifest.config.end() || !asked->is_array()) return;
  for (const Json& value : *asked) {
    if (!value.is_number()) continue;
    const double percent = value.get<double>();
    if (percent <= 0.0 || percent >= 100.0) continue;
    for (const Metric metric : {Metric::ttft, Metric::tpot, Metric::e2e}) {
      const Distribution& d = cell.of(metric);
      if (d.empty()) continue;
      const Interval* interval = cell.confidence_of(metric).of(percent);
      const std::size_t needed = samples_needed(percent);
      const bool is_thin = interval != nullptr ? interval->is_rank_thin : d.n < needed;
      if (!is_thin) continue;
      verdict.reasons.push_back(format(
          "too few samples: p{:g} of {} was asked for and stands on {} requests; about {} more",
          percent, info(metric).key, d.n,
          interval != nullptr ? interval->needs_more : needed - d.n));
      break;  // One sentence for each percentile is enough.
    }
  }
}

}  // namespace

void judge_wishes(const CellSummary& cell, const Manifest& manifest, Verdict& verdict) {
  for (const SloVerdict& slo : cell.slos) {
    if (slo.bound == Bound::open)
      verdict.reasons.push_back(format("too few samples: {}", slo.text()));
  }
  judge_percentiles(cell, manifest, verdict);
  if (cell.stopped_by == "errors")
    verdict.reasons.push_back(format("stopped by errors: {}", cell.stop_detail));
  if (manifest.config.contains("until") && cell.stopped_by != "ci")
    verdict.reasons.push_back(format("too few samples: {}", cell.stop_detail));
  const double budget = json_number(manifest.config, "error_budget");
  if (budget > 0.0 && cell.error_rate > budget) {
    verdict.reasons.push_back(
        format("error budget passed: {} of {} requests failed, more than the {} % allowed",
               cell.failed, cell.offered, format_significant(100 * budget, 3)));
  }
}

Verdict judge(const CellSummary& cell, const Manifest& manifest) {
  Verdict verdict;
  if (cell.offered == 0) {
    verdict.reasons.push_back(manifest.status == "finished" ? "nothing was sent" : "did not begin");
    return verdict;
  }
  if (cell.completed == 0 && cell.failed > 0) verdict.reasons.push_back("no request succeeded");
  judge_end(cell, manifest, verdict);
  judge_client(cell, verdict);
  judge_load(cell, verdict);
  judge_content(cell, verdict);
  judge_server(cell, verdict);
  judge_wishes(cell, manifest, verdict);
  if (cell.instrument.clock_steps > 0) verdict.reasons.push_back("the wall clock was stepped");
  return verdict;
}

}  // namespace tacho
