// When the requests of an open loop are due, as the command line says it.
#pragma once

#include <cstdint>

#include "cli/bench_options.h"
#include "workload/arrivals.h"

namespace tacho {

/// The arrivals of an open loop: of this rate, per second, or of the series or ramp that was asked
/// for instead of rates.
Result<Arrivals> plan_arrivals(const BenchOptions& options, double rate);

/// The rate at which they come on average, per second, until they settle; a ramp's is its last.
double mean_rate(const Arrivals& arrivals);

/// How many requests the `index`-th open loop has: as many as were asked for, or as are due until
/// its time is up. More than `most` are one more than that.
Result<std::uint32_t> dynamic_requests(const BenchOptions& options, const Arrivals& arrivals,
                                       std::size_t index, Seed seed, std::uint32_t most);

}  // namespace tacho
