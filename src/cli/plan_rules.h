// What is done about single requests, from the options: how long each part may take, who is given
// up by plan, what is tried again.
#pragma once

#include "base/json.h"
#include "cli/bench_options.h"
#include "load/precision.h"
#include "load/rules.h"
#include "load/stop.h"

namespace tacho {

/// The rules of every cell of a run.
struct PlannedRules {
  Timeouts timeouts;
  Cancelling cancelling;
  Retrying retrying;
  ErrorLimits error_limits;
  std::vector<Precision> until;
};

/// The rules; the error is about values that are none, or do not go together.
Result<PlannedRules> plan_rules(const BenchOptions& options);

/// A run that goes on until a figure is known must end where it never is: where neither a number
/// of requests nor a time was given, a time is set.
BenchOptions with_bounds(const BenchOptions& options);

/// What was asked for beyond the defaults, for run.json's configuration.
Json rules_json(const BenchOptions& options);

}  // namespace tacho
