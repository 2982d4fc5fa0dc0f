// Which loads a command line asks for: the concurrencies, users and rates of a run's cells.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/bench_options.h"
#include "workload/think_time.h"

namespace tacho {

/// Which loads were asked for: with none, GenAI-Perf's habit (one stream) or, given a number of
/// prompts, vLLM's (all at once).
struct Loads {
  std::vector<std::uint32_t> concurrency;
  std::vector<std::uint32_t> users;
  ThinkTime think;            ///< The users'.
  std::vector<double> rates;  ///< One that is not looked at, where a series or a ramp says it.
  std::uint32_t cap = 0;      ///< Of the open loops, in flight; 0: none.
};

/// The loads; the error is about options that do not go together.
Result<Loads> plan_loads(const BenchOptions& options);

/// How many requests a closed loop of so many streams has. Beside rates, the numbers of prompts are
/// the rates' own. `pause_s`: how long a stream waits between its requests.
std::uint32_t static_requests(const BenchOptions& options, std::uint32_t streams, double pause_s);

/// How many requests the warm-up of a cell with so many streams has.
std::uint32_t warmup_requests(const BenchOptions& options, std::uint32_t streams);

}  // namespace tacho
