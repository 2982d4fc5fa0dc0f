// In a network that takes no time, every figure can be worked out by hand: what is measured must be
// it, to the nanosecond.
#include <doctest/doctest.h>

#include <algorithm>

#include "report/metrics.h"
#include "world.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

StepTime step_time(const Scenario& scenario) {
  return StepTime(scenario.sim.gpu, scenario.sim.model, scenario.sim.serving);
}

std::vector<const Record*> by_id(const Played& played) {
  std::vector<const Record*> records;
  for (const Record& record : played.measured) records.push_back(&record);
  std::sort(records.begin(), records.end(), [](auto* a, auto* b) { return a->id < b->id; });
  return records;
}

TEST_CASE("one request alone: each token comes when its step ends (I6)") {
  Scenario scenario = calm_scenario();
  add_prompts(scenario, {{100, 4}});
  add_requests(scenario, 0);
  const Played played = play(scenario);
  REQUIRE(played.measured.size() == 1);
  const Record& record = played.measured[0];
  const StepTime step = step_time(scenario);
  REQUIRE(record.chunks.size() == 4);
  Instant expected = played.measure_start + step.of(StepWork{}.add_chunk(100));
  CHECK(record.due == played.measure_start);
  CHECK(record.sent == record.due);
  CHECK(record.headers == record.due);
  CHECK(record.chunks[0].at == expected);
  for (std::uint32_t i = 1; i < 4; ++i) {
    expected += step.of(StepWork{}.add_decodes(1, 100 + i));
    CHECK(record.chunks[i].at == expected);
  }
  CHECK(record.done == expected);
  CHECK(record.usage.output_tokens == 4);
  CHECK(record.outcome == Outcome::ok);
  CHECK(record.detail == "");
}

TEST_CASE(
    "a network of constant delay adds it twice to the first token and nothing to the gaps (I6)") {
  Scenario scenario = calm_scenario();
  add_prompts(scenario, {{100, 4}});
  add_requests(scenario, 0);
  const Record calm = play(scenario).measured.at(0);
  scenario.net.delay_min = scenario.net.delay_max = 3ms;
  const Record delayed = play(scenario).measured.at(0);
  CHECK(delayed.sent == delayed.due + 3ms);  // The connection takes one way to be made.
  CHECK(delayed.chunks[0].at - delayed.sent == calm.chunks[0].at - calm.sent + 6ms);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(delayed.chunks[i].at - delayed.chunks[i - 1].at ==
          calm.chunks[i].at - calm.chunks[i - 1].at);
  }
}

TEST_CASE("a client that reads late measures the same, because stamps are the arrivals'") {
  Scenario scenario = calm_scenario();
  add_prompts(scenario, {{100, 20}});
  add_requests(scenario, 0);
  const Record calm = play(scenario).measured.at(0);
  scenario.net.read_lag_max = 2ms;
  const Record late = play(scenario).measured.at(0);
  CHECK(late.client_lag > 100us);
  CHECK(late.client_lag <= 2ms);
  REQUIRE(late.chunks.size() == calm.chunks.size());
  for (std::size_t i = 1; i < calm.chunks.size(); ++i) {
    CHECK(late.chunks[i].at - late.chunks[i - 1].at == calm.chunks[i].at - calm.chunks[i - 1].at);
  }
}

TEST_CASE("D/D/1 below its capacity: nobody waits") {
  Scenario scenario = calm_scenario();
  scenario.sim.engine.max_num_seqs = 1;
  scenario.plan.is_closed_loop = false;
  scenario.plan.concurrency = 0;
  add_prompts(scenario, std::vector<PromptSize>(50, {10, 1}));
  const Duration service = step_time(scenario).of(StepWork{}.add_chunk(10));
  std::vector<Duration> due;
  for (int i = 0; i < 50; ++i) due.push_back(i * (service + 1us));
  add_requests(scenario, 0, due);
  const Played played = play(scenario);
  for (const Record* record : by_id(played)) {
    CHECK(record->sent == record->due);
    CHECK(record->chunks.at(0).at - record->due == service);
  }
}

TEST_CASE("D/D/1 above its capacity: the n-th request waits n times what is missing (I7)") {
  Scenario scenario = calm_scenario();
  scenario.sim.engine.max_num_seqs = 1;
  scenario.plan.is_closed_loop = false;
  scenario.plan.concurrency = 0;
  add_prompts(scenario, std::vector<PromptSize>(50, {10, 1}));
  const Duration service = step_time(scenario).of(StepWork{}.add_chunk(10));
  const Duration gap = service - 1ms;
  std::vector<Duration> due;
  for (int i = 0; i < 50; ++i) due.push_back(i * gap);
  add_requests(scenario, 0, due);
  const Played open = play(scenario);
  const auto records = by_id(open);
  for (int i = 0; i < 50; ++i) {
    CHECK(records[i]->chunks.at(0).at - records[i]->due == service + i * 1ms);
    CHECK(records[i]->sent == records[i]->due);
  }
  // With a cap of one the same wait is spent before sending: the times from due do not change, and
  // nothing is left out.
  scenario.plan.concurrency = 1;
  const Played capped = play(scenario);
  const auto waited = by_id(capped);
  REQUIRE(waited.size() == 50);
  for (int i = 0; i < 50; ++i) {
    CHECK(waited[i]->chunks.at(0).at - waited[i]->due == service + i * 1ms);
    CHECK(own_send_lag(*waited[i]) == i * 1ms);
    CHECK(value_of(Metric::ttft, *waited[i], 1) == doctest::Approx(to_ms(service)));
  }
}

