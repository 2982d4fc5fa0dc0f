// The trend test: what rises is found, what only wanders is not.
#include "stats/trend.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"

namespace tacho {
namespace {

std::vector<double> wandering(Random& random, double rho, double slope) {
  std::vector<double> series;
  double x = random.normal();
  for (int i = 0; i < 40; ++i) {
    series.push_back(x + slope * i);
    x = rho * x + std::sqrt(1 - rho * rho) * random.normal();
  }
  return series;
}

int alarms(double rho, double slope) {
  Random random(Seed{1}, "trend");
  int found = 0;
  for (int run = 0; run < 400; ++run) {
    if (trend_of(wandering(random, rho, slope)).p_rising < 0.01) ++found;
  }
  return found;
}

TEST_CASE("a series without trend rarely has one, also when neighbours are alike") {
  CHECK(alarms(0.0, 0.0) <= 10);
  CHECK(alarms(0.5, 0.0) <= 28);
  CHECK(alarms(0.0, -0.2) == 0);
}

TEST_CASE("a rising one is found") {
  CHECK(alarms(0.0, 0.1) >= 395);
  CHECK(alarms(0.5, 0.3) >= 395);
  const Trend line = trend_of({1, 3, 5, 7, 9, 11, 13, 15, 17, 19});
  CHECK(line.slope == doctest::Approx(2.0));
  CHECK(line.p_rising < 0.001);
}

TEST_CASE("a constant, a falling and a short series have none") {
  CHECK(trend_of(std::vector<double>(40, 3.0)).p_rising == 1.0);
  CHECK(trend_of({9, 8, 7, 6, 5, 4, 3, 2, 1, 0}).p_rising == 1.0);
  CHECK(trend_of({9, 8, 7, 6, 5, 4, 3, 2, 1, 0}).slope == -1.0);
  CHECK(trend_of({1, 2, 3}).p_rising == 1.0);
  CHECK(trend_of({}).p_rising == 1.0);
}

}  // namespace
}  // namespace tacho
