// What is done about single requests, in a network that takes no time: limits are kept to the
// nanosecond, and each one says what was being waited for.
#include <doctest/doctest.h>

#include <algorithm>

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

TEST_CASE("a planned cancellation comes when it was planned, to whom it was planned") {
  Scenario scenario = ten_requests();
  scenario.plan.cancelling.share = 0.5;
  scenario.plan.cancelling.delay = 30ms;
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  REQUIRE(played.measured.size() == 10);
  std::uint64_t left = 0;
  for (const Record& record : played.measured) {
    CHECK(is_planned_cancel(record) == scenario.plan.cancelling.chooses(record.id));
    if (!is_planned_cancel(record)) continue;
    ++left;
    CHECK(record.done - record.sent == 30ms);
    CHECK_FALSE(record.chunks.empty());
    CHECK_FALSE(is_failure(record));
  }
  CHECK(left > 0);
  CHECK(left < 10);
  CHECK(played.cancelled[0] == left);
  CHECK(played.completed[0] == 10 - left);
  CHECK(played.failed[0] == 0);
}

TEST_CASE("who leaves does not depend on the number of workers, and is about the share") {
  Scenario scenario = ten_requests();
  scenario.plan.cancelling = {0.3, 10ms, 0, Seed{7}};
  std::vector<std::uint64_t> left[2];
  for (const std::uint32_t workers : {1u, 3u}) {
    scenario.workers = workers;
    for (const Record& record : measured_in(scenario)) {
      if (is_planned_cancel(record)) left[workers == 3].push_back(record.id);
    }
  }
  std::sort(left[0].begin(), left[0].end());
  std::sort(left[1].begin(), left[1].end());
  CHECK(left[0] == left[1]);
  int chosen = 0;
  for (std::uint64_t id = 0; id < 10'000; ++id) chosen += scenario.plan.cancelling.chooses(id);
  // Five standard deviations of a binomial share.
  CHECK(chosen > 3000 - 230);
  CHECK(chosen < 3000 + 230);
}

TEST_CASE("a cancellation with the k-th token has seen k tokens") {
  Scenario scenario = ten_requests();
  scenario.plan.cancelling = {1.0, 0ms, 7, Seed{}};
  for (const Record& record : measured_in(scenario)) {
    CHECK(is_planned_cancel(record));
    CHECK(record.chunks.size() == 7);
    CHECK(record.done == record.chunks.back().at);
  }
  // An answer that is over before is an answer.
  scenario.plan.cancelling.after_tokens = 21;
  for (const Record& record : measured_in(scenario)) CHECK(record.outcome == Outcome::ok);
}

TEST_CASE("a server that is too busy is asked again, each try a record, the due time kept") {
  Scenario scenario = ten_requests();
  scenario.sim.faults = {{*parse_fault("http_503"), 0.5}};
  scenario.plan.retrying = {3, 20ms, 60s};
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  REQUIRE(played.measured.size() > 10);
  std::size_t firsts = 0;
  for (const Record& record : played.measured) {
    firsts += record.attempt == 0 ? 1 : 0;
    if (record.attempt == 0) continue;
    const Record* before = played.record_of(record.id - retry_id_step);
    REQUIRE(before != nullptr);
    CHECK(before->http_status == 503);
    CHECK(record.due == before->due);
    // The engine says with its 503 to come again in a second.
    CHECK(before->detail.ends_with("(Retry-After: 1)"));
    CHECK(record.try_due == before->done + 1s);
    CHECK(record.sent == record.try_due);
    CHECK(own_send_lag(record) == 0ms);
  }
  CHECK(firsts == 10);
  CHECK(played.retried[0] == played.measured.size() - 10);
}

TEST_CASE("a slot stays taken while its request waits to be sent again") {
  Scenario scenario = ten_requests();
  scenario.plan.concurrency = 1;
  scenario.sim.faults = {{*parse_fault("http_429"), 1.0}};
  scenario.plan.retrying = {2, 100ms, 10ms};  // The bound on waits is the shorter one.
  for (const bool is_closed : {true, false}) {
    CAPTURE(is_closed);
    scenario.plan.is_closed_loop = is_closed;
    const Played played = play(scenario);
    CHECK(broken_conservation(scenario, played) == "");
    REQUIRE(played.measured.size() == 30);
    for (std::size_t i = 0; i < 30; ++i) {
      CHECK(request_id(played.measured[i]) == i / 3);
      CHECK(played.measured[i].attempt == i % 3);
    }
    CHECK(played.failed[0] == 10);
    CHECK(played.measured.back().done == played.measure_start + 10 * 20ms);
  }
}

TEST_CASE("a run that ends while requests wait to be sent again leaves them as they are") {
  Scenario scenario = ten_requests();
  scenario.sim.faults = {{*parse_fault("http_503"), 1.0}};
  scenario.plan.retrying = {5, 1s, 60s};
  scenario.plan.duration = 500ms;
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  CHECK(played.measured.size() == 2);
}

TEST_CASE("a failed answer is no reason to ask again, and the number of tries is bounded") {
  Record record;
  const Retrying retrying{2, 100ms, 60s};
  const auto again = [&](Outcome outcome, int status, std::string_view detail) {
    record.outcome = outcome;
    record.http_status = static_cast<std::uint16_t>(status);
    record.detail = detail;
    return retrying.tries_again(record);
  };
  CHECK(again(Outcome::refused, 0, ""));
  CHECK(again(Outcome::reset, 200, ""));
  CHECK(again(Outcome::http_status, 429, ""));
  CHECK(again(Outcome::http_status, 503, ""));
  CHECK(again(Outcome::timeout, 0, "connecting"));
  CHECK_FALSE(again(Outcome::timeout, 0, "no first token"));
  CHECK_FALSE(again(Outcome::http_status, 500, ""));
  CHECK_FALSE(again(Outcome::malformed, 200, ""));
  CHECK_FALSE(again(Outcome::truncated, 200, ""));
  CHECK_FALSE(again(Outcome::cancelled, 200, "planned"));
  CHECK_FALSE(again(Outcome::ok, 200, ""));
  record.attempt = 2;
  CHECK_FALSE(again(Outcome::refused, 0, ""));
}

TEST_CASE("Retry-After is heeded where it gives seconds, up to a bound") {
  Record record;
  const Retrying retrying{5, 100ms, 60s};
  CHECK(retrying.wait_after(record, std::nullopt) == 100ms);
  CHECK(retrying.wait_after(record, 3s) == 3s);
  CHECK(retrying.wait_after(record, 3600s) == 60s);
  record.attempt = 3;
  CHECK(retrying.wait_after(record, std::nullopt) == 800ms);
  record.attempt = 99;
  CHECK(retrying.wait_after(record, std::nullopt) == 60s);
  CHECK(read_retry_after(" 7 ") == Duration(7s));
  CHECK(read_retry_after("0.5") == Duration(500ms));
  CHECK(read_retry_after("Wed, 21 Oct 2026 07:28:00 GMT") == std::nullopt);
  CHECK(read_retry_after("-1") == std::nullopt);
}

}  // namespace
}  // namespace tacho
