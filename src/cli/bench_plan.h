// From options to cells: which loads are run, in which order, with how many requests. Pure, so that
// the command lines of other tools can be held by tests.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "cli/bench_options.h"
#include "load/rules.h"
#include "record/manifest.h"
#include "workload/arrivals.h"

namespace tacho {

/// Where the prompts come from.
struct PromptSource {
  std::string dataset_path;  ///< Empty: the built-in conversations.
  std::string dataset_type;
  std::uint32_t input_tokens_max = 0;  ///< Longer prompts are left out; 0: none.
  std::uint32_t total_tokens_max = 0;  ///< Of prompt and answer; 0: no limit.
  std::uint32_t batch_size = 1;
};

/// One cell, with what the manifest does not keep.
struct PlannedCell {
  Cell cell;
  Arrivals arrivals;  ///< Of an open loop.
  double duration_s = 0.0;
  bool repeats = false;  ///< Goes on to the duration, beginning again at the list's end.
};

/// Everything that follows from the options alone.
struct BenchPlan {
  std::string endpoint;  ///< chat, completions or embeddings.
  PromptSource source;
  std::vector<PlannedCell> cells;
  Timeouts timeouts;
  std::vector<Slo> slos;
  std::vector<CellSlo> cell_slos;
  double error_budget = 0.0;  ///< Share of requests that may fail; 0: none was set.
  std::vector<std::string> notes;  ///< For the user: what was assumed.
};

/// Plans; the error is about options that do not go together.
Result<BenchPlan> plan_bench(const BenchOptions& options);

/// The plan as text, for --dry-run.
std::string plan_text(const BenchPlan& plan);

}  // namespace tacho
