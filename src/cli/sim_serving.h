// The flags that say which GPU serves which model, and how: those of the built-in engine, and of a
// run that is fitted.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/flags.h"
#include "sim/step_time.h"

namespace tacho {

/// A server, as typed.
struct ServingFlags {
  std::string gpu = "h800", model = "llama-3-8b";
  std::string engine = "vllm", precision, kv_precision = "auto";
  std::uint32_t tensor_parallel = 1, expert_parallel = 1;
  bool is_eager = false;
};

/// Adds their rows to a table.
void add_serving_flags(FlagTable& table, ServingFlags& flags);

/// How the model is served; the error says what is wrong with which flag.
Result<Serving> read_serving(const ServingFlags& flags, const ModelProfile& model);

}  // namespace tacho
