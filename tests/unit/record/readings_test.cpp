#include "record/readings.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

namespace tacho {
namespace {

Instant at(std::int64_t s) { return instant_from_ns(s * 1'000'000'000); }

TEST_CASE("readings come back as series, ascending, torn lines counted") {
  std::string text;
  append_reading_line(text, {at(1), "engine", "a", "", {{"x", 1.0}, {"n_total", 10.0}}});
  append_reading_line(text, {at(2), "engine", "b", "refused", {}});
  append_reading_line(text, {at(2), "engine", "a", "", {{"x", 3.0}, {"n_total", 14.0}}});
  append_reading_line(text, {at(3), "engine", "a", "", {{"n_total", 2.0}}});
  text += "{\"at\":5,\"kind\":\"eng";
  std::string name = "/tmp/tacho-readings-XXXXXX";
  ::close(::mkstemp(name.data()));
  std::ofstream(name) << text;
  const auto readings = read_readings(name);
  ::unlink(name.c_str());
  REQUIRE(readings.ok());
  CHECK(readings->torn_lines == 1);
  CHECK(readings->troubles == std::vector<std::string>{"engine b: refused"});
  REQUIRE(readings->of("engine", "x").size() == 1);
  const ReadingSeries& x = *readings->of("engine", "x")[0];
  CHECK(x.points.size() == 2);
  CHECK(x.between(at(2), at(9)).size() == 1);
  const ReadingSeries& n = *readings->of("engine", "n_total")[0];
  // 10 to 14, then a new start that has counted 2.
  CHECK(growth(n.points) == 6.0);
  CHECK(n.around(at(2), at(3)).size() == 2);
  CHECK(n.around(at(1) + std::chrono::milliseconds(500), at(2)).size() == 2);
  CHECK(n.around(at(0), at(9)).size() == 3);
  CHECK(readings->of("device", "x").empty());
}

TEST_CASE("a run without readings has none, and that is no error") {
  const auto readings = read_readings("/nowhere/readings.jsonl");
  REQUIRE(readings.ok());
  CHECK(readings->empty());
}

}  // namespace
}  // namespace tacho
