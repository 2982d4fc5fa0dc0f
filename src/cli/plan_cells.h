// The cells of a run: each load with each pair of lengths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/bench_plan.h"
#include "cli/plan_loads.h"

namespace tacho {

/// A pair of lengths, or the dataset's own.
struct Lengths {
  std::optional<std::uint32_t> input, output;
  std::string label;
};

/// A cell for each concurrency, and for each number of users.
void add_closed_loops(const BenchOptions& options, const Loads& loads, const Lengths& lengths,
                      BenchPlan& plan);

/// A cell for each rate, or for the series or ramp.
Status add_open_loops(const BenchOptions& options, const Loads& loads, const Lengths& lengths,
                      BenchPlan& plan);

/// The cell that replays a trace, which brings its own lengths.
Status add_replay(const BenchOptions& options, const Loads& loads, BenchPlan& plan);

}  // namespace tacho
