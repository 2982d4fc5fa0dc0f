// The windows of a cell, its arrivals against their schedule, and its queue.
#include "report/windows.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>

#include "base/random.h"
#include "records.h"
#include "report/in_flight.h"

namespace tacho {
namespace {

CellSummary only_cell(const RunData& data) { return summarize(data).cells.at(0); }

bool has_reason(const CellSummary& cell, std::string_view words) {
  for (const auto& reason : cell.verdict.reasons) {
    if (reason.find(words) != std::string::npos) return true;
  }
  return false;
}

/// A server of `servers` slots with exponential services of mean 100 ms, Poisson arrivals at `load`
/// times its capacity, `cap` in flight at most (0: no cap).
RunData queue_run(double load, int servers, int n, std::uint64_t seed, std::size_t cap = 0) {
  Random random(Seed{seed}, "queue");
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at, slots;
  for (int s = 0; s < servers; ++s) free_at.push(0.0);
  for (std::size_t s = 0; s < cap; ++s) slots.push(0.0);
  std::vector<Record> records;
  double due = 0.0;
  for (int i = 0; i < n; ++i) {
    due += 100.0 * random.exponential() / (load * servers);
    const double sent = cap > 0 ? std::max(due, slots.top()) : due;
    const double start = std::max(sent, free_at.top());
    free_at.pop();
    const double end = start + 100.0 * random.exponential();
    free_at.push(end);
    if (cap > 0) slots.pop(), slots.push(end);
    Record r = ok_record(sent, {start - sent + 1.0, std::max(start - sent + 1.0, end - sent)});
    r.due = at_ms(due);
    records.push_back(r);
  }
  RunData data = run_of(records);
  Cell& cell = data.manifest.cells[0];
  cell.is_static = false;
  cell.request_rate = 10.0 * load * servers;
  cell.concurrency.reset();
  if (cap > 0) cell.concurrency = static_cast<std::uint32_t>(cap);
  return data;
}

/// `streams` streams, each sending its next request when the last has ended.
RunData closed_run(int streams, int rounds, double ms) {
  std::vector<Record> records;
  for (int round = 0; round < rounds; ++round) {
    for (int s = 0; s < streams; ++s) {
      // Not in step, as real streams soon are not.
      const double start = round * ms + (round > 0 ? ms * s / streams : 0.0);
      const double end = (round + 1) * ms + ms * s / streams;
      records.push_back(ok_record(start, {0.25 * (end - start), end - start}));
    }
  }
  RunData data = run_of(records);
  data.manifest.cells[0].concurrency = static_cast<std::uint32_t>(streams);
  return data;
}

TEST_CASE("a closed loop is steady while it is full: its tail is the drain, and lowers the whole") {
  const CellSummary cell = only_cell(closed_run(10, 5, 100.0));
  const Windows& w = cell.windows;
  REQUIRE(w.steady_state.is_known);
  CHECK(w.headline_name() == "steady state");
  CHECK(w.steady_state.from_s == doctest::Approx(0.0));
  CHECK(w.steady_state.duration_s == doctest::Approx(0.5).epsilon(0.03));
  CHECK(w.whole_run.duration_s == doctest::Approx(0.59));
  CHECK(w.drain.duration_s + w.steady_state.duration_s == doctest::Approx(w.whole_run.duration_s));
  CHECK(w.whole_run.request_throughput_per_s == doctest::Approx(50 / 0.59));
  CHECK(w.steady_state.request_throughput_per_s > 1.05 * w.whole_run.request_throughput_per_s);
  CHECK(w.drain.request_throughput_per_s < w.whole_run.request_throughput_per_s);
  // No work is lost or counted twice.
  CHECK(w.steady_state.request_throughput_per_s * w.steady_state.duration_s +
            w.drain.request_throughput_per_s * w.drain.duration_s ==
        doctest::Approx(50));
  CHECK(w.whole_run.output_token_throughput_per_s ==
        doctest::Approx(cell.output_token_throughput_per_s));
}

TEST_CASE("a loop that never had its streams has no steady state, and says why") {
  RunData data = closed_run(4, 5, 100.0);
  data.manifest.cells[0].concurrency = 10;
  const CellSummary cell = only_cell(data);
  CHECK_FALSE(cell.windows.steady_state.is_known);
  CHECK(cell.windows.no_steady_state == "the concurrency was never reached");
  CHECK(cell.windows.headline_name() == "whole run");
  CHECK(cell.windows.headline().request_throughput_per_s == cell.request_throughput_per_s);
}

TEST_CASE("an open loop is steady from its transient's end to its last arrival") {
  const RunData data = queue_run(0.6, 4, 1000, 3);
  const CellSummary cell = only_cell(data);
  REQUIRE(cell.windows.steady_state.is_known);
  const double arrivals_s = to_s(data.records.back().due - data.records.front().due);
  CHECK(cell.windows.steady_state.from_s + cell.windows.steady_state.duration_s ==
        doctest::Approx(arrivals_s));
  CHECK(cell.windows.steady_state.request_throughput_per_s == doctest::Approx(24.0).epsilon(0.15));
  CHECK(cell.windows.drain.is_known);
  RunData few = queue_run(0.6, 4, 30, 3);
  CHECK(only_cell(few).windows.no_steady_state == "30 arrivals are too few to find one");
  few.manifest.cells[0].ramp_start_rate = 1.0;
  CHECK(only_cell(few).windows.no_steady_state == "the load is not one constant rate");
}

TEST_CASE("a queue over capacity grows, with its figures; one below does not") {
  int alarms = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CHECK(has_reason(only_cell(queue_run(2.0, 4, 300, seed)), "queue grows: from "));
    if (has_reason(only_cell(queue_run(0.7, 4, 300, seed)), "queue grows")) ++alarms;
  }
  CHECK(alarms <= 1);
  const QueueTrend trend = only_cell(queue_run(2.0, 4, 600, 1)).queue;
  // 80 arrive each second and 40 leave.
  CHECK(trend.per_s == doctest::Approx(40.0).epsilon(0.2));
  CHECK(trend.to > 200.0);
}

TEST_CASE("all at once, ramps and closed loops are not judged by their queue") {
  RunData data = queue_run(2.0, 4, 300, 1);
  Cell& cell = data.manifest.cells[0];
  cell.ramp_start_rate = 1.0;
  CHECK_FALSE(has_reason(only_cell(data), "queue grows"));
  cell.ramp_start_rate.reset();
  cell.request_rate = HUGE_VAL;
  CHECK_FALSE(has_reason(only_cell(data), "queue grows"));
  cell.request_rate.reset();
  cell.is_static = true;
  cell.concurrency = 4;
  CHECK_FALSE(has_reason(only_cell(data), "queue grows"));
}

TEST_CASE("a cap holds arrivals back: the rate is not reached, and what waits is in the queue") {
  const CellSummary capped = only_cell(queue_run(2.0, 4, 300, 1, 4));
  CHECK(has_reason(capped, "rate not reached: of 300 requests due within "));
  CHECK(has_reason(capped, "the cap of 4 in flight held the others"));
  CHECK(has_reason(capped, "queue grows"));
  CHECK(capped.arrivals.late > 200);
  CHECK(capped.arrivals.dropped == 0);
  const CellSummary open = only_cell(queue_run(2.0, 4, 300, 1));
  CHECK_FALSE(has_reason(open, "rate not reached"));
  CHECK(open.arrivals.late == 0);
  CHECK(open.arrivals.sent_in_window == 300);
}

TEST_CASE("the rate is judged by the schedule that was drawn, not by the nominal one") {
  // Ten times slower than its label, and yet every request left when it was due.
  RunData data = queue_run(0.5, 4, 200, 2);
  data.manifest.cells[0].request_rate = 200.0;
  CHECK_FALSE(has_reason(only_cell(data), "rate not reached"));
  // Three of 200 that leave after the end are 1.5 %.
  for (std::size_t i = 0; i < 3; ++i) {
    Record& r = data.records[i];
    r.sent = r.done = data.records.back().due + std::chrono::seconds(5);
    r.dialled = at_ms(-1.0);
  }
  CHECK(has_reason(only_cell(data), "rate not reached: of 200 requests due within"));
  CHECK(only_cell(data).arrivals.late == 3);
  data.records[0].sent = never;
  CHECK(only_cell(data).arrivals.dropped == 1);
}

TEST_CASE("a plateau is where the streams are, and the system holds what waits") {
  const Record a = ok_record(0.0, {100.0}), b = ok_record(20.0, {60.0});
  const auto both = plateau_of({&a, &b}, 2);
  REQUIRE(both.has_value());
  CHECK(both->from == at_ms(20.0));
  CHECK(both->to == at_ms(80.0));
  CHECK_FALSE(plateau_of({&a, &b}, 3).has_value());
  CHECK(plateau_of({&a, &b}, 0).has_value());
  CHECK_FALSE(plateau_of({}, 0).has_value());
  Record waits = ok_record(50.0, {50.0});
  waits.due = at_ms(0.0);
  const auto means = in_system({&waits}, at_ms(0.0), at_ms(200.0), 4);
  CHECK(means == std::vector<double>{1.0, 1.0, 0.0, 0.0});
}

}  // namespace
}  // namespace tacho
