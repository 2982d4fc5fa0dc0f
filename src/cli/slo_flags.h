// --slo and --error-budget: what a run is asked to show, as typed.
#pragma once

#include <string>

#include "cli/bench_plan.h"

namespace tacho {

/// "p99 ttft < 200", "p95 e2e <= 3s", "error_rate < 1%", "goodput >= 95%".
Result<CellSlo> parse_cell_slo(const std::string& text);

/// Puts --goodput, --slo and --error-budget into the plan. An --slo without a percentile, such as
/// ttft:200, is a bound on each request, as --goodput's are.
Status plan_slos(const BenchOptions& options, BenchPlan& plan);

}  // namespace tacho
