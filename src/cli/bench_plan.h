// From options to cells: which loads are run, in which order, with how many requests. Pure, so that
// the command lines of other tools can be held by tests.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "cli/bench_options.h"
#include "cli/plan_rules.h"
#include "record/manifest.h"
#include "workload/arrivals.h"
#include "workload/think_time.h"
#include "workload/trace.h"

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
  Arrivals arrivals;              ///< Of an open loop without a trace.
  std::vector<TraceEntry> trace;  ///< Of a replay; its requests, with their due times.
  double stream_gap_s = 0.0;      ///< Closed loop: from the begin of a stream to the next one's.
  bool has_users = false;         ///< Its streams are users, who think.
  ThinkTime think;
  double warmup_duration_s = 0.0;  ///< 0: until all have been sent.
  double duration_s = 0.0;         ///< 0: until all have been sent.
  /// Its requests are those that are due in its time: they are sent, however late that is.
  bool ends_by_due = false;
  bool repeats = false;  ///< Goes on to the duration, beginning again at the list's end.
};

/// Everything that follows from the options alone.
struct BenchPlan {
  std::string endpoint;  ///< chat, completions or embeddings.
  PromptSource source;
  std::vector<PlannedCell> cells;
  PlannedRules rules;
  std::vector<Slo> slos;
  std::vector<CellSlo> cell_slos;
  double error_budget = 0.0;       ///< Share of requests that may fail; 0: none was set.
  std::vector<std::string> notes;  ///< For the user: what was assumed.
};

/// The seed of one cell's arrivals and think times.
inline Seed cell_seed(Seed seed, std::uint32_t cell) { return {seed.value + cell}; }

/// Plans; reads the files of a trace or a rate series. The error is about options that do not go
/// together.
Result<BenchPlan> plan_bench(const BenchOptions& options);

/// The plan as text, for --dry-run.
std::string plan_text(const BenchPlan& plan);

}  // namespace tacho
