// The options of `tacho plan`, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"
#include "sim/planner.h"

namespace tacho {

/// Options of `tacho plan`, as typed.
struct CapacityFlags {
  std::string preset, model, engine = "vllm", kv_precision = "auto", prices, batching = "vllm";
  std::string trace, dataset, dataset_type, html, share_out;
  std::vector<std::string> gpus, precisions, slos;
  std::vector<std::uint32_t> tensor_parallel{1, 2, 4, 8}, max_num_seqs{256};
  std::vector<std::uint32_t> max_num_batched_tokens{2048, 8192};
  std::vector<std::uint32_t> input_tokens, output_tokens, users;
  double rate = 0.0, think_s = 0.0, speedup = 1.0, duration_s = 600.0;
  std::uint32_t gpus_max = 1024, top = 10, requests = 1000, threads = 0, seed = 0;
  std::uint32_t num_gpu_blocks = 0, max_tokens = 0, check_requests = 0;
  bool is_eager = false, has_chunked_prefill = true, is_json = false, is_quiet = false;
};

/// Their rows.
FlagTable capacity_flags(CapacityFlags& flags);

/// The flags of a command line: those of its preset, and over them what is typed.
Result<CapacityFlags> parse_capacity(const std::vector<std::string>& arguments);

/// The question that they ask; the error says what is wrong with which flag. `notes` gets what the
/// user should know: requests that were left out.
Result<PlanQuestion> read_question(const CapacityFlags& flags, std::vector<std::string>& notes);

/// The load that they ask for: of the trace, of the dataset, or of the lengths.
Result<PlanLoad> read_load(const CapacityFlags& flags, std::uint32_t context_max,
                           std::vector<std::string>& notes);

/// Why nothing can hold whatever the load: the model fits nowhere, with what is missing and what
/// would fit. Nothing when something fits.
Status check_any_fits(const PlanQuestion& question);

/// The command lines that serve one replica of a choice and put its share of the load on it, and
/// what they should measure.
struct LiveCheck {
  std::string sim, bench;  ///< Empty where no command line of bench has this load.
  std::size_t requests = 0;
  LoadFigures expected;
};

/// For the plan's first choice.
LiveCheck live_check(const CapacityFlags& flags, const PlanQuestion& question,
                     const PlanChoice& choice);

}  // namespace tacho
