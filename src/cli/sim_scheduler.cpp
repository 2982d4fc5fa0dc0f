#include "cli/sim_scheduler.h"

#include "base/text.h"

namespace tacho {

void add_scheduler_flags(FlagTable& t, SchedulerFlags& f) {
  t.group("Scheduler");
  t.integer({"--max-num-seqs", "--max-running-requests"}, "N", f.max_num_seqs,
            "Sequences in a batch. [default: 256]", 1);
  t.integer({"--max-num-batched-tokens", "--chunked-prefill-size"}, "N", f.max_num_batched_tokens,
            "Tokens in a step. [default: 8192]", 1);
  t.integer({"--kv-tokens", "--max-total-tokens"}, "N", f.kv_tokens,
            "Size of the KV cache. [default: what the hardware has room for]");
  t.integer({"--num-gpu-blocks", "--num-gpu-blocks-override"}, "N", f.num_gpu_blocks,
            "Size of the KV cache in blocks instead, such as a real server's log says.");
  t.integer({"--block-size", "--page-size"}, "N", f.block_size,
            "Tokens in a block of the cache. [default: 16]", 1, 4096);
  t.text({"--batching"}, "HOW", f.batching,
         "How a step is put together. vllm: decodes, and prompts in chunks beside them. sglang: "
         "prompts in chunks before decodes, the longest cached prefix first. prefill-first: whole "
         "prompts before decodes, as vLLM did up to 0.5. [default: vllm]");
  t.text({"--scheduling-policy"}, "POLICY", f.scheduling_policy,
         "Who is first: fcfs, or priority, by the number in a request's `priority`, lower first. "
         "[default: fcfs]");
  t.integer({"--long-prefill-token-threshold"}, "N", f.long_prefill_token_threshold,
            "The most tokens of one prompt in a step. [default: the step's]");
  t.toggle({"--no-chunked-prefill", "--no-enable-chunked-prefill"}, f.chunked_prefill,
           "Read each prompt in one step.", false);
  t.toggle({"--no-prefix-caching", "--no-enable-prefix-caching", "--disable-radix-cache"},
           f.prefix_caching, "Compute every prompt from its beginning.", false);
}

Result<EngineOptions> read_scheduler(const SchedulerFlags& f) {
  EngineOptions engine;
  engine.max_num_seqs = f.max_num_seqs;
  engine.max_num_batched_tokens = f.max_num_batched_tokens;
  engine.kv_tokens = f.kv_tokens;
  engine.num_gpu_blocks = f.num_gpu_blocks;
  engine.block_size = f.block_size;
  engine.chunked_prefill = f.chunked_prefill;
  engine.prefix_caching = f.prefix_caching;
  engine.long_prefill_token_threshold = f.long_prefill_token_threshold;
  if (f.batching == "vllm") {
    engine.policy = BatchPolicy::vllm;
  } else if (f.batching == "sglang") {
    engine.policy = BatchPolicy::sglang;
  } else if (f.batching == "prefill-first") {
    engine.policy = BatchPolicy::prefill_first;
  } else {
    return input_error(format("--batching is vllm, sglang or prefill-first, not '{}'", f.batching));
  }
  if (f.scheduling_policy != "fcfs" && f.scheduling_policy != "priority") {
    return input_error(
        format("--scheduling-policy is fcfs or priority, not '{}'", f.scheduling_policy));
  }
  engine.by_priority = f.scheduling_policy == "priority";
  if (f.kv_tokens > 0 && engine.blocks() == 0) {
    return input_error(
        format("--kv-tokens {} is less than one block of {} tokens", f.kv_tokens, f.block_size));
  }
  return engine;
}

}  // namespace tacho
