// Each rule with readings that speak for its cause, and with some that come near to it.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "diagnosis/finding.h"

namespace tacho {
namespace {

/// A service in good health under some load.
Situation healthy() {
  Situation s;
  s.where = "c=8";
  s.seconds = 30;
  s.client.ttft_ms = 52.0;
  s.client.tpot_ms = 8.2;
  s.client.connect_ms = 0.2;
  s.client.repeated_prompt_share = 0.05;
  s.engine = {};
  s.engine.running = 7.5;
  s.engine.waiting = 0.1;
  s.engine.waiting_growth_per_s = 0.0;
  s.engine.kv_usage = 0.3;
  s.engine.kv_usage_max = 0.4;
  s.engine.preemptions_per_request = 0.0;
  s.engine.prefix_hit_share = 0.04;
  s.engine.ttft_ms = 51.0;
  s.engine.queue_ms = 4.0;
  s.engine.tpot_ms = 8.1;
  s.engine.requests = 200;
  s.engine.restarts = 0;
  s.device.utilization = 0.97;
  s.device.clock_share = 0.99;
  s.device.throttled_share = 0.0;
  s.baseline.ttft_ms = 20.0;
  s.baseline.tpot_ms = 7.0;
  return s;
}

std::vector<std::string> ids(const Situation& situation) {
  std::vector<std::string> list;
  for (const Finding& finding : diagnose(situation)) {
    list.push_back(finding.id);
    CHECK_FALSE(finding.text.empty());
    CHECK_FALSE(finding.advice.empty());
    CHECK(finding.where == situation.where);
  }
  return list;
}

/// What is found when a healthy service is changed so.
std::vector<std::string> after(const std::function<void(Situation&)>& change) {
  Situation s = healthy();
  change(s);
  return ids(s);
}

using Ids = std::vector<std::string>;

TEST_CASE("nothing is found in health, and nothing where nothing is known") {
  CHECK(ids(healthy()).empty());
  CHECK(diagnose(Situation{}).empty());
}

TEST_CASE("each cause is named by the readings that speak for it") {
  CHECK(after([](Situation& s) { s.client.own_faults = {"send lag p99 20 ms"}; }) ==
        Ids{"client_bound"});
  CHECK(after([](Situation& s) { s.engine.restarts = 1; }) == Ids{"engine_restart"});
  CHECK(after([](Situation& s) { s.device.faults = 2; }) == Ids{"device_fault"});
  CHECK(after([](Situation& s) { s.device.throttled_share = 0.6; }) == Ids{"throttled"});
  CHECK(after([](Situation& s) { s.device.links_down = 1; }) == Ids{"link_down"});
  CHECK(after([](Situation& s) {
          s.engine.kv_usage_max = 0.99;
          s.engine.preemptions_per_request = 0.2;
        }) == Ids{"kv_bound"});
  CHECK(after([](Situation& s) {
          s.client.repeated_prompt_share = 0.8;
          s.engine.prefix_hit_share = 0.0;
        }) == Ids{"prefix_cache"});
  CHECK(after([](Situation& s) {
          s.engine.waiting = 30;
          s.engine.ttft_ms = s.client.ttft_ms = 900;
          s.engine.queue_ms = 800;
        }) == Ids{"queueing"});
  CHECK(after([](Situation& s) {
          s.client.ttft_ms = 111;
          s.client.connect_ms = 60;
        }) == Ids{"network"});
  CHECK(after([](Situation& s) { s.client.ttft_ms = 111; }) == Ids{"front_end"});
  CHECK(after([](Situation& s) { s.engine.imbalance = 1.9; }) == Ids{"imbalance"});
}

TEST_CASE("what comes near is not named") {
  // A full cache that nobody waits for, a power cap, a queue that is a moment's, a far server whose
  // way is small against its own time.
  CHECK(after([](Situation& s) { s.engine.kv_usage_max = 0.97; }).empty());
  CHECK(after([](Situation& s) { s.device.throttled_share = 0.05; }).empty());
  CHECK(after([](Situation& s) { s.engine.waiting = 2.0; }).empty());
  CHECK(after([](Situation& s) {
          s.client.connect_ms = 3;
          s.client.ttft_ms = 54;
        }).empty());
  CHECK(after([](Situation& s) {
          s.client.repeated_prompt_share = 0.8;
          s.engine.prefix_hit_share = 0.7;
        }).empty());
}

TEST_CASE("a full cache explains its queue, a late client its difference") {
  CHECK(after([](Situation& s) {
          s.engine.kv_usage_max = 0.99;
          s.engine.waiting = 20;
          s.engine.ttft_ms = s.client.ttft_ms = 900;
          s.engine.queue_ms = 800;
        }) == Ids{"kv_bound"});
  CHECK(after([](Situation& s) {
          s.client.own_faults = {"late"};
          s.client.ttft_ms = 111;
        }) == Ids{"client_bound"});
}

TEST_CASE("the wait for the step under way is no queue, a wait of several steps is") {
  // Read of the built-in engine at 300 requests/s of 16 tokens in and 8 out, which it carries.
  const auto busy = [](double queue_ms) {
    return [=](Situation& s) {
      s.engine.waiting = 8.71;
      s.engine.running = 18.5;
      s.engine.queue_ms = queue_ms;
      s.engine.ttft_ms = s.client.ttft_ms = 37.5;
      s.engine.tpot_ms = s.client.tpot_ms = 8.49;
    };
  };
  CHECK(after(busy(12.3)).empty());
  CHECK(after(busy(24.0)) == Ids{"queueing"});
  // How long a step takes may not be known.
  CHECK(after([&](Situation& s) {
          busy(12.3)(s);
          s.engine.tpot_ms.reset();
        }) == Ids{"queueing"});
}

TEST_CASE("a late client's own bunches make a queue as long as it is late, not a longer one") {
  const auto late = [](double late_ms, double queue_ms) {
    return [=](Situation& s) {
      s.client.own_faults = {"send lag p99"};
      s.client.late_ms = late_ms;
      s.engine.waiting = 12.0;
      s.engine.queue_ms = queue_ms;
      s.engine.ttft_ms = 2.0 * queue_ms;
    };
  };
  CHECK(after(late(418.0, 60.0)) == Ids{"client_bound"});
  // Read at twice the capacity while compilers held the client up.
  CHECK(after(late(240.0, 4498.0)) == Ids{"client_bound", "queueing"});
  // A client that is not called late explains nothing, nor does one whose delay is not known.
  CHECK(after([&](Situation& s) {
          late(418.0, 60.0)(s);
          s.client.own_faults.clear();
        }) == Ids{"queueing"});
  CHECK(after([&](Situation& s) {
          late(418.0, 60.0)(s);
          s.client.late_ms.reset();
        }) == Ids{"client_bound", "queueing"});
}

TEST_CASE("two causes are two findings") {
  CHECK(after([](Situation& s) {
          s.device.throttled_share = 0.9;
          s.client.repeated_prompt_share = 0.9;
          s.engine.prefix_hit_share = 0.0;
        }) == Ids{"throttled", "prefix_cache"});
}

TEST_CASE("slow answers without a reading that explains them are said to be unexplained") {
  Situation s = healthy();
  s.client.tpot_ms = 60;
  const auto found = diagnose(s);
  REQUIRE(found.size() == 1);
  CHECK(found[0].id == "unknown");
  CHECK_FALSE(found[0].is_cause);
  s.device.utilization.reset();
  CHECK(diagnose(s)[0].missing == std::vector<std::string>{"devices"});
}

TEST_CASE("each rule says where it comes from") {
  for (const RuleInfo& rule : finding_rules()) {
    CHECK_FALSE(rule.id.empty());
    CHECK_FALSE(rule.says.empty());
    CHECK_FALSE(rule.source.empty());
  }
}

}  // namespace
}  // namespace tacho
