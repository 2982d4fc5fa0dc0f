// Which loads a command line asks for: the concurrencies and rates of a run's cells, how many
// requests each of them has, and the process that says when those of an open loop are due.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/bench_options.h"
#include "workload/arrivals.h"

namespace tacho {

/// Which loads were asked for: with neither, GenAI-Perf's habit (one stream) or, given a number of
/// prompts, vLLM's (all at once).
struct Loads {
  std::vector<std::uint32_t> concurrency;
  std::vector<double> rates;
  std::uint32_t cap = 0;  ///< Of the rates, in flight; 0: none.
};

/// The loads; the error is about options that do not go together.
Result<Loads> plan_loads(const BenchOptions& options);

/// The arrivals of an open loop of this rate, per second.
Result<Arrivals> plan_arrivals(const BenchOptions& options, double rate);

/// How many requests a closed loop has. Beside rates, the numbers of prompts are the rates' own.
std::uint32_t static_requests(const BenchOptions& options, std::uint32_t concurrency);

/// How many requests the `index`-th rate has.
std::uint32_t dynamic_requests(const BenchOptions& options, double rate, std::size_t index);

}  // namespace tacho