TEST_CASE("a closed loop of c streams before one server: every answer takes c services") {
  Scenario scenario = calm_scenario();
  scenario.sim.engine.max_num_seqs = 1;
  scenario.plan.concurrency = 4;
  add_prompts(scenario, std::vector<PromptSize>(24, {10, 1}));
  add_requests(scenario, 0);
  const Played played = play(scenario);
  const auto records = by_id(played);
  const Duration service = step_time(scenario).of(StepWork{}.add_chunk(10));
  for (int i = 0; i < 24; ++i) {
    CHECK(records[i]->done == played.measure_start + (i + 1) * service);
    // A slot's next request is due when the last byte of the one before has arrived.
    CHECK(records[i]->due == (i < 4 ? played.measure_start : records[i - 4]->done));
    CHECK(records[i]->sent == records[i]->due);
  }
  CHECK(played.connections == 4);
}

TEST_CASE("a slot is free when the last byte has arrived, however late it is read") {
  Scenario scenario = calm_scenario();
  scenario.net.read_lag_max = 3ms;
  scenario.net.delay_min = scenario.net.delay_max = 1ms;
  scenario.net.seed = Seed{4};
  add_prompts(scenario, std::vector<PromptSize>(10, {10, 2}));
  add_requests(scenario, 0);
  const Played played = play(scenario);
  const auto records = by_id(played);
  Duration waited{0};
  for (std::size_t i = 1; i < records.size(); ++i) {
    CHECK(records[i]->due == records[i - 1]->done);
    CHECK(own_send_lag(*records[i]) == records[i]->sent - records[i]->due);
    waited += records[i]->sent - records[i]->due;
  }
  CHECK(waited > 3ms);
}

TEST_CASE("a cap holds at every instant, and an arrival that waits goes first") {
  for (const std::uint32_t cap : {1u, 2u, 5u}) {
    CAPTURE(cap);
    Scenario scenario = calm_scenario();
    scenario.plan.is_closed_loop = false;
    scenario.plan.concurrency = cap;
    add_prompts(scenario, std::vector<PromptSize>(40, {20, 3}));
    add_requests(scenario, 0, std::vector<Duration>(40, 2ms));
    const Played played = play(scenario);
    const auto records = by_id(played);
    REQUIRE(records.size() == 40);
    for (std::size_t i = 0; i < records.size(); ++i) {
      CHECK(records[i]->due == played.measure_start + 2ms);
      std::uint32_t others = 0;
      for (const Record* other : records) {
        if (other != records[i] && other->sent <= records[i]->sent &&
            other->done > records[i]->sent)
          ++others;
      }
      CHECK(others < cap);
      if (i > 0) CHECK(records[i]->sent >= records[i - 1]->sent);
    }
  }
}

TEST_CASE(
    "warm-up is over before the first measured request is due, and its connections are used "
    "again") {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = 3;
  add_prompts(scenario, std::vector<PromptSize>(12, {20, 3}));
  add_requests(scenario, 6);
  const Played played = play(scenario);
  REQUIRE(played.warmup.size() == 6);
  REQUIRE(played.measured.size() == 6);
  for (const Record& record : played.warmup) {
    CHECK(record.stage == Stage::warmup);
    CHECK(record.done <= played.measure_start);
  }
  CHECK(played.connections == 3);
}

TEST_CASE(
    "a duration stops the sending, not the answers; a list that repeats begins again with new "
    "ids") {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = 2;
  scenario.plan.duration = 100ms;
  scenario.plan.repeats = true;
  add_prompts(scenario, std::vector<PromptSize>(3, {20, 3}));
  add_requests(scenario, 0);
  const Played played = play(scenario);
  const auto records = by_id(played);
  REQUIRE(records.size() > 6);
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(records[i]->id == i);
    CHECK(records[i]->prompt == i % 3);
    CHECK(records[i]->outcome == Outcome::ok);
    CHECK(records[i]->sent < played.measure_start + 100ms);
  }
}

TEST_CASE("the first interrupt lets answers finish, the second gives them up") {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = 2;
  add_prompts(scenario, std::vector<PromptSize>(10, {20, 50}));
  add_requests(scenario, 0);
  scenario.interruptions = {{100ms, StopLevel::drain}};
  const Played drained = play(scenario);
  CHECK(drained.measured.size() == 2);
  for (const Record& record : drained.measured) CHECK(record.outcome == Outcome::ok);

  scenario.interruptions.push_back({200ms, StopLevel::now});
  const Played stopped = play(scenario);
  CHECK(stopped.measured.size() == 2);
  for (const Record& record : stopped.measured) {
    CHECK(record.outcome == Outcome::cancelled);
    CHECK(record.detail == "the run was stopped");
    CHECK(record.chunks.size() > 10);
  }
  CHECK(stopped.is_engine_empty);
}

}  // namespace
}  // namespace tacho
