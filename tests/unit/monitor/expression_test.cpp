#include "monitor/expression.h"

#include <doctest/doctest.h>

#include <cmath>

#include "monitor/evaluate.h"

namespace tacho {
namespace {

Instant second(int s) { return instant_from_ns(std::int64_t{s} * 1'000'000'000); }

std::string refusal(std::string_view text) {
  const auto expression = parse_expression(text);
  return expression ? "understood" : expression.error().message;
}

/// Samples by hand, and what an expression makes of them at one time.
struct World {
  Samples samples;
  explicit World(std::initializer_list<const char*> metrics) {
    for (const char* metric : metrics) {
      samples.need({{metric, std::chrono::hours(24)}});
    }
  }
  void put(const char* metric, Labels labels, int at, double value) {
    samples.add(metric, std::move(labels), {second(at), value});
  }
  std::vector<Element> at(int s, std::string_view text) const {
    const auto expression = parse_expression(text);
    REQUIRE_MESSAGE(expression.ok(), (expression.ok() ? "" : expression.error().message));
    const auto value = evaluate(*expression, samples, second(s));
    REQUIRE(value.ok());
    if (value->is_number) return {{{}, value->number}};
    return value->elements;
  }
  double one(int s, std::string_view text) const {
    const auto elements = at(s, text);
    return elements.size() == 1 ? elements.front().value : std::nan("");
  }
};

TEST_CASE("what is not understood is refused with its column") {
  CHECK(refusal("a > 1 and rate(b{c=\"d\"}[5m]) * 2 <= 3") == "understood");
  CHECK(refusal("predict_linear(a[5m], 3)").starts_with("column 1: 'predict_linear' is not"));
  CHECK(refusal("a > bool 1") == "column 9: 'bool' is not understood; compare without it");
  CHECK(refusal("a * on(x) group_left b")
            .ends_with("'group_left' is not understood; match one to "
                       "one"));
  CHECK(refusal("a{b=~\"(x|y)\"}").find("the pattern '(x|y)' is not understood") !=
        std::string::npos);
  CHECK(refusal("rate(a)") == "column 8: rate() wants a range such as [5m]");
  CHECK(refusal("a[5m]").starts_with("column 1: a range alone is no value"));
  CHECK(refusal("a > ") == "column 5: the expression ends too early");
  CHECK(refusal("a b") == "column 3: 'b' is not understood");
  CHECK(refusal("sum(a[5m])").starts_with("column 1: a range alone"));
  CHECK(refusal("max_over_time(rate(a[5m])[1h:])").find("subqueries") != std::string::npos);
  CHECK(refusal(std::string(100, '(')).find("more brackets") != std::string::npos);
  CHECK(refusal("a[99999y]").find("is no time") != std::string::npos);
}

TEST_CASE("times are read as Prometheus writes them, and written in hours, minutes or seconds") {
  CHECK(*parse_prometheus_duration("1h30m", "for") == std::chrono::minutes(90));
  CHECK(duration_text(std::chrono::hours(24)) == "24h");
  CHECK(duration_text(std::chrono::minutes(90)) == "90m");
  CHECK(duration_text(std::chrono::seconds(0)) == "0s");
  CHECK(duration_text(std::chrono::milliseconds(1500)) == "1500ms");
  CHECK(parse_prometheus_duration("5", "for").error().message ==
        "for '5' is no time such as 30s, 5m or 1h30m");
}

TEST_CASE("operators bind as in Prometheus, and comparisons keep what is true") {
  World w({"a", "b"});
  w.put("a", {{"x", "1"}}, 0, 10.0);
  w.put("a", {{"x", "2"}}, 0, 20.0);
  w.put("b", {{"x", "1"}}, 0, 4.0);
  CHECK(w.one(0, "1 + 2 * 3 - 4 / 2") == 5.0);
  CHECK(w.one(0, "-(1 + 2)") == -3.0);
  CHECK(w.one(0, "a > 15") == 20.0);
  CHECK(w.one(0, "a / b") == 2.5);
  CHECK(w.one(0, "a unless b") == 20.0);
  CHECK(w.one(0, "a and b > 3 or b > 100") == 10.0);
  CHECK(w.at(0, "a or b").size() == 2);
  CHECK(w.one(0, "sum(a)") == 30.0);
  CHECK(w.at(0, "max by (x) (a)").size() == 2);
  CHECK(w.one(0, "avg without (x) (a)") == 15.0);
  CHECK(w.one(0, "count(a{x!=\"1\"})") == 1.0);
  CHECK(w.one(0, "a{x=~\"1|3\"}") == 10.0);
  CHECK(w.at(0, "a{x!~\".*\"}").empty());
  CHECK(w.one(0, "absent(c)") == 1.0);
  CHECK(w.one(0, "clamp_max(b, 3)") == 3.0);
}

TEST_CASE("several elements on one side are an error, not a guess") {
  World w({"a", "b"});
  w.put("a", {{"x", "1"}, {"y", "1"}}, 0, 1.0);
  w.put("a", {{"x", "1"}, {"y", "2"}}, 0, 1.0);
  w.put("b", {{"x", "1"}}, 0, 1.0);
  const auto expression = parse_expression("a / on(x) b");
  REQUIRE(expression.ok());
  CHECK_FALSE(evaluate(*expression, w.samples, second(0)).ok());
}

TEST_CASE("rates are extrapolated to the ends of their window as Prometheus does it") {
  World w({"c"});
  for (int t = 0; t <= 300; t += 15) w.put("c", {}, t, t * 2.0);
  CHECK(w.one(300, "rate(c[5m])") == doctest::Approx(2.0));
  CHECK(w.one(300, "increase(c[1m])") == doctest::Approx(120.0));
  // Half a sample distance on either side where the window begins or ends far from a sample.
  World sparse({"c"});
  sparse.put("c", {}, 100, 10.0);
  sparse.put("c", {}, 160, 16.0);
  CHECK(sparse.one(300, "increase(c[5m])") == doctest::Approx(6.0 * (60 + 30 + 30) / 60.0));
  // A counter that began anew has gained what it shows.
  World reset({"c"});
  reset.put("c", {}, 0, 100.0);
  reset.put("c", {}, 30, 5.0);
  reset.put("c", {}, 60, 10.0);
  CHECK(reset.one(60, "increase(c[1m])") == doctest::Approx(10.0));
  CHECK(reset.one(60, "delta(c[1m])") == doctest::Approx(-90.0));
  CHECK(reset.one(60, "changes(c[1m])") == 2.0);
  CHECK(reset.one(60, "min_over_time(c[1m])") == 5.0);
}

TEST_CASE("the last value counts for five minutes, unless its series ended") {
  World w({"g"});
  w.put("g", {}, 0, 7.0);
  CHECK(w.one(300, "g") == 7.0);
  CHECK(w.at(301, "g").empty());
  CHECK(w.one(600, "g offset 10m") == 7.0);
  Snapshot empty;
  empty.at = second(10);
  w.samples.add(empty);
  CHECK(w.at(11, "g").empty());
  CHECK(w.one(11, "last_over_time(g[1m])") == 7.0);
}

TEST_CASE("a quantile lies within its bucket, and at the last bound when beyond") {
  World w({"h_bucket"});
  for (const auto& [le, value] : {std::pair{"0.1", 50.0}, {"1", 90.0}, {"+Inf", 100.0}}) {
    w.put("h_bucket", {{"le", le}}, 0, value);
  }
  CHECK(w.one(0, "histogram_quantile(0.25, h_bucket)") == doctest::Approx(0.05));
  CHECK(w.one(0, "histogram_quantile(0.7, h_bucket)") == doctest::Approx(0.55));
  CHECK(w.one(0, "histogram_quantile(0.99, h_bucket)") == 1.0);
}

TEST_CASE("a day of readings is kept in about as many samples as it has minutes") {
  World w({"c"});
  for (int t = 0; t <= 90'000; t += 5) w.put("c", {}, t, t);
  CHECK(w.one(90'000, "rate(c[24h])") == doctest::Approx(1.0));
  CHECK(w.one(90'000, "count_over_time(c[24h])") < 1440 + 181);
}

}  // namespace
}  // namespace tacho
