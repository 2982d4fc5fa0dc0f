#include "monitor/live_situation.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

/// An engine and a device over 20 s, each second as `fill` says.
template <typename Fill>
std::vector<Finding> watch(const Fill& fill, int seconds = 20) {
  History history;
  Snapshot snapshot;
  for (int i = 0; i <= seconds; ++i) {
    Subject engine, device;
    engine.kind = SubjectKind::engine;
    engine.id = "http://h:1";
    device.kind = SubjectKind::device;
    device.id = "nvidia:0";
    snapshot.at = engine.at = device.at = instant_from_ns(1'000'000'000LL * i);
    fill(i, engine, device);
    snapshot.subjects = {engine, device};
    history.add(snapshot);
  }
  return live_findings(history, snapshot, std::chrono::seconds(15));
}

void healthy(int, Subject& engine, Subject& device) {
  engine.add(quantity::engine_running, 8);
  engine.add(quantity::engine_waiting, 0);
  engine.add(quantity::engine_kv_usage, 0.4);
  device.add(quantity::device_utilization, 0.98);
  device.add(quantity::device_throttled, 0, {{"reason", "thermal_hardware"}});
}

TEST_CASE("a service in health has no finding, nor has one that was hardly looked at") {
  CHECK(watch(healthy).empty());
  const auto full = [](int, Subject& engine, Subject&) {
    engine.add(quantity::engine_running, 8);
    engine.add(quantity::engine_waiting, 50);
    engine.add(quantity::engine_kv_usage, 0.99);
  };
  CHECK(watch(full, 1).empty());
  REQUIRE(watch(full).size() == 1);
  CHECK(watch(full)[0].id == "kv_bound");
  CHECK(watch(full)[0].where == "the last 15 s");
}

TEST_CASE("queues, heat and restarts are named while they last") {
  const auto found = watch([](int i, Subject& engine, Subject& device) {
    engine.add(quantity::engine_running, 8);
    engine.add(quantity::engine_waiting, 2.0 * i);
    engine.add(quantity::engine_kv_usage, 0.4);
    engine.add(quantity::engine_restarts, i < 15 ? 0 : 1);
    device.add(quantity::device_utilization, 0.98);
    device.add(quantity::device_throttled, i % 2, {{"reason", "thermal_hardware"}});
    device.add(quantity::device_throttled, 1, {{"reason", "sw_power_cap"}});
  });
  REQUIRE(found.size() == 3);
  CHECK(found[0].id == "engine_restart");
  CHECK(found[1].id == "throttled");
  CHECK(found[1].evidence[0].value.ends_with(" of the time by thermal_hardware on nvidia:0"));
  CHECK(found[2].id == "queueing");
}

TEST_CASE("a replica that is down is no idle one: only those that run are compared") {
  const auto watch_two = [](double second_running) {
    History history;
    Snapshot snapshot;
    for (int i = 0; i <= 20; ++i) {
      Subject one, other;
      one.kind = other.kind = SubjectKind::engine;
      one.id = "http://h:1";
      other.id = "http://h:2";
      snapshot.at = one.at = other.at = instant_from_ns(1'000'000'000LL * i);
      one.add(quantity::engine_running, 16);
      one.add(quantity::engine_waiting, 0);
      if (second_running >= 0) other.add(quantity::engine_running, second_running);
      other.add(quantity::engine_up, second_running >= 0 ? 1 : 0);
      snapshot.subjects = {one, other};
      history.add(snapshot);
    }
    return live_findings(history, snapshot, std::chrono::seconds(15));
  };
  CHECK(watch_two(-1).empty());
  CHECK(watch_two(16).empty());
  REQUIRE(watch_two(1).size() == 1);
  CHECK(watch_two(1)[0].id == "imbalance");
}

}  // namespace
}  // namespace tacho
