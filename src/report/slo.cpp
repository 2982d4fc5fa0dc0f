#include "report/slo.h"

#include "base/text.h"
#include "report/summary.h"

namespace tacho {
namespace {

/// Counts the requests that a percentile's bound stands on. One without a value (tpot of an answer
/// of one chunk) neither passes nor fails.
void count_over(const CellSummary& cell, SloVerdict& verdict) {
  const auto metric = slo_metric(verdict.slo.metric);
  if (!metric) return;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (is_planned_cancel(record)) continue;
    if (record.outcome != Outcome::ok) {
      ++verdict.n;
      ++verdict.over;
      continue;
    }
    const auto value = value_of(*metric, record, cell.out_tokens[i]);
    if (!value) continue;
    ++verdict.n;
    if (*value > verdict.slo.limit) ++verdict.over;
  }
}

}  // namespace

std::string SloVerdict::text() const {
  const std::string what = slo_text(slo);
  const std::string counts = format("{} of {} requests {}", over, n,
                                    slo.kind == CellSlo::Kind::error_rate ? "failed"
                                    : slo.kind == CellSlo::Kind::goodput  ? "were not good"
                                                                          : "over");
  switch (bound) {
    case Bound::holds:
      return format("{} holds at 99 % confidence ({})", what, counts);
    case Bound::fails:
      return format("{} fails at 99 % confidence ({})", what, counts);
    case Bound::open:
      break;
  }
  return format("{}: cannot tell yet ({}): {} more requests", what, counts, needs_more);
}

std::vector<SloVerdict> judge_slos(const CellSummary& cell, const std::vector<CellSlo>& slos) {
  std::vector<SloVerdict> verdicts;
  for (const CellSlo& slo : slos) {
    SloVerdict verdict;
    verdict.slo = slo;
    if (slo.kind == CellSlo::Kind::percentile) {
      count_over(cell, verdict);
    } else {
      verdict.n = cell.offered - cell.cancelled;
      verdict.over =
          slo.kind == CellSlo::Kind::error_rate ? cell.failed : verdict.n - cell.goodput.good;
    }
    verdict.bound = judge_share(verdict.over, verdict.n, slo.allowed());
    if (verdict.bound == Bound::open)
      verdict.needs_more = requests_needed(verdict.over, slo.allowed()) - verdict.n;
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace tacho
