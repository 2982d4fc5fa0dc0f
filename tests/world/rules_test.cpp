// What is done about single requests, in a network that takes no time: limits are kept to the
// nanosecond, and each one says what was being waited for.
#include <doctest/doctest.h>

#include "invariants.h"
#include "world.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

/// A closed loop of two streams and ten requests for answers of 20 tokens.
Scenario ten_requests() {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = 2;
  add_prompts(scenario, std::vector<PromptSize>(10, {20, 20}));
  add_requests(scenario, 0);
  return scenario;
}

std::vector<Record> measured_in(const Scenario& scenario) { return play(scenario).measured; }

TEST_CASE("a connection that is not made in time is given up, and the next request goes on") {
  Scenario scenario = ten_requests();
  scenario.net.delay_min = scenario.net.delay_max = 3s;
  scenario.plan.timeouts.connect = 1s;
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  REQUIRE(played.measured.size() == 10);
  for (const Record& record : played.measured) {
    CHECK(record.outcome == Outcome::timeout);
    CHECK(record.detail == "connecting");
    CHECK_FALSE(happened(record.sent));
    CHECK(record.due == played.measure_start + (record.id / 2) * 1s);
  }
}

TEST_CASE("the limit of connecting is over once the connection is there") {
  Scenario scenario = ten_requests();
  scenario.net.delay_min = scenario.net.delay_max = 900us;
  scenario.plan.timeouts.connect = 1ms;
  const Played played = play(scenario);
  for (const Record& record : played.measured) CHECK(record.outcome == Outcome::ok);
}

TEST_CASE("a first token that does not come is given up that long after sent") {
  Scenario scenario = ten_requests();
  scenario.sim.faults = {{*parse_fault("no_answer"), 0.5}};
  scenario.plan.timeouts.first_token = 400ms;
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  std::size_t given_up = 0;
  for (const Record& record : played.measured) {
    if (record.outcome == Outcome::ok) continue;
    ++given_up;
    CHECK(record.outcome == Outcome::timeout);
    CHECK(record.detail == "no first token");
    CHECK(record.done - record.sent == 400ms);
  }
  CHECK(given_up > 0);
  CHECK(given_up < 10);
}

TEST_CASE("the limit of the first token does not bound the rest of the answer") {
  Scenario scenario = ten_requests();
  scenario.plan.concurrency = 1;
  const Record whole = play(scenario).measured.at(0);
  const Duration ttft = whole.chunks.at(0).at - whole.sent;
  scenario.plan.timeouts.first_token = 2 * ttft;
  REQUIRE(whole.done - whole.sent > 3 * ttft);
  for (const Record& record : measured_in(scenario)) CHECK(record.outcome == Outcome::ok);
}

TEST_CASE("the nearest limit is the one that holds, whichever is the shortest") {
  Scenario scenario = ten_requests();
  scenario.sim.faults = {{*parse_fault("no_answer"), 1.0}};
  scenario.plan.timeouts = {1ms, 2s, 300ms};
  for (const Record& record : measured_in(scenario)) {
    CHECK(record.done - record.sent == 300ms);
    CHECK(record.detail == "no first token");
  }
  scenario.plan.timeouts = {1ms, 200ms, 300ms};
  for (const Record& record : measured_in(scenario)) CHECK(record.done - record.sent == 200ms);
}

TEST_CASE("an answer that takes too long in all keeps what had come of it") {
  Scenario scenario = ten_requests();
  const Record whole = play(scenario).measured.at(0);
  scenario.plan.timeouts.total = (whole.done - whole.sent) / 2;
  for (const Record& record : measured_in(scenario)) {
    CHECK(record.detail == "answer not complete");
    CHECK(record.done - record.due == scenario.plan.timeouts.total);
    CHECK_FALSE(record.chunks.empty());
  }
}

}  // namespace
}  // namespace tacho
