#include <algorithm>

#include "base/text.h"
#include "report/verdict.h"

namespace tacho {
namespace {

constexpr std::size_t cold_requests_min = 30;
constexpr double cold_factor = 3.0;
constexpr double cold_share_of_e2e = 0.05;
constexpr std::size_t broken_in_a_row_min = 3;
constexpr double throttled_share_max = 0.01;

std::optional<double> start_ms(const Record& record) {
  const Metric metric = record.streamed ? Metric::ttft : Metric::e2e;
  return record.outcome == Outcome::ok ? value_of(metric, record, 0) : std::nullopt;
}

/// A cold server makes even the fastest of its first requests slow. (The slowest of a closed loop's
/// first wave are slow on any server, for all their prompts come at once.)
void judge_warmup(const CellSummary& cell, Verdict& verdict) {
  std::vector<std::pair<Instant, double>> starts;
  for (const Record* record : cell.records) {
    if (const auto ms = start_ms(*record)) starts.emplace_back(record->sent, *ms);
  }
  if (starts.size() < cold_requests_min) return;
  std::sort(starts.begin(), starts.end());
  const std::size_t wave = cell.cell.is_static ? cell.cell.concurrency.value_or(1) : 3;
  const auto first =
      static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(wave, 1, starts.size() / 5));
  double fastest = starts.front().second;
  for (auto it = starts.begin(); it != starts.begin() + first; ++it)
    fastest = std::min(fastest, it->second);
  std::vector<double> rest;
  for (auto it = starts.begin() + first; it != starts.end(); ++it) rest.push_back(it->second);
  const double usual = summarize(rest).percentile(95);
  const Distribution& whole = cell.of(Metric::e2e);
  const double e2e = whole.empty() ? usual : whole.percentile(50);
  if (fastest <= cold_factor * usual || fastest - usual <= cold_share_of_e2e * e2e) return;
  verdict.reasons.push_back(format(
      "warm-up missing: even the fastest of the first {} requests waited {} ms for its first "
      "token, 95 % of the others at most {} ms; --warmup {} leaves them out",
      first, format_significant(fastest, 3), format_significant(usual, 3), first));
}

/// Connections refused or reset one after another, between answers before and after.
void judge_restart(const CellSummary& cell, Verdict& verdict) {
  std::vector<std::pair<Instant, const Record*>> ends;
  for (const Record* record : cell.records) {
    ends.emplace_back(happened(record->done) ? record->done : record->due, record);
  }
  std::stable_sort(ends.begin(), ends.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  bool had_answer = false, is_refused = false;
  std::size_t begin = 0, length = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const Outcome outcome = ends[i].second->outcome;
    if (outcome == Outcome::refused || outcome == Outcome::reset) {
      if (length++ == 0) begin = i;
      is_refused = is_refused || outcome == Outcome::refused;
      continue;
    }
    const bool is_answer = outcome == Outcome::ok;
    if (is_answer && had_answer && is_refused && length >= broken_in_a_row_min) {
      const Instant start = ends.front().second->due;
      verdict.reasons.push_back(
          format("server restarted in the middle: {} requests in a row were refused or reset from "
                 "{} to {} "
                 "s, then answers came again",
                 length, format_significant(to_s(ends[begin].first - start), 3),
                 format_significant(to_s(ends[i - 1].first - start), 3)));
      return;
    }
    had_answer = had_answer || is_answer;
    is_refused = false;
    length = 0;
  }
}

void judge_throttling(const CellSummary& cell, Verdict& verdict) {
  const auto count = std::count_if(cell.records.begin(), cell.records.end(), [](const Record* r) {
    return r->outcome == Outcome::http_status && r->http_status == 429;
  });
  if (static_cast<double>(count) <= throttled_share_max * static_cast<double>(cell.offered)) return;
  verdict.reasons.push_back(
      format("server throttled: {} of {} requests were answered 429", count, cell.offered));
}

}  // namespace

void judge_server(const CellSummary& cell, Verdict& verdict) {
  judge_warmup(cell, verdict);
  judge_restart(cell, verdict);
  judge_throttling(cell, verdict);
}

}  // namespace tacho
