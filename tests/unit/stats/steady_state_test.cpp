// MSER-5 on series whose transient is known.
#include "stats/steady_state.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"

namespace tacho {
namespace {

TEST_CASE("a start-up transient is cut where it ends, within a few batches") {
  Random random(Seed{1}, "transient");
  int good = 0;
  for (int run = 0; run < 100; ++run) {
    std::vector<double> series;
    for (int i = 0; i < 600; ++i) {
      series.push_back(50.0 + (i < 100 ? 60.0 : 0.0) + 10.0 * random.normal());
    }
    const auto cut = transient_length(series);
    if (cut && *cut >= 95 && *cut <= 160) ++good;
  }
  CHECK(good >= 95);
}

TEST_CASE("an exponential approach loses its beginning, and the mean of the rest is right") {
  Random random(Seed{2}, "approach");
  double sum = 0.0;
  for (int run = 0; run < 50; ++run) {
    std::vector<double> series;
    for (int i = 0; i < 1000; ++i) {
      series.push_back(100.0 * (1.0 - std::exp(-i / 60.0)) + 5.0 * random.normal());
    }
    const auto cut = transient_length(series);
    REQUIRE(cut.has_value());
    CHECK(*cut >= 60);
    double rest = 0.0;
    for (std::size_t i = *cut; i < series.size(); ++i) rest += series[i];
    sum += rest / static_cast<double>(series.size() - *cut);
  }
  CHECK(sum / 50 == doctest::Approx(100.0).epsilon(0.01));
}

TEST_CASE("what is steady from the start keeps most of itself") {
  Random random(Seed{3}, "steady");
  int kept = 0;
  for (int run = 0; run < 100; ++run) {
    std::vector<double> series;
    for (int i = 0; i < 500; ++i) series.push_back(random.exponential());
    const auto cut = transient_length(series);
    if (cut && *cut <= 100) ++kept;
  }
  CHECK(kept >= 75);
  CHECK(transient_length(std::vector<double>(100, 4.0)) == 0);
}

TEST_CASE("what never settles has no steady state, and neither has what is short") {
  std::vector<double> rising;
  for (int i = 0; i < 500; ++i) rising.push_back(i);
  CHECK_FALSE(transient_length(rising).has_value());
  CHECK_FALSE(transient_length(std::vector<double>(49, 1.0)).has_value());
  CHECK_FALSE(transient_length({}).has_value());
}

}  // namespace
}  // namespace tacho
