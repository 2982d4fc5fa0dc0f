// When a cell's figures are not to be trusted, and why. Each reason is one sentence with its
// numbers, so that the reader can judge the judge; docs/metrics.md lists them.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "report/summary.h"

namespace tacho {
namespace {

constexpr double lag_floor_ms = 1.0;
constexpr double lag_share = 0.05;
constexpr double busy_share_max = 0.90;
constexpr double length_tolerance = 0.10;

/// Late sending or late reading by more than the figures it disturbs can bear.
void judge_lag(const CellSummary& cell, Verdict& verdict) {
  const Distribution& send = cell.of(Metric::send_lag);
  // An open loop's late send is in every time from due. A closed loop's leaves a slot empty for so
  // long, which is its share of a request's whole time; so it is when all requests are due at once
  // and one has to be the last.
  const bool is_paced = cell.cell.request_rate && std::isfinite(*cell.cell.request_rate);
  const Distribution& disturbed =
      cell.of(is_paced && !cell.of(Metric::ttft).empty() ? Metric::ttft : Metric::e2e);
  if (disturbed.empty()) return;
  const double bound = std::max(lag_floor_ms, lag_share * disturbed.percentile(50));
  const bool is_capped_open_loop = !cell.cell.is_static && cell.cell.concurrency.has_value();
  // A capped open loop waits for its slots by design; that wait is in the figures from due.
  if (!send.empty() && !is_capped_open_loop && send.percentile(99) > bound) {
    verdict.reasons.push_back(format("client-bound: send lag p99 {} ms is over {} ms",
                                     format_significant(send.percentile(99), 3),
                                     format_significant(bound, 3)));
  }
  const Distribution& lag = cell.of(Metric::client_lag);
  if (cell.instrument.has_read_stamps() && !lag.empty() && lag.percentile(99) > bound) {
    verdict.reasons.push_back(format("client-bound: client lag p99 {} ms without kernel stamps",
                                     format_significant(lag.percentile(99), 3)));
  }
  if (cell.instrument.loop_busy_share > busy_share_max) {
    verdict.reasons.push_back(format("client-bound: a worker's loop was {:.0f} % busy",
                                     100 * cell.instrument.loop_busy_share));
  }
}

/// With ignore_eos, answers of another length than asked mean that the load was another one.
void judge_lengths(const CellSummary& cell, Verdict& verdict) {
  if (!cell.cell.ignore_eos || !cell.cell.output_tokens || cell.completed == 0) return;
  std::size_t off = 0;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (record.outcome != Outcome::ok) continue;
    // Without usage the text is counted again, which joins tokens that the server sent apart; that
    // it stopped at the limit is then the better witness.
    if (!record.usage.output_tokens && record.finish_reason == "length") continue;
    const double asked = *cell.cell.output_tokens;
    if (std::abs(cell.out_tokens[i] - asked) > length_tolerance * asked) ++off;
  }
  if (off * 100 <= cell.completed) return;
  verdict.reasons.push_back(
      format("output length off: {} of {} answers are not within 10 % of the {} tokens "
             "asked for",
             off, cell.completed, *cell.cell.output_tokens));
}

/// The same prompt twice may be answered from a cache.
void judge_prompts(const CellSummary& cell, Verdict& verdict) {
  std::set<std::uint32_t> seen;
  std::size_t repeated = 0;
  for (const Record* record : cell.records) {
    if (!seen.insert(record->prompt).second) ++repeated;
  }
  if (repeated == 0) return;
  verdict.reasons.push_back(
      format("prompts repeated: {} of {} requests sent a prompt again, which a prefix "
             "cache may have answered",
             repeated, cell.records.size()));
}

/// What was asked for must stand on enough requests, and on few enough errors.
void judge_wishes(const CellSummary& cell, const Manifest& manifest, Verdict& verdict) {
  for (const SloVerdict& slo : cell.slos) {
    if (slo.bound == Bound::open)
      verdict.reasons.push_back(format("too few samples: {}", slo.text()));
  }
  const double budget = json_number(manifest.config, "error_budget");
  if (budget > 0.0 && cell.error_rate > budget) {
    verdict.reasons.push_back(
        format("error budget passed: {} of {} requests failed, more than the "
               "{} % allowed",
               cell.failed, cell.offered, format_significant(100 * budget, 3)));
  }
}

}  // namespace

Verdict judge(const CellSummary& cell, const Manifest& manifest) {
  Verdict verdict;
  if (cell.offered == 0) {
    verdict.reasons.push_back(manifest.status == "finished" ? "nothing was sent" : "did not begin");
    return verdict;
  }
  if (cell.completed == 0) verdict.reasons.push_back("no request succeeded");
  const double planned_s = json_number(manifest.config, "duration_s");
  if (manifest.status != "finished" && planned_s > 0) {
    if (cell.duration_s < planned_s) {
      verdict.reasons.push_back(
          format("cut short: {} of {} s", format_significant(cell.duration_s, 3), planned_s));
    }
  } else if (manifest.status != "finished" && cell.offered < cell.cell.requests) {
    verdict.reasons.push_back(
        format("cut short: {} of {} requests", cell.offered, cell.cell.requests));
  }
  if (cell.cell.is_static && cell.cell.requests < cell.cell.concurrency.value_or(1)) {
    verdict.reasons.push_back(format("load not reached: {} requests cannot keep {} in flight",
                                     cell.cell.requests, *cell.cell.concurrency));
  }
  judge_lag(cell, verdict);
  judge_lengths(cell, verdict);
  judge_prompts(cell, verdict);
  judge_wishes(cell, manifest, verdict);
  if (cell.instrument.clock_steps > 0) verdict.reasons.push_back("the wall clock was stepped");
  return verdict;
}

}  // namespace tacho
