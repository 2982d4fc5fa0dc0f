#include "monitor/metrics_text.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tacho {
namespace {

TEST_CASE("a line is a name, labels, a value and perhaps a time") {
  const auto page = parse_metrics_text(
      "# HELP a b\n# TYPE a gauge\n"
      "up 1\r\n"
      "a:b{x=\"1\",y=\"two \\\"words\\\" \\\\ and\\nmore\",} 2.5e3 1700000000000\n"
      "h_bucket{le=\"+Inf\"} 7 # {trace_id=\"x\"} 0.3\n"
      "n NaN\n\n m   -Inf \n");
  REQUIRE(page.lines.size() == 5);
  CHECK(page.unreadable == 0);
  CHECK(page.lines[0].value == 1.0);
  CHECK(page.lines[1].name == "a:b");
  CHECK(label(page.lines[1].labels, "y") == "two \"words\" \\ and\nmore");
  CHECK(page.lines[1].value == 2500.0);
  CHECK(page.lines[1].timestamp.value() == 1.7e12);
  CHECK(page.lines[2].value == 7.0);
  CHECK(std::isnan(page.lines[3].value));
  CHECK(page.lines[4].value < -1e300);
}

TEST_CASE("what is no line of the format is counted and left out") {
  const auto page = parse_metrics_text("<html>\nok 1\nbad{x=\"1 2\n{} 3\nx{a=1} 2\nlast");
  CHECK(page.lines.size() == 1);
  CHECK(page.unreadable == 5);
  CHECK(page.first_unreadable == "<html>");
}

}  // namespace
}  // namespace tacho
