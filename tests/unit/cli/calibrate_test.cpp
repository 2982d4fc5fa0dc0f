// The load of each level of `tacho calibrate`.
#include <doctest/doctest.h>

#include "cli/calibrate_level.h"

namespace tacho {
namespace {

TEST_CASE("a level has enough requests for a distribution, and answers of a bearable length") {
  // One stream at 50 tokens/s for 5 s is 250 tokens: 25 short answers.
  CHECK(shape_of_level(1, 50, 5).tokens == 10);
  CHECK(shape_of_level(1, 50, 5).rounds == 25);
  CHECK(shape_of_level(32, 50, 5).tokens == 40);
  CHECK(shape_of_level(1000, 50, 5).tokens == 100);
  CHECK(shape_of_level(1000, 50, 5).rounds == 3);
  for (const std::uint32_t streams : {1u, 8u, 300u, 100'000u}) {
    for (const double rate : {0.5, 10.0, 1000.0}) {
      for (const double seconds : {0.1, 1.0, 60.0}) {
        const LevelShape shape = shape_of_level(streams, rate, seconds);
        CHECK(shape.tokens >= 10);
        CHECK(shape.tokens <= std::max(10.0, 2.0 * rate));
        CHECK(shape.rounds >= 1);
        CHECK(shape.rounds * shape.tokens >= rate * seconds);
      }
    }
  }
}

}  // namespace
}  // namespace tacho
