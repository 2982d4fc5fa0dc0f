// Writes what a run directory is rendered as: by `tacho bench` at a run's end, by `tacho report`
// any time later.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/outputs.h"
#include "workload/tokenizer.h"

namespace tacho {

/// Files beyond the run directory's own that may be asked for; empty strings mean none.
struct ExtraOutputs {
  std::string ascend_csv;  ///< Path of the CSV in the Ascend layout.
  bool writes_vllm = false;
  VllmOptions vllm;
  std::string vllm_dir;
  std::string vllm_name;
  std::string genai_perf_dir;
};

/// Reads a run, counting tokens with the run's own tokenizer where the server gave no usage.
Result<RunData> load_run(const std::string& directory);

/// What a finished run says by its exit code: 1 when every request failed, 3 when it is invalid and
/// that is to be heeded, 1 when a bound that was asked for fails, else 0.
int judged_exit_code(const RunSummary& run, bool is_strict);

/// Writes run.json (with its summary), requests.csv, summary.csv, ascend.csv, table.txt,
/// report.html and the extras; yields the paths written, for the user.
Result<std::vector<std::string>> write_outputs(RunData& data, const RunSummary& run,
                                               const ExtraOutputs& extras);

}  // namespace tacho
