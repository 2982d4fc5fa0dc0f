// What ends a cell before its list is through: failures, its time, a figure that is known well
// enough. And what a run that never ends would hold on to.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "invariants.h"
#include "report/metrics.h"
#include "stats/distribution.h"
#include "stats/interval.h"
#include "world.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

Scenario requests(std::size_t count, std::uint32_t streams) {
  Scenario scenario = calm_scenario();
  scenario.plan.concurrency = streams;
  add_prompts(scenario, std::vector<PromptSize>(count, {20, 5}));
  add_requests(scenario, 0);
  return scenario;
}

std::size_t failures(const Played& played) {
  return static_cast<std::size_t>(
      std::count_if(played.measured.begin(), played.measured.end(), is_failure));
}

TEST_CASE("so many errors and no more: one stream stops with the N-th failure") {
  Scenario scenario = requests(100, 1);
  scenario.sim.faults = {{*parse_fault("http_500"), 0.3}};
  scenario.plan.error_limits.errors_max = 7;
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  CHECK(failures(played) == 7);
  CHECK(is_failure(played.measured.back()));
  CHECK(played.stopped_by == StopReason::errors);
  CHECK(played.measured.size() < 100);
}

TEST_CASE("the errors of all workers count together, and what is in flight ends by itself") {
  Scenario scenario = requests(200, 6);
  scenario.workers = 3;
  scenario.sim.faults = {{*parse_fault("http_500"), 0.5}};
  scenario.plan.error_limits.errors_max = 10;
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  CHECK(failures(played) >= 10);
  CHECK(failures(played) < 10 + 6);  // At most what the other streams had in flight.
  for (const Record& record : played.measured) CHECK(record.outcome != Outcome::cancelled);
}

TEST_CASE("an error rate is judged once enough has ended") {
  Scenario scenario = requests(200, 1);
  scenario.sim.faults = {{*parse_fault("http_500"), 1.0}};
  scenario.plan.error_limits.rate_max = 0.05;
  const Played played = play(scenario);
  CHECK(played.measured.size() == 20);
  CHECK(played.stopped_by == StopReason::errors);
  // What fails less often than allowed is not stopped.
  scenario.sim.faults = {{*parse_fault("http_500"), 0.2}};
  scenario.plan.error_limits.rate_max = 0.5;
  const Played borne = play(scenario);
  CHECK(borne.measured.size() == 200);
  CHECK(borne.stopped_by == StopReason::count);
}

TEST_CASE("neither tries that are followed by another nor planned cancellations are errors") {
  Scenario scenario = requests(60, 1);
  scenario.sim.faults = {{*parse_fault("http_503"), 0.5}};
  scenario.plan.retrying = {50, 1ms, 1ms};
  scenario.plan.cancelling = {0.3, 5ms, 0, Seed{}};
  scenario.plan.error_limits.errors_max = 1;
  const Played played = play(scenario);
  CHECK(broken_conservation(scenario, played) == "");
  CHECK(played.stopped_by == StopReason::count);
  CHECK(played.retried[0] > 5);
  CHECK(played.cancelled[0] > 5);
}

TEST_CASE("a cell whose time is up says so; one whose list is through does not") {
  Scenario scenario = requests(50, 1);
  const Played whole = play(scenario);
  CHECK(whole.stopped_by == StopReason::count);
  scenario.plan.duration = (whole.measured.back().done - whole.measure_start) / 2;
  CHECK(play(scenario).stopped_by == StopReason::duration);
  scenario.plan.duration = 3 * (whole.measured.back().done - whole.measure_start);
  CHECK(play(scenario).stopped_by == StopReason::count);
}

