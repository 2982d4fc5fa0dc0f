// Shapes of load, in a network that takes no time: who is due when, what a cap does to a queue, and
// what happens above the engine's capacity. All counts are exact.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "report/summary.h"
#include "world.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

std::vector<const Record*> by_id(const Played& played) {
  std::vector<const Record*> records;
  for (const Record& record : played.measured) records.push_back(&record);
  std::sort(records.begin(), records.end(), [](auto* a, auto* b) { return a->id < b->id; });
  return records;
}

/// The most requests that were in flight at the instant at which one was sent.
std::size_t in_flight_max(const Played& played) {
  std::size_t most = 0;
  for (const Record& one : played.measured) {
    std::size_t others = 0;
    for (const Record& other : played.measured) {
      others += other.sent <= one.sent && other.done > one.sent ? 1 : 0;
    }
    most = std::max(most, others);
  }
  return most;
}

TEST_CASE("a closed loop's ramp: each stream's first request is due when the stream begins") {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = 4;
  scenario.plan.slot_starts = {0ms, 25ms, 50ms, 75ms};
  add_prompts(scenario, std::vector<PromptSize>(12, {20, 30}));  // Longer than the ramp.
  add_requests(scenario, 0);
  const Played played = play(scenario);
  const auto records = by_id(played);
  REQUIRE(records.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    const Instant expected =
        i < 4 ? played.measure_start + scenario.plan.slot_starts[i] : records[i - 4]->done;
    CHECK(records[i]->due == expected);
    CHECK(records[i]->sent == records[i]->due);
    CHECK(records[i]->session == 0);
  }
}

TEST_CASE("a ramp is the same with any number of workers") {
  for (const std::uint32_t workers : {1u, 2u, 3u, 8u}) {
    CAPTURE(workers);
    Scenario scenario = calm_scenario();
    scenario.workers = workers;
    scenario.plan.concurrency = 5;
    scenario.plan.slot_starts = {0ms, 10ms, 20ms, 30ms, 40ms};
    add_prompts(scenario, std::vector<PromptSize>(5, {20, 30}));
    add_requests(scenario, 0);
    const Played played = play(scenario);
    REQUIRE(played.measured.size() == 5);
    for (const Record& record : played.measured) {
      CHECK(record.due == played.measure_start + scenario.plan.slot_starts[record.id]);
    }
  }
}

TEST_CASE("users: each one comes in its turn, and thinks after each answer") {
  Scenario scenario = calm_scenario();
  scenario.workers = 2;
  scenario.plan.concurrency = 3;
  scenario.plan.has_users = true;
  scenario.plan.slot_starts = {0ms, 10ms, 20ms};
  add_prompts(scenario, std::vector<PromptSize>(30, {20, 5}));
  add_requests(scenario, 0);
  for (PlannedRequest& request : scenario.plan.measure) {
    request.think = 15ms + request.id * 1ms;
  }
  const Played played = play(scenario);
  REQUIRE(played.measured.size() == 30);
  std::map<std::pair<std::uint32_t, std::uint32_t>, const Record*> turns;
  for (const Record& record : played.measured) turns[{record.session, record.turn}] = &record;
  REQUIRE(turns.size() == 30);  // No turn of a user happened twice.
  for (const auto& [key, record] : turns) {
    const auto [user, turn] = key;
    CAPTURE(user);
    CAPTURE(turn);
    REQUIRE(user >= 1);
    REQUIRE(user <= 3);
    if (turn == 1) {
      CHECK(record->due == played.measure_start + (user - 1) * 10ms);
      continue;
    }
    REQUIRE(turns.count({user, turn - 1}) == 1);
    const Record& before = *turns[{user, turn - 1}];
    CHECK(record->due == before.done + scenario.plan.measure[before.id].think);
    CHECK(record->sent == record->due);
  }
  CHECK(in_flight_max(played) <= 3);
}

TEST_CASE("users go on until their time is up, and begin the list of prompts again") {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = 2;
  scenario.plan.has_users = true;
  scenario.plan.slot_starts = {0ms, 50ms};
  scenario.plan.duration = 2s;
  scenario.plan.repeats = true;
  add_prompts(scenario, std::vector<PromptSize>(4, {20, 2}));
  add_requests(scenario, 0);
  for (PlannedRequest& request : scenario.plan.measure) request.think = 50ms;
  const Played played = play(scenario);
  CHECK(played.measured.size() > 20);
  for (const Record& record : played.measured) CHECK(record.due < played.measure_start + 2s);
}

TEST_CASE("a warm-up ends when its time is up, and what follows has all of its own") {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = 2;
  scenario.plan.warmup_duration = 200ms;
  add_prompts(scenario, std::vector<PromptSize>(210, {20, 10}));
  add_requests(scenario, 200);
  const Played played = play(scenario);
  CHECK(played.warmup.size() > 2);
  CHECK(played.warmup.size() < 200);
  for (const Record& record : played.warmup) {
    CHECK(record.sent < played.measure_start);
    CHECK(record.outcome == Outcome::ok);
  }
  CHECK(played.measured.size() == 10);
}

