// Rates over time and think times as people write them.
#include "cli/plan_series.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

RateSeries series_of(const Result<RateSeries>& series) {
  if (!series.ok()) FAIL(series.error().message);
  return *series;
}

RateSeries from_file(const std::string& content) {
  return series_of(parse_rate_series_file(content, "r.txt"));
}

TEST_CASE("a rate series on the command line: a rate for a time, then another") {
  const RateSeries series = series_of(parse_rate_series("10:60s, 50:0.5m,0:500ms"));
  REQUIRE(series.pieces.size() == 3);
  CHECK(series.pieces[1].start_per_s == 50.0);
  CHECK(series.pieces[1].end_per_s == 50.0);
  CHECK(series.pieces[1].duration_s == 30.0);
  CHECK(series.pieces[2].duration_s == 0.5);
  CHECK_FALSE(series.repeats);
}

TEST_CASE("files say steps or points, as JSON or as CSV, and mean the same") {
  const RateSeries steps = series_of(parse_rate_series("10:60,50:30"));
  for (const char* content :
       {"10,60\n50,30s\n", "rate,duration_s\n10,60\n50,30\n", "duration,qps\n1m,10\n30,50\n",
        "# a comment\n10,60\n\n50,30\n",
        R"([{"rate": 10, "duration_s": 60}, {"rate": 50, "duration_s": 30}])"}) {
    CAPTURE(std::string(content));
    CHECK(series_label(from_file(content)) == series_label(steps));
    CHECK(duration_s(from_file(content)) == 90.0);
  }
  for (const char* content :
       {R"({"points": [{"time_s": 0, "qps": 10}, {"time_s": 60, "qps": 50}]})",
        R"([{"time_s": 0, "rate": 10}, {"time_s": 60, "rate": 50}])",
        "time_s,qps\n0,10\n60,50\n"}) {
    CAPTURE(std::string(content));
    const RateSeries line = from_file(content);
    REQUIRE(line.pieces.size() == 1);
    CHECK(line.pieces[0].start_per_s == 10.0);
    CHECK(line.pieces[0].end_per_s == 50.0);
    CHECK(line.pieces[0].duration_s == 60.0);
  }
  // Before its first point, the first rate; two points of one time are a step.
  CHECK(series_words(from_file("time,rate\n10,5\n20,5\n20,9\n30,9\n")) ==
        "piecewise 5 → 9 req/s over 30 s");
}

TEST_CASE("what is no series is refused in one line that says how to write one") {
  for (const char* text : {"", "10", "10:", "10:60s,", ":60", "a:b", "10:-1", "-1:10", "10:0",
                           "10:60:5", "0:60", "/no/such/file.json"}) {
    CAPTURE(std::string(text));
    const auto series = parse_rate_series(text);
    REQUIRE_FALSE(series.ok());
    CHECK(series.error().message.find("--rate-series") == 0);
    CHECK(series.error().message.find('\n') == std::string::npos);
  }
  for (const char* content :
       {"", "[]", "{}", "[1]", "rate,duration\n", "10\n", "10,x\n", "{\"points\": 3}",
        R"([{"rate": 10}])", R"([{"rate": -1, "duration_s": 1}])", "time_s,qps\n10,1\n5,1\n",
        "time_s,qps\n0,5\n", R"([{"rate": 1, "duration_s": 1})"}) {
    CAPTURE(std::string(content));
    CHECK_FALSE(parse_rate_series_file(content, "r.txt").ok());
  }
}

TEST_CASE("ramps and bursts") {
  const RateSeries ramp = series_of(parse_ramp("1:50:60s"));
  REQUIRE(ramp.pieces.size() == 1);
  CHECK(ramp.pieces[0].start_per_s == 1.0);
  CHECK(ramp.pieces[0].end_per_s == 50.0);
  CHECK_FALSE(ramp.pieces[0].is_exponential);
  CHECK(series_of(parse_ramp("1:50:60s:exponential")).pieces[0].is_exponential);
  CHECK(series_of(parse_ramp("1:50:60s:exp")).pieces[0].is_exponential);
  CHECK(series_of(parse_ramp("0:50:60s:linear")).pieces[0].start_per_s == 0.0);
  for (const char* text : {"", "1:50", "1:50:0", "1:50:60s:steep", "0:50:60s:exp", "0:0:60s",
                           "1:50:60s:exp:2", "1:50:60s:"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_ramp(text).ok());
  }
  const RateSeries bursts = series_of(parse_on_off("10s:5s", 20.0));
  CHECK(bursts.repeats);
  CHECK(series_words(bursts) == "bursts of 20 req/s for 10 s, then 5 s of nothing");
  for (const char* text : {"", "10", "10:", "0:5", "10:0", "10:5:1"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_on_off(text, 20.0).ok());
  }
}

TEST_CASE("think times") {
  CHECK(think_words(*parse_think_time("2")) == "think 2 s");
  CHECK(think_words(*parse_think_time("500ms:1.5s")) == "think 0.5 to 1.5 s");
  CHECK(think_words(*parse_think_time("exp:2s")) == "think 2 s on average (exponential)");
  CHECK(think_words(*parse_think_time("0")) == "");
  for (const char* text : {"", "x", "3:1", "1:2:3", "exp:", "exp:0", "-1"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_think_time(text).ok());
  }
}

}  // namespace
}  // namespace tacho
