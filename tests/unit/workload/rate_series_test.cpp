// A clock that runs with the rate: what was put in comes out, at every point and across every edge.
#include "workload/rate_series.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tacho {
namespace {

/// The arrivals expected until a time, by adding up thin slices of the rate.
double expected_until(const RatePiece& piece, double seconds) {
  constexpr int slices = 100'000;
  double sum = 0.0;
  for (int i = 0; i < slices; ++i) {
    const double share = (i + 0.5) / slices * seconds / piece.duration_s;
    const double rate =
        piece.is_exponential
            ? piece.start_per_s * std::pow(piece.end_per_s / piece.start_per_s, share)
            : piece.start_per_s + (piece.end_per_s - piece.start_per_s) * share;
    sum += rate * seconds / slices;
  }
  return sum;
}

TEST_CASE("steps: each arrival is due where the rate has brought so many") {
  const RateSeries series{{{60, 10, 10}, {30, 50, 50}, {60, 10, 10}}, false};
  CHECK(duration_s(series) == 150.0);
  CHECK(arrivals_of(series) == 2700.0);
  RateClock clock(series);
  CHECK(clock.time_of(0) == 0.0);
  CHECK(clock.time_of(599) == doctest::Approx(59.9));
  CHECK(clock.time_of(600) == doctest::Approx(60.0));
  CHECK(clock.time_of(650) == doctest::Approx(61.0));
  CHECK(clock.time_of(2100) == doctest::Approx(90.0));
  CHECK(clock.time_of(2699) == doctest::Approx(149.9));
  CHECK(clock.time_of(2800) == doctest::Approx(160.0));  // Goes on at its last rate.
}

TEST_CASE("straight and exponential ramps are the inverse of the rate's integral") {
  for (const RatePiece& piece :
       {RatePiece{60, 1, 50}, RatePiece{60, 50, 1}, RatePiece{10, 0, 8}, RatePiece{10, 8, 0},
        RatePiece{60, 1, 50, true}, RatePiece{60, 50, 1, true}, RatePiece{5, 7, 7, true}}) {
    CAPTURE(piece.start_per_s);
    CAPTURE(piece.end_per_s);
    const RateSeries series{{piece}, false};
    CHECK(arrivals_of(series) ==
          doctest::Approx(expected_until(piece, piece.duration_s)).epsilon(1e-6));
    RateClock clock(series);
    for (const double share : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99}) {
      const double wanted = share * arrivals_of(series);
      CHECK(expected_until(piece, clock.time_of(wanted)) == doctest::Approx(wanted).epsilon(1e-6));
    }
  }
}

TEST_CASE("a pause lets nothing through: what is due at its begin is due at its end") {
  const RateSeries series{{{1, 10, 10}, {2, 0, 0}, {1, 10, 10}}, false};
  RateClock clock(series);
  CHECK(clock.time_of(9) == doctest::Approx(0.9));
  CHECK(clock.time_of(10) == doctest::Approx(3.0));
  CHECK(clock.time_of(11) == doctest::Approx(3.1));
}

TEST_CASE("bursts come again and again, without drift") {
  const RateSeries series{{{0.1, 10, 10}, {0.2, 0, 0}}, true};
  RateClock clock(series);
  for (int cycle = 0; cycle < 100'000; ++cycle) {
    CHECK(std::abs(clock.time_of(cycle) - 0.3 * cycle) < 1e-7 * (1 + cycle));
  }
}

TEST_CASE("a series that ends at a rate of 0 never comes to more") {
  const RateSeries series{{{10, 4, 0}}, false};
  RateClock clock(series);
  CHECK(std::isinf(clock.time_of(20)));
}

TEST_CASE("series have short names and words") {
  const RateSeries steps{{{60, 10, 10}, {30, 50, 50}, {60, 10, 10}}, false};
  CHECK(series_label(steps) == "10→50→10 req/s");
  CHECK(series_words(steps) == "piecewise 10 → 50 → 10 req/s over 150 s");
  CHECK(series_words({{{60, 1, 50}}, false}) == "ramp 1 → 50 req/s over 60 s");
  CHECK(series_words({{{60, 1, 50, true}}, false}) == "exponential ramp 1 → 50 req/s over 60 s");
  CHECK(series_words({{{10, 0, 5}, {10, 5, 2}}, false}) ==
        "piecewise-linear 0 → 5 → 2 req/s over 20 s");
  const RateSeries bursts{{{10, 20, 20}, {5, 0, 0}}, true};
  CHECK(series_label(bursts) == "20 req/s 10 s on, 5 s off");
  CHECK(series_words(bursts) == "bursts of 20 req/s for 10 s, then 5 s of nothing");
  RateSeries many;
  for (int i = 1; i <= 24; ++i) many.pieces.push_back({1, 1.0 * i, 1.0 * i});
  CHECK(series_label(many) == "1→2→3→4→…→24 req/s");
}

}  // namespace
}  // namespace tacho
