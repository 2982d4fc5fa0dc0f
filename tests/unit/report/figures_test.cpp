// Failures in percentiles, evenness, what one user sees, and scaling.
#include "report/figures.h"

#include <doctest/doctest.h>

#include "records.h"

namespace tacho {
namespace {

CellSummary only_cell(const RunData& data) { return summarize(data).cells.at(0); }

TEST_CASE("failed requests are infinitely late in percentiles of their own") {
  std::vector<Record> records(90, ok_record(0.0, {100.0}));
  for (int i = 0; i < 10; ++i) records.push_back(failed_record(0.0, Outcome::reset, 5.0));
  const Json json = with_failures_json(only_cell(run_of(records)), Metric::ttft);
  CHECK(json["p50"] == 100.0);
  CHECK(json["p90"] == "inf");
  CHECK(json["max"] == "inf");
  CHECK(json["n"] == 100);
  const Json none = with_failures_json(only_cell(run_of({ok_record(0.0, {100.0})})), Metric::ttft);
  CHECK(none["max"] == 100.0);  // The same keys when nothing failed.
  CHECK(none.size() == json.size());
}

TEST_CASE("evenness: spread, tail and spikes") {
  std::vector<double> samples(998, 10.0);
  samples.push_back(31.0);
  samples.push_back(29.0);
  const Json json = consistency_json(summarize(samples));
  CHECK(json["spikes_per_1000"] == 1.0);
  CHECK(json["p99_over_p50"] == 1.0);
  CHECK(json["cv"].get<double>() == doctest::Approx(0.0894).epsilon(0.01));
  CHECK(consistency_json(Distribution()).is_null());
}

TEST_CASE("a user sees the inverse of the time per token") {
  const CellSummary cell = only_cell(run_of({ok_record(0.0, {100.0, 120.0, 140.0})}));
  CHECK(user_speed(cell).mean == doctest::Approx(50.0));
}

RunSummary grid(const std::vector<std::pair<std::uint32_t, double>>& loads) {
  RunSummary run;
  for (const auto& [concurrency, per_s] : loads) {
    CellSummary cell;
    cell.cell.concurrency = concurrency;
    cell.cell.lengths = "1→1";
    cell.completed = 1;
    cell.windows.whole_run = {true, 0.0, 1.0, 1.0, 1.0, per_s};
    run.cells.push_back(cell);
  }
  return run;
}

TEST_CASE("closed loops scale against the smallest of them, up to the knee") {
  const auto scalings = scalings_of(grid({{8, 700}, {1, 100}, {32, 800}, {64, 810}}));
  REQUIRE(scalings.size() == 1);
  const Scaling& s = scalings[0];
  REQUIRE(s.points.size() == 4);
  CHECK(s.points[0].concurrency == 1);
  CHECK(s.points[0].efficiency == doctest::Approx(1.0));
  CHECK(s.points[1].efficiency == doctest::Approx(0.875));
  CHECK(s.points[3].efficiency == doctest::Approx(0.1266).epsilon(0.01));
  CHECK(s.knee == 8);
  CHECK(scalings_of(grid({{1, 100}, {2, 200}, {4, 400}})).at(0).knee == 0);
  CHECK(scalings_of(grid({{4, 100}})).empty());
}

}  // namespace
}  // namespace tacho
