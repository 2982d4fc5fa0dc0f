// Who is in the next step: the rules of vLLM's V1 scheduler, with SGLang's and the first vLLM's as
// options. It knows no clock and no loop: it is asked for the next step and told that the step is
// over, so the same rules run live and in virtual time. docs/scheduler.md has the rules in words.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "sim/kv_pool.h"
#include "sim/sequence.h"
#include "sim/step_time.h"

namespace tacho {

/// How a step is put together.
enum class BatchPolicy {
  vllm,           ///< Decodes first, prompts in chunks beside them.
  sglang,         ///< Prompts in chunks before any decode, the longest cached prefix first.
  prefill_first,  ///< Whole prompts before any decode, as vLLM did up to 0.5.
};

/// The policy as it is typed: vllm, sglang, prefill-first.
std::string_view name_of(BatchPolicy policy);

/// The scheduler's limits, by vLLM's names.
struct EngineOptions {
  std::uint32_t max_num_seqs = 256;
  std::uint32_t max_num_batched_tokens = 8192;
  std::uint64_t kv_tokens = 0;       ///< Size of the cache, rounded down to blocks.
  std::uint32_t num_gpu_blocks = 0;  ///< Its size in blocks instead; 0: by kv_tokens.
  std::uint32_t block_size = 16;     ///< Tokens in a block.
  BatchPolicy policy = BatchPolicy::vllm;
  bool by_priority = false;  ///< Else first come, first served.
  bool chunked_prefill = true;
  bool prefix_caching = true;
  std::uint32_t long_prefill_token_threshold = 0;  ///< The largest chunk; 0: the budget.

  /// Blocks in the cache.
  std::uint32_t blocks() const {
    return num_gpu_blocks > 0 ? num_gpu_blocks : static_cast<std::uint32_t>(kv_tokens / block_size);
  }
};

/// What a scheduler has done since it began.
struct SchedulerCounts {
  std::uint64_t steps = 0;
  std::uint64_t preemptions = 0;
  std::uint64_t prefix_queries = 0;  ///< Prompt tokens looked up in the prefix cache.
  std::uint64_t prefix_hits = 0;     ///< Of them, those that were there.
};

/// One sequence's part of a step.
struct Share {
  Sequence* sequence;  ///< Null when it was aborted meanwhile.
  std::uint32_t tokens;
};

/// The rules. A step is planned, and then finished before the next is planned.
class Scheduler {
 public:
  explicit Scheduler(const EngineOptions& options);

  /// True when the sequence could ever run.
  bool fits(const Sequence& sequence) const;
  /// Queues a sequence, which must fit and must live until its last token or abort().
  void submit(Sequence& sequence, Instant now);
  /// Forgets a sequence.
  void abort(Sequence& sequence);

  /// Plans the step that begins at `start`; its work, or null when there is nothing to do.
  const StepWork* plan(Instant start);

  /// The step is over: `on_token(Sequence&)` is called for each sequence that emits one, and may
  /// submit and abort. After its last token a sequence is forgotten.
  template <class OnToken>
  void finish(OnToken&& on_token) {
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      if (batch_[i].sequence == nullptr || !emits(batch_[i])) continue;
      Sequence& sequence = *batch_[i].sequence;
      if (++sequence.emitted == sequence.output_tokens) {
        leave(sequence);
        batch_[i].sequence = nullptr;
      }
      on_token(sequence);
    }
    batch_.clear();
  }

  /// How many more steps after the one that is planned are sure to be the same sequences decoding
  /// one token each, if nobody is submitted or aborted.
  std::uint32_t repeats() const;
  /// Finishes so many steps, at most repeats(), and leaves the one after them planned. Their tokens
  /// are counted, but nobody is told.
  void skip(std::uint32_t steps);

  const std::vector<Share>& batch() const { return batch_; }
  const std::vector<Sequence*>& running() const { return running_; }
  std::size_t waiting() const { return waiting_.size(); }
  const KvPool& kv() const { return pool_; }
  const EngineOptions& options() const { return options_; }
  const SchedulerCounts& counts() const { return counts_; }

 private:
  std::uint32_t blocks_for(std::uint32_t tokens) const {
    return (tokens + options_.block_size - 1) / options_.block_size;
  }
  static bool is_decode(const Sequence& sequence) {
    return sequence.emitted > 0 && sequence.computed + 1 == sequence.tokens();
  }
  bool emits(const Share& share);
  void leave(Sequence& sequence);
  void enqueue(Sequence& sequence);
  bool is_before(const Sequence& a, const Sequence& b) const;
  std::uint32_t chunk_max(std::uint32_t tokens, std::uint32_t budget) const;
  void plan_mixed();
  void plan_prompts_first();
  void continue_running(std::uint32_t& budget);
  void continue_chunks(std::uint32_t& budget);
  void admit(std::uint32_t& budget);
  bool admit_first(std::uint32_t& budget);
  void sort_by_prefix();
  Sequence* pick_victim() const;
  void preempt(Sequence& victim, std::size_t& position, std::uint32_t& budget);
  void schedule(Sequence& sequence, std::uint32_t tokens);
  void add_up_work();
  std::uint32_t hits_of(const Sequence& sequence) const;
  static double tokens_to_come(const Sequence& sequence);
  double reserved_tokens() const;

  EngineOptions options_;
  KvPool pool_;
  std::deque<Sequence*> waiting_;
  std::vector<Sequence*> running_;
  std::vector<Share> batch_;
  StepWork work_;
  SchedulerCounts counts_;
  Instant start_ = never;
  std::uint64_t submitted_ = 0;
  bool has_preempted_ = false;        ///< In the step that is being planned.
  bool is_admission_closed_ = false;  ///< Whoever waits stays out while the batch is what it is.
  std::uint32_t decode_steps_ = 0;    ///< Since SGLang's estimate of answers was last raised.
};

}  // namespace tacho
