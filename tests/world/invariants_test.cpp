// Hundreds of worlds, each drawn from its seed: whatever the network, the engine, the load and the
// faults, the numbered invariants hold. A failure names its seed; TACHO_WORLD_SEED=<seed> replays
// it alone.
#include "invariants.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

TEST_CASE("whatever world is drawn, every invariant holds in it (I1 I2 I5 I6 I7 I8 I9)") {
  for (const std::uint64_t seed : seeds(1000)) {
    CAPTURE(seed);
    const Scenario scenario = draw_scenario(seed);
    const Played played = play(scenario);
    CHECK(broken_conservation(scenario, played) == "");
    CHECK(broken_causality(scenario, played) == "");
    CHECK(broken_tokens(scenario, played) == "");
    CHECK(broken_measurement(scenario, played) == "");
    CHECK(broken_schedule(scenario, played) == "");
    CHECK(broken_slices(scenario, played) == "");
    CHECK(broken_outcomes(scenario, played) == "");
  }
}

TEST_CASE("the same seed twice leaves the same bytes in the journal (I3)") {
  for (const std::uint64_t seed : seeds(200)) {
    CAPTURE(seed);
    const Scenario scenario = draw_scenario(seed);
    CHECK(play(scenario).journal == play(scenario).journal);
  }
}

TEST_CASE("another network seed moves the times, so the seed really reaches the network") {
  Scenario scenario = draw_scenario(5);
  const std::string first = play(scenario).journal;
  scenario.net.seed = Seed{4};
  CHECK(play(scenario).journal != first);
}

}  // namespace
}  // namespace tacho
