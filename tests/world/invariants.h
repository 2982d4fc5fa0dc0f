// The numbered invariants of docs/invariants.md as functions: each looks at one world and says what
// it breaks, or nothing.
#pragma once

#include <string>

#include "world.h"

namespace tacho {

/// I1: every planned request ends once, by an outcome; nothing vanishes and nothing is left behind
/// on either side.
std::string broken_conservation(const Scenario& scenario, const Played& played);
/// I2: the instants of every record are in the order in which they must have happened.
std::string broken_causality(const Scenario& scenario, const Played& played);
/// I5: the tokens of an answer are those that the server says, that came as chunks, and that it
/// really made.
std::string broken_tokens(const Scenario& scenario, const Played& played);
/// I6: what was measured is what really happened, to within what the world's own network and clock
/// add.
std::string broken_measurement(const Scenario& scenario, const Played& played);
/// I7: due times are the plan's, in order, and nothing is sent before its own.
std::string broken_schedule(const Scenario& scenario, const Played& played);
/// I8: each worker sends its own slice, in the plan's order.
std::string broken_slices(const Scenario& scenario, const Played& played);
/// I9: each outcome is what the server did to that request.
std::string broken_outcomes(const Scenario& scenario, const Played& played);

}  // namespace tacho
