// Bounds that a run was asked to show: holds, fails, cannot tell yet.
#include "report/slo.h"

#include <doctest/doctest.h>

#include "records.h"

namespace tacho {
namespace {

RunData answers(std::size_t fast, std::size_t slow, std::size_t failed) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < fast; ++i) records.push_back(ok_record(0.0, {100.0, 110.0}));
  for (std::size_t i = 0; i < slow; ++i) records.push_back(ok_record(0.0, {300.0, 400.0}));
  for (std::size_t i = 0; i < failed; ++i)
    records.push_back(failed_record(0.0, Outcome::reset, 10.0));
  return run_of(records);
}

CellSummary judged(RunData& data, const CellSlo& slo) {
  data.manifest.cell_slos = {slo};
  return summarize(data).cells.at(0);
}

const CellSlo p99_ttft{CellSlo::Kind::percentile, "ttft_ms", 99, 200};

bool has_reason(const CellSummary& cell, std::string_view words) {
  for (const auto& reason : cell.verdict.reasons) {
    if (reason.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST_CASE("a percentile's bound holds at 459 requests within it, not at 458") {
  RunData enough = answers(459, 0, 0), few = answers(458, 0, 0);
  const CellSummary yes = judged(enough, p99_ttft), open = judged(few, p99_ttft);
  CHECK(yes.slos.at(0).bound == Bound::holds);
  CHECK(yes.slos[0].text() ==
        "p99 ttft_ms <= 200 holds at 99 % confidence (0 of 459 requests over)");
  CHECK_FALSE(has_reason(yes, "too few samples"));
  CHECK(open.slos.at(0).bound == Bound::open);
  CHECK(open.slos[0].text() ==
        "p99 ttft_ms <= 200: cannot tell yet (0 of 458 requests over): 1 more requests");
  CHECK(has_reason(open, "too few samples: p99 ttft_ms <= 200: cannot tell yet"));
}

TEST_CASE("one over the limit takes 662, and a failed request is over every limit") {
  for (const bool is_failure : {false, true}) {
    RunData few = answers(600, is_failure ? 0 : 1, is_failure ? 1 : 0);
    RunData enough = answers(661, is_failure ? 0 : 1, is_failure ? 1 : 0);
    CHECK(judged(few, p99_ttft).slos.at(0).needs_more == 662 - 601);
    CHECK(judged(enough, p99_ttft).slos.at(0).bound == Bound::holds);
  }
}

TEST_CASE("far too many over the limit fail it, which is an answer and no reason for doubt") {
  RunData data = answers(300, 30, 0);
  const CellSummary cell = judged(data, p99_ttft);
  CHECK(cell.slos.at(0).bound == Bound::fails);
  CHECK(cell.slos[0].over == 30);
  CHECK(cell.slos[0].text() ==
        "p99 ttft_ms <= 200 fails at 99 % confidence (30 of 330 requests over)");
  CHECK_FALSE(has_reason(cell, "too few samples"));
}

TEST_CASE("errors and goodput are judged by the same bound, over all requests due") {
  RunData sound = answers(500, 0, 0), broken = answers(400, 0, 30);
  const CellSlo errors{CellSlo::Kind::error_rate, "", 0, 0.01};
  CHECK(judged(sound, errors).slos.at(0).bound == Bound::holds);
  CHECK(judged(broken, errors).slos.at(0).bound == Bound::fails);
  RunData mixed = answers(190, 10, 0);
  mixed.manifest.slos = {{"ttft_ms", 200.0}};
  CHECK(judged(mixed, {CellSlo::Kind::goodput, "", 0, 0.90}).slos.at(0).bound == Bound::holds);
  const CellSummary strict = judged(mixed, {CellSlo::Kind::goodput, "", 0, 0.99});
  CHECK(strict.slos.at(0).bound == Bound::fails);
  CHECK(strict.slos[0].over == 10);
}

TEST_CASE("what has no value neither passes nor fails") {
  RunData data = run_of(std::vector<Record>(100, ok_record(0.0, {5.0})));
  const SloVerdict verdict =
      judged(data, {CellSlo::Kind::percentile, "tpot_ms", 90, 20}).slos.at(0);
  CHECK(verdict.n == 0);
  CHECK(verdict.bound == Bound::open);
  CHECK(verdict.needs_more == 44);
}

TEST_CASE("an error budget is passed or kept") {
  RunData data = answers(95, 0, 5);
  data.manifest.config["error_budget"] = 0.05;
  CHECK_FALSE(has_reason(summarize(data).cells.at(0), "error budget"));
  data.manifest.config["error_budget"] = 0.04;
  CHECK(has_reason(summarize(data).cells.at(0),
                   "error budget passed: 5 of 100 requests failed, more than the 4.00 % allowed"));
}

TEST_CASE("bounds come back from run.json as they were") {
  for (const CellSlo& slo : {p99_ttft, CellSlo{CellSlo::Kind::error_rate, "", 0, 0.01},
                             CellSlo{CellSlo::Kind::goodput, "", 0, 0.95}}) {
    const CellSlo back = *cell_slo_from_json(to_json(slo));
    CHECK(slo_text(back) == slo_text(slo));
    CHECK(back.allowed() == doctest::Approx(slo.allowed()));
  }
}

}  // namespace
}  // namespace tacho
