// Windows over readings: what is too old says nothing, counters and histograms may begin anew.
#include "monitor/history.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tacho {
namespace {

constexpr Duration second = std::chrono::seconds(1);

Instant at_s(double s) { return instant_from_ns(static_cast<std::int64_t>(s * 1e9)); }

/// An engine that was read at that time.
Subject engine(double s) {
  Subject subject;
  subject.kind = SubjectKind::engine;
  subject.id = "http://h:1";
  subject.at = at_s(s);
  return subject;
}

/// Adds a snapshot with one subject, taken when the subject was read.
void add(History& history, const Subject& subject) {
  Snapshot snapshot;
  snapshot.at = subject.at;
  snapshot.subjects = {subject};
  history.add(snapshot);
}

void add_gauge(History& history, double s, double value) {
  Subject subject = engine(s);
  subject.add(quantity::engine_waiting, value);
  add(history, subject);
}

void add_counter(History& history, double s, double value) {
  Subject subject = engine(s);
  subject.add(quantity::engine_generation_tokens, value);
  add(history, subject);
}

void add_histogram(History& history, double s, std::vector<double> cumulative, double count,
                   double sum, std::vector<double> bounds = {0.1, 0.2, 0.4}) {
  Subject subject = engine(s);
  subject.histograms.push_back(
      {&quantity::engine_ttft, {}, std::move(bounds), std::move(cumulative), count, sum});
  add(history, subject);
}

TEST_CASE("a window has the readings since its begin, and none of before") {
  History history;
  for (int i = 0; i <= 10; ++i) add_gauge(history, i, i);
  const Subject who = engine(0);
  CHECK(history.count(who, quantity::engine_waiting, 4 * second) == 5);
  CHECK(history.mean(who, quantity::engine_waiting, 4 * second) == 8.0);
  CHECK(history.least(who, quantity::engine_waiting, 4 * second) == 6.0);
  CHECK(history.most(who, quantity::engine_waiting, 100 * second) == 10.0);
  CHECK(history.change(who, quantity::engine_waiting, 4 * second) == 4.0);
  CHECK(std::isnan(history.mean(who, quantity::engine_running, 4 * second)));
  CHECK(history.since(who) == at_s(0));
}

TEST_CASE("a subject that is read no more says nothing, instead of its last value") {
  History history;
  add_gauge(history, 1, 5.0);
  Snapshot later;
  later.at = at_s(20);
  later.subjects = {engine(1)};  // The reading of then, once more.
  history.add(later);
  CHECK(std::isnan(history.mean(engine(0), quantity::engine_waiting, 10 * second)));
  CHECK(history.mean(engine(0), quantity::engine_waiting, 19 * second) == 5.0);
}

TEST_CASE("a reading that is seen twice counts once") {
  History history;
  add_gauge(history, 1, 5.0);
  add_gauge(history, 1, 5.0);
  CHECK(history.count(engine(0), quantity::engine_waiting, 10 * second) == 1);
}

TEST_CASE("a missing value leaves a gap") {
  History history;
  add_gauge(history, 1, 5.0);
  Subject subject = engine(2);
  subject.miss(quantity::engine_waiting, "not offered");
  add(history, subject);
  CHECK(history.count(engine(0), quantity::engine_waiting, 10 * second) == 1);
}

TEST_CASE("a rate is growth between the first and the last reading in the window") {
  History history;
  for (int i = 0; i <= 10; ++i) add_counter(history, i, 7.0 * i * i);
  const double rate = history.rate(engine(0), quantity::engine_generation_tokens, 4 * second);
  CHECK(rate == doctest::Approx((700.0 - 252.0) / 4.0));
  CHECK(history.increase(engine(0), quantity::engine_generation_tokens, 4 * second) ==
        doctest::Approx(448.0));
  CHECK(std::isnan(history.rate(engine(0), quantity::engine_generation_tokens, second / 2)));
}

TEST_CASE("a counter that sinks has begun anew at 0") {
  History history;
  double t = 0;
  for (const double value : {100.0, 150.0, 10.0, 30.0}) add_counter(history, t++, value);
  CHECK(history.increase(engine(0), quantity::engine_generation_tokens, 10 * second) ==
        doctest::Approx(50.0 + 10.0 + 20.0));
}

TEST_CASE("rates of several series are summed where none is picked") {
  History history;
  for (int i = 0; i < 3; ++i) {
    Subject host;
    host.id = "h";
    host.at = at_s(i);
    host.add(quantity::host_network_receive, 100.0 * i, {{"interface", "eth0"}});
    host.add(quantity::host_network_receive, 10.0 * i, {{"interface", "eth1"}});
    add(history, host);
  }
  Subject host;
  host.id = "h";
  CHECK(history.rate(host, quantity::host_network_receive, 10 * second) == doctest::Approx(110.0));
  CHECK(history.rate(host, quantity::host_network_receive, 10 * second, "eth1") ==
        doctest::Approx(10.0));
  CHECK(history.all(host, quantity::host_network_receive).size() == 2);
}

TEST_CASE("what is older than is kept is forgotten, subjects too") {
  History history(5 * second);
  add_gauge(history, 0, 1.0);
  add_gauge(history, 4, 2.0);
  add_gauge(history, 8, 3.0);
  CHECK(history.count(engine(0), quantity::engine_waiting, 100 * second) == 2);
  Subject other;
  other.id = "h";
  other.at = at_s(20);
  add(history, other);
  CHECK_FALSE(happened(history.since(engine(0))));
}

TEST_CASE("a quantile is of what was counted in the window alone, between its bucket's bounds") {
  History history;
  add_histogram(history, 0, {1000, 1000, 1000}, 1000, 10.0);
  add_histogram(history, 1, {1000, 1000, 1000}, 1000, 10.0);
  add_histogram(history, 2, {1000, 1050, 1100}, 1100, 30.0);
  const Quantile p25 = history.quantile(engine(0), quantity::engine_ttft, 0.25, 1 * second);
  CHECK(p25.value == doctest::Approx(0.15));
  CHECK(p25.low == 0.1);
  CHECK(p25.high == 0.2);
  CHECK(p25.count == 100.0);
  CHECK(history.quantile(engine(0), quantity::engine_ttft, 0.75, 1 * second).value ==
        doctest::Approx(0.3));
  CHECK(history.gain(engine(0), quantity::engine_ttft, second)->mean() == doctest::Approx(0.2));
}

TEST_CASE("a quantile above the last bound is that bound, and says so") {
  History history;
  add_histogram(history, 0, {0, 0, 0}, 0, 0.0);
  add_histogram(history, 1, {1, 1, 2}, 10, 50.0);
  const Quantile p90 = history.quantile(engine(0), quantity::engine_ttft, 0.9, 5 * second);
  CHECK(p90.value == 0.4);
  CHECK(std::isinf(p90.high));
}

TEST_CASE("a histogram in which nothing was counted has no quantile") {
  History history;
  CHECK(std::isnan(history.quantile(engine(0), quantity::engine_ttft, 0.5, second).value));
  add_histogram(history, 0, {1, 2, 3}, 4, 1.0);
  CHECK_FALSE(history.gain(engine(0), quantity::engine_ttft, second).has_value());
  add_histogram(history, 1, {1, 2, 3}, 4, 1.0);
  CHECK(std::isnan(history.quantile(engine(0), quantity::engine_ttft, 0.5, second).value));
}

TEST_CASE("a histogram that sinks or has other bounds begins anew") {
  History history;
  add_histogram(history, 0, {10, 20, 30}, 30, 5.0);
  add_histogram(history, 1, {2, 2, 2}, 2, 0.1);
  CHECK(history.gain(engine(0), quantity::engine_ttft, 9 * second)->count == 2.0);
  add_histogram(history, 2, {5, 6}, 6, 1.0, {1.0, 2.0});
  CHECK_FALSE(history.gain(engine(0), quantity::engine_ttft, 9 * second).has_value());
  add_histogram(history, 3, {5, 7}, 7, 2.0, {1.0, 2.0});
  CHECK(history.gain(engine(0), quantity::engine_ttft, 9 * second)->cumulative ==
        std::vector<double>{0.0, 1.0});
}

TEST_CASE("steps of a graph are means, bridge what is out of phase, and end where readings end") {
  History history;
  add_gauge(history, 10.1, 1.0);
  add_gauge(history, 10.9, 3.0);
  add_gauge(history, 12.0, 5.0);  // None in step 11.
  add_gauge(history, 18.0, 7.0);
  const auto steps = history.steps(engine(0), quantity::engine_waiting, second, 10);
  REQUIRE(steps.size() == 10);
  CHECK(std::isnan(steps[0]));  // 9
  CHECK(steps[1] == 2.0);       // 10
  CHECK(steps[2] == 2.0);       // 11
  CHECK(steps[3] == 5.0);       // 12
  CHECK(steps[5] == 5.0);       // 14, two steps later
  CHECK(std::isnan(steps[6]));  // 15
  CHECK(steps[9] == 7.0);       // 18
}

TEST_CASE("steps of a rate spread a growth over the steps between two readings") {
  History history;
  add_counter(history, 10.0, 0.0);
  add_counter(history, 14.0, 40.0);
  add_counter(history, 15.0, 45.0);
  const auto steps = history.rate_steps(engine(0), quantity::engine_generation_tokens, second, 6);
  REQUIRE(steps.size() == 6);  // 10 to 15
  CHECK(steps[0] == doctest::Approx(10.0));
  CHECK(steps[3] == doctest::Approx(10.0));
  CHECK(steps[4] == doctest::Approx(5.0));
  CHECK(steps[5] == doctest::Approx(5.0));  // Has only begun.
}

}  // namespace
}  // namespace tacho