/// An open loop at 70 % of a server of fixed service time, with random gaps: its waits vary.
Scenario varying(std::size_t count) {
  Scenario scenario = calm_scenario();
  scenario.sim.engine.max_num_seqs = 1;
  scenario.plan.is_closed_loop = false;
  scenario.plan.concurrency = 0;
  add_prompts(scenario, std::vector<PromptSize>(count, {10, 1}));
  const StepTime step(scenario.sim.gpu, scenario.sim.model, scenario.sim.serving);
  const double gap_s = to_s(step.of(StepWork{}.add_chunk(10))) / 0.7;
  Random random(Seed{1}, "gaps");
  std::vector<Duration> due{Duration(0)};
  while (due.size() < count) due.push_back(due.back() + from_s(gap_s * random.exponential()));
  add_requests(scenario, 0, due);
  return scenario;
}

Precision e2e_within(double percent, double half_width) {
  return {"e2e", percent, half_width,
          [](const Record& record) { return value_of(Metric::e2e, record, 1); }};
}

TEST_CASE("a cell goes on until its figure is known, and not much longer") {
  for (const double percent : {0.0, 90.0}) {
    CAPTURE(percent);
    Scenario scenario = varying(30'000);
    scenario.until = {e2e_within(percent, 0.05)};
    const Played played = play(scenario);
    CHECK(broken_conservation(scenario, played) == "");
    CHECK(played.stopped_by == StopReason::precision);
    CHECK(played.measured.size() < 30'000);
    CHECK(played.measured.size() >= PrecisionWatch::samples_min);
    // Worked out again from the records: narrow enough now, and not yet three seconds before the
    // end (two looks in a row, a second apart).
    const auto half_width = [&](Instant until) {
      Clusters clusters;
      for (const Record& record : played.measured) {
        if (record.done <= until) clusters.values.push_back(*value_of(Metric::e2e, record, 1));
      }
      auto ascending = clusters.values;
      std::sort(ascending.begin(), ascending.end());
      const Interval interval = percent > 0.0 ? percentile_interval(clusters, ascending, percent)
                                              : mean_interval(clusters);
      const Distribution all = summarize(clusters.values);
      const double figure = percent > 0.0 ? all.percentile(percent) : all.mean;
      return interval.is_known ? (interval.high - interval.low) / 2 / figure : 1.0;
    };
    CHECK(half_width(played.measured.back().done) < 0.055);
    CHECK(half_width(played.measured.back().done - 3s) > 0.045);
  }
}

TEST_CASE("a figure that is never known well enough ends with the list, and says how well it is") {
  Scenario scenario = varying(400);
  scenario.until = {e2e_within(99.0, 0.001)};
  const Played played = play(scenario);
  CHECK(played.measured.size() == 400);
  CHECK(played.stopped_by == StopReason::count);
  CHECK(played.precision.find("wanted ±0.100 %") != std::string::npos);
}

TEST_CASE("samples go from one thread to another, all of them and in order") {
  SampleQueue queue;
  constexpr int count = 20'000;
  std::thread writer([&queue] {
    for (int i = 0; i < count; ++i) queue.push({instant_from_ns(i), static_cast<double>(i)});
  });
  std::vector<Sample> taken;
  while (taken.size() < count) queue.take(taken);
  writer.join();
  bool is_in_order = true;
  for (int i = 0; i < count; ++i) is_in_order = is_in_order && taken[i].sent == instant_from_ns(i);
  CHECK(is_in_order);
}

TEST_CASE("a run ten times as long holds on to no more") {
  Scenario scenario = requests(20, 4);
  scenario.workers = 2;
  scenario.plan.repeats = true;
  scenario.sim.faults = {{*parse_fault("http_503"), 0.05}, {*parse_fault("rst_mid"), 0.05}};
  scenario.plan.retrying = {2, 1ms, 10ms};
  scenario.plan.duration = 10s;
  const Played shorter = play(scenario);
  scenario.plan.duration = 100s;
  const Played longer = play(scenario);
  REQUIRE(longer.measured.size() > 8 * shorter.measured.size());
  CHECK(longer.held_objects == shorter.held_objects);
}

}  // namespace
}  // namespace tacho
