#include "monitor/snapshot.h"

#include <doctest/doctest.h>

#include <cmath>

#include "monitor/exposition.h"
#include "monitor/snapshot_json.h"

namespace tacho {
namespace {

/// Two devices, of which one says less, and an engine.
Snapshot small_world() {
  Snapshot snapshot;
  snapshot.at = instant_from_ns(5'000'000'000);
  snapshot.wall_ns = 42;
  Subject first;
  first.kind = SubjectKind::device;
  first.id = "nvidia:0";
  first.labels = {{"device", "0"}, {"model", "a \"quoted\" name"}};
  first.at = instant_from_ns(4'000'000'000);
  first.add(quantity::device_power, 123.5);
  first.add(quantity::device_clock, 1.98e9, {{"domain", "sm"}});
  first.add(quantity::device_clock, 2.6e9, {{"domain", "memory"}});
  first.miss(quantity::device_fan, "not supported");
  Subject second = first;
  second.id = "nvidia:1";
  second.labels[0].second = "1";
  second.readings.clear();
  second.trouble = "lost";
  Subject engine;
  engine.kind = SubjectKind::engine;
  engine.id = "http://h:1";
  HistogramReading histogram;
  histogram.quantity = &quantity::engine_ttft;
  histogram.bounds = {0.1, 1.0};
  histogram.cumulative = {3.0, 4.0};
  histogram.count = 5.0;
  histogram.sum = 6.5;
  engine.histograms.push_back(histogram);
  snapshot.subjects = {first, second, engine};
  return snapshot;
}

TEST_CASE(
    "a page has each family once, values that are there, and nothing for those that are not") {
  const std::string page = metrics_page(small_world());
  CHECK(
      page.find("tacho_device_power_watts{device=\"0\",model=\"a \\\"quoted\\\" name\"} 123.5\n") !=
      std::string::npos);
  CHECK(page.find("tacho_device_fan_ratio") == std::string::npos);
  const std::string head = "# TYPE tacho_device_clock_hertz gauge\n";
  CHECK(page.find(head) == page.rfind(head));
  CHECK(page.find("tacho_engine_ttft_seconds_bucket{le=\"+Inf\"} 5\n") != std::string::npos);
  CHECK(page.find("# EOF") == std::string::npos);
  CHECK(metrics_page(small_world(), true).ends_with("# EOF\n"));
}

TEST_CASE("a snapshot comes back from JSON as it was, missing values with their reasons") {
  const Snapshot before = small_world();
  const auto after = read_snapshot(dump_json(snapshot_json(before)), "test");
  REQUIRE(after.ok());
  REQUIRE(after->subjects.size() == 3);
  CHECK(after->wall_ns == 42);
  const Subject& device = after->subjects[0];
  CHECK(device.id == "nvidia:0");
  CHECK(after->at - device.at == std::chrono::seconds(1));
  CHECK(device.value(quantity::device_clock, "memory") == 2.6e9);
  CHECK(std::isnan(device.value(quantity::device_fan)));
  CHECK(device.readings.back().missing == "not supported");
  CHECK(after->subjects[1].trouble == "lost");
  CHECK(metrics_page(*after) == metrics_page(before));
}

TEST_CASE("what is no snapshot is refused") {
  CHECK_FALSE(read_snapshot("[]", "that").ok());
  CHECK_FALSE(read_snapshot("{", "that").ok());
}

}  // namespace
}  // namespace tacho