/// An engine of four sequences, and 400 requests at `load` times what it can do.
Scenario overload(double load) {
  Scenario scenario = calm_scenario();
  scenario.sim.engine.max_num_seqs = 4;
  // Of several lengths: four sequences of one length would go on beginning and ending together, and
  // be faster for sharing the steps that read prompts.
  std::vector<PromptSize> sizes;
  for (std::uint32_t i = 0; i < 400; ++i) sizes.push_back({20, 4 + 3 * i % 10});
  add_prompts(scenario, sizes);
  add_requests(scenario, 0);
  scenario.plan.concurrency = 16;
  const Played saturated = play(scenario);
  Instant last = saturated.measure_start;
  for (const Record& record : saturated.measured) last = std::max(last, record.done);
  const Duration gap = Duration((last - saturated.measure_start).count() / 400);
  scenario.plan.is_closed_loop = false;
  scenario.plan.concurrency = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    scenario.plan.measure[i].due = from_s(to_s(gap) * static_cast<double>(i) / load);
  }
  return scenario;
}

CellSummary summary_of(const Played& played, RunData& data) {
  data.records = played.measured;
  data.counted.assign(data.records.size(), 0);
  data.manifest.cells.resize(1);
  data.manifest.cells[0].is_static = false;
  return summarize(data).cells.at(0);
}

std::size_t late_count(const Played& played) {
  return static_cast<std::size_t>(
      std::count_if(played.measured.begin(), played.measured.end(),
                    [](const Record& r) { return own_send_lag(r) > Duration(0); }));
}

Duration ttft_from_due(const Record& record) { return first_token(record) - record.due; }

TEST_CASE("at twice the engine's capacity everything is offered and sent, and the wait grows") {
  const Played played = play(overload(2.0));
  RunData data;
  const CellSummary cell = summary_of(played, data);
  CHECK(cell.offered == 400);
  CHECK(cell.sent == 400);
  CHECK(cell.completed == 400);
  CHECK(late_count(played) == 0);
  const auto records = by_id(played);
  // Half of what comes in a time is served in it: the i-th of 400 waits for i/2 others, and the
  // queue is at its longest, half of all, when the last one comes.
  for (std::size_t i = 40; i < 400; i += 40) {
    CHECK(ttft_from_due(*records[i]) > ttft_from_due(*records[i - 40]));
  }
  const double gap_s = to_s(records[399]->due - records[0]->due) / 399.0;
  const double growth = to_s(ttft_from_due(*records[380]) - ttft_from_due(*records[20])) / 360.0;
  CHECK(growth / gap_s == doctest::Approx(1.0).epsilon(0.05));
  CHECK(in_flight_max(played) == doctest::Approx(200).epsilon(0.05));
}

TEST_CASE("below its capacity the wait does not grow") {
  const Played played = play(overload(0.5));
  const auto records = by_id(played);
  REQUIRE(records.size() == 400);
  CHECK(late_count(played) == 0);
  CHECK(ttft_from_due(*records[380]) <= 2 * ttft_from_due(*records[20]));
}

TEST_CASE("with eight in flight at most, nothing is skipped: the queue is ours, and as long") {
  Scenario scenario = overload(2.0);
  const Played open = play(scenario);
  scenario.plan.concurrency = 8;
  const Played capped = play(scenario);
  RunData data;
  const CellSummary cell = summary_of(capped, data);
  CHECK(cell.offered == 400);
  CHECK(cell.sent == 400);
  CHECK(cell.completed == 400);
  CHECK(in_flight_max(capped) == 8);
  const auto a = by_id(open), b = by_id(capped);
  std::size_t waited = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    CHECK(b[i]->due == a[i]->due - open.measure_start + capped.measure_start);
    CHECK(b[i]->sent >= b[i]->due);
    // The engine always has its four: nobody sees a later first token because of the cap.
    CHECK(ttft_from_due(*b[i]) == ttft_from_due(*a[i]));
    waited += b[i]->sent > b[i]->due ? 1 : 0;
  }
  CHECK(waited == late_count(capped));
  CHECK(waited > 380);
}

TEST_CASE("a cap that is shared by workers holds for all of them together") {
  for (const std::uint32_t workers : {2u, 3u, 8u, 11u}) {
    CAPTURE(workers);
    Scenario scenario = overload(2.0);
    scenario.plan.concurrency = 8;
    scenario.workers = workers;
    const Played played = play(scenario);
    CHECK(played.measured.size() == 400);
    CHECK(in_flight_max(played) == 8);
  }
}

}  // namespace
}  // namespace tacho
