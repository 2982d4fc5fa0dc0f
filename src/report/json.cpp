// The summary as JSON: what run.json keeps, what --json prints, and what the page is made from.
// Keys carry their units.
#include <cmath>

#include "base/text.h"
#include "report/figures.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// JSON has no infinity; a figure that is none is null.
Json figure(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json goodput_json(const CellSummary& cell, const std::vector<Slo>& slos) {
  if (slos.empty()) return nullptr;
  Json json;
  json["slos"] = Json::array();
  for (const Slo& slo : slos) {
    json["slos"].push_back(format("{} <= {}", slo.metric, format_significant(slo.limit, 6)));
  }
  json["good"] = cell.goodput.good;
  json["share"] = cell.goodput.share;
  json["per_s"] = cell.goodput.per_s;
  json["failed_by"] = Json::object();
  for (const auto& [metric, count] : cell.goodput.failed_by) json["failed_by"][metric] = count;
  return json;
}

Json slos_json(const CellSummary& cell) {
  Json json = Json::array();
  for (const SloVerdict& slo : cell.slos) {
    constexpr std::array words{"holds", "fails", "cannot tell"};
    json.push_back({{"slo", slo_text(slo.slo)},
                    {"verdict", words[static_cast<std::size_t>(slo.bound)]},
                    {"n", slo.n},
                    {"over", slo.over},
                    {"needs_more", slo.needs_more}});
  }
  return json;
}

Json instrument_json(const CellSummary& cell) {
  const Instrument& instrument = cell.instrument;
  return {{"stamps", instrument.stamps},
          {"client_lag_ms", to_json(cell.of(Metric::client_lag))},
          {"send_lag_ms", to_json(cell.of(Metric::send_lag))},
          {"loop_busy_share", instrument.loop_busy_share},
          {"coalesced_read_share", instrument.coalesced_read_share},
          {"late_first_share", instrument.late_first_share},
          {"late_chunk_share", instrument.late_chunk_share},
          {"multi_token_chunk_share", instrument.multi_token_chunk_share},
          {"reconnects", instrument.reconnects},
          {"connections", instrument.connections},
          {"tap_segments", instrument.tap_segments},
          {"tap_lost", instrument.tap_lost},
          {"tap_sent_again", instrument.tap_sent_again},
          {"clock_steps", instrument.clock_steps}};
}

}  // namespace

Json to_json(const Distribution& distribution) {
  if (distribution.empty()) return nullptr;
  Json json;
  json["mean"] = figure(distribution.mean);
  json["std"] = figure(distribution.std_dev);
  json["min"] = figure(distribution.min);
  Json leaning = Json::array();
  for (const auto& [percent, key] : percentile_keys) {
    json[std::string(key)] = figure(distribution.percentile(percent));
    if (distribution.leans_on_max(percent)) leaning.push_back(key);
  }
  json["n"] = distribution.n;
  json["percentiles"] = distribution.is_exact() ? "exact" : "histogram";
  json["rank_is_max"] = std::move(leaning);
  return json;
}

Json summary_json(const CellSummary& cell, const Manifest& manifest) {
  Json json;
  json["planned"] = cell.cell.requests;
  json["offered"] = cell.offered;
  json["sent"] = cell.sent;
  json["late"] = cell.arrivals.late;
  json["dropped"] = cell.arrivals.dropped;
  json["completed"] = cell.completed;
  json["failed"] = cell.failed;
  json["cancelled_by_plan"] = cell.cancelled;
  json["tries"] = cell.records.size() + cell.retried.size();
  json["outcomes"] = Json::object();
  for (const auto& [outcome, count] : cell.outcomes) json["outcomes"][outcome] = count;
  json["retried_outcomes"] = Json::object();
  for (const auto& [outcome, count] : cell.retried_outcomes) {
    json["retried_outcomes"][outcome] = count;
  }
  json["stopped_by"] = cell.stopped_by;
  json["stop_detail"] = cell.stop_detail;
  json["duration_s"] = cell.duration_s;
  json["request_throughput_per_s"] = cell.request_throughput_per_s;
  json["requests_per_minute"] = 60.0 * cell.request_throughput_per_s;
  json["input_token_throughput_per_s"] = cell.input_token_throughput_per_s;
  json["output_token_throughput_per_s"] = cell.output_token_throughput_per_s;
  json["total_token_throughput_per_s"] =
      cell.input_token_throughput_per_s + cell.output_token_throughput_per_s;
  json["characters_per_s"] = cell.characters_per_s;
  json["windows"] = to_json(cell.windows);
  json["arrivals"] = to_json(cell.arrivals);
  json["queue"] = to_json(cell.queue);
  json["error_rate"] = cell.error_rate;
  json["timeout_rate"] = cell.timeout_rate;
  json["concurrency_mean"] = cell.concurrency_mean;
  json["concurrency_little"] = cell.concurrency_little;
  json["goodput"] = goodput_json(cell, manifest.slos);
  json["slos"] = slos_json(cell);
  for (const MetricInfo& m : metric_infos()) {
    if (m.metric == Metric::client_lag || m.metric == Metric::send_lag) continue;
    Json& distribution = json[std::string(m.key)] = to_json(cell.of(m.metric));
    add_confidence(distribution, cell.confidence_of(m.metric));
  }
  for (const Metric metric :
       {Metric::ttft, Metric::ttft_from_due, Metric::tpot, Metric::e2e, Metric::e2e_from_due}) {
    json[format("{}_with_failures", info(metric).key)] = with_failures_json(cell, metric);
  }
  json["user_speed_tokens_per_s"] = to_json(user_speed(cell));
  json["consistency"] = Json::object();
  for (const Metric metric : {Metric::ttft, Metric::tpot, Metric::e2e}) {
    json["consistency"][std::string(info(metric).key)] = consistency_json(cell.of(metric));
  }
  json["token_source"] = {{"input", token_source_name(cell.input_source)},
                          {"output", token_source_name(cell.output_source)}};
  json["instrument"] = instrument_json(cell);
  const std::string key = std::to_string(cell.cell.id);
  json["truth"] = manifest.truth.contains(key) ? manifest.truth[key] : Json(nullptr);
  json["monitored"] = to_json(cell.monitored);
  json["findings"] = Json::array();
  for (const Finding& finding : cell.findings) json["findings"].push_back(finding_json(finding));
  if (cell.monitored.energy_j > 0.0) {
    const double tokens = cell.output_token_throughput_per_s * cell.duration_s;
    json["energy_per_output_token_j"] =
        tokens > 0.0 ? figure(cell.monitored.energy_j / tokens) : Json(nullptr);
  }
  json["verdict"] = {{"valid", cell.verdict.is_valid()}, {"reasons", cell.verdict.reasons}};
  return json;
}

Json summary_json(const RunSummary& run, const Manifest& manifest) {
  Json json;
  json["completed"] = run.completed;
  json["failed"] = run.failed;
  json["cells"] = Json::array();
  for (const CellSummary& cell : run.cells) {
    Json entry{{"id", cell.cell.id}, {"label", cell_label(cell.cell)}};
    entry.update(summary_json(cell, manifest));
    json["cells"].push_back(std::move(entry));
  }
  json["scaling"] = to_json(scalings_of(run));
  return json;
}

}  // namespace tacho
