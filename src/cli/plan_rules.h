// What is done about single requests, from the options: how long each part may take.
#pragma once

#include "cli/bench_options.h"
#include "load/rules.h"

namespace tacho {

/// The limits of each request; the error is about values that are none.
Result<Timeouts> plan_timeouts(const BenchOptions& options);

}  // namespace tacho
