#include "ui/numbers.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace tacho {
namespace {

TEST_CASE("numbers keep few columns and a unit, and what is not known is N/A") {
  CHECK(ratio_text(0.974) == "97%");
  CHECK(ratio_text(std::nan("")) == "N/A");
  CHECK(bytes_text(512.0 * (1 << 20)) == "512M");
  CHECK(bytes_text(71.23 * (1 << 30)) == "71.2G");
  CHECK(memory_text(71.23 * (1 << 30), 80.0 * (1 << 30)) == "71.2/80.0GiB");
  CHECK(memory_text(std::nan(""), 80.0 * (1 << 30)) == "N/A/80.0GiB");
  CHECK(byte_rate_text(1.24e9) == "1.2G");
  CHECK(byte_rate_text(340e6) == "340M");
  CHECK(bit_rate_text(1.25e9) == "10Gb/s");
  CHECK(count_text(0.25) == "0.2");
  CHECK(count_text(36.0) == "36");
  CHECK(count_text(1500.0) == "1500");
  CHECK(count_text(41'200.0) == "41k");
}

TEST_CASE("times have the unit in which they are read") {
  CHECK(time_text(340e-6) == "340us");
  CHECK(time_text(0.0123) == "12.3ms");
  CHECK(time_text(0.123) == "123ms");
  CHECK(time_text(1.236) == "1.24s");
  CHECK(time_text(95.0) == "95.0s");
  CHECK(time_text(2560.0) == "2560s");
  CHECK(age_text(5.0) == "5s");
  CHECK(age_text(245.0) == "4:05");
  CHECK(age_text(11565.0) == "3:12:45");
  CHECK(age_text(183'600.0) == "2d 03h");
}

TEST_CASE("a quantile of a histogram is about so much, or above its last bound") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(quantile_text({0.0123, 0.01, 0.02, 5.0}) == "~12ms");
  CHECK(quantile_text({2560.0, 2560.0, inf, 5.0}) == ">2560s");
  CHECK(quantile_text({std::nan(""), 0.0, inf, 0.0}) == "-");
}

}  // namespace
}  // namespace tacho
