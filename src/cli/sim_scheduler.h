// The flags of the built-in engine's scheduler, by vLLM's names.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/flags.h"
#include "sim/scheduler.h"

namespace tacho {

/// The scheduler's options, as typed.
struct SchedulerFlags {
  std::uint32_t max_num_seqs = 256, max_num_batched_tokens = 8192, kv_tokens = 0;
  std::uint32_t num_gpu_blocks = 0, block_size = 16, long_prefill_token_threshold = 0;
  std::string batching = "vllm", scheduling_policy = "fcfs";
  bool chunked_prefill = true, prefix_caching = true;
};

/// Adds their rows to a table.
void add_scheduler_flags(FlagTable& table, SchedulerFlags& flags);

/// The options that they ask for; the error says what is wrong with which flag.
Result<EngineOptions> read_scheduler(const SchedulerFlags& flags);

}  // namespace tacho
