// What is refused before anything is started: options that do not go together, values that are
// none, and sizes that are slips of the hand.
#pragma once

#include <string>

#include "cli/bench_plan.h"

namespace tacho {

/// More requests than this no cell may hold.
inline constexpr std::uint32_t cell_requests_max = 1'000'000;

/// Options that need nothing else to be known as wrong.
Status check_options(const BenchOptions& options);

/// Above these bounds a slip of the hand is likelier than a plan, and no memory would hold it.
Status check_sizes(const BenchOptions& options, const BenchPlan& plan);

/// "ttft:200", and the names that other tools use for the same.
Result<Slo> parse_slo(const std::string& text);

}  // namespace tacho
