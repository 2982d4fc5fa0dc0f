// `tacho sim validate FILE.csv`: how right the engine's model is.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"

namespace tacho {

/// Its rows, part of the help of `tacho sim`.
struct ValidateFlags {
  std::vector<std::string> gpus, models, engines;
  std::uint32_t requests_per_slot = 10;
  std::string leave_out, precision;
  std::uint32_t tensor_parallel = 1, max_num_seqs = 256, max_num_batched_tokens = 8192;
  bool as_json = false;
};

/// Runs it; the arguments after the word validate.
int run_sim_validate(const std::vector<std::string>& arguments);

}  // namespace tacho
