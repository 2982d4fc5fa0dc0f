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
  std::uint32_t multi_step = 1;   ///< Decodes that a step repeats when it does nothing else.
  std::uint32_t speculative = 0;  ///< Tokens that are drafted for each decode.
  double acceptance = 0.7;        ///< Of a drafted token, when those before it were accepted.
  std::vector<std::uint32_t> adapter_ranks = {};  ///< LoRA adapters that requests may ask for.
  std::uint32_t max_loras = 1;                    ///< Different ones in a step.
  bool prefill_only = false;                      ///< Prompts are read here and decoded elsewhere.
  std::uint64_t seed = 0;                         ///< Of the draws of acceptance.
  /// TensorRT-LLM's batch waiting: while others decode, new prompts are held back for so many
  /// steps, or until they fill this share of the budget. 0: they are not.
  std::uint32_t batch_wait_steps = 0;
  double batch_wait_share = 0.0;

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
  std::uint64_t drafts = 0;          ///< Decodes with drafted tokens.
  std::uint64_t draft_tokens = 0;
  std::uint64_t accepted_tokens = 0;
  std::uint64_t adapter_loads = 0;

  SchedulerCounts& operator+=(const SchedulerCounts& more);
};

/// One sequence's part of a step.
struct Share {
  Sequence* sequence;  ///< Null when it was aborted meanwhile.
  std::uint32_t tokens;
  std::uint32_t drafted = 0;  ///< Tokens verified beside it.
  std::uint32_t most = 1;     ///< Tokens that it emits, unless some are drafted.
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

  /// The step is over: `on_token(Sequence&)` is called for each token that a sequence emits, and
  /// may submit and abort. After its last token a sequence is forgotten; where prompts only are
  /// read, after its first, and its blocks stay until release().
  template <class OnToken>
  void finish(OnToken&& on_token) {
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      std::uint32_t left = batch_[i].sequence == nullptr ? 0 : yield_of(batch_[i]);
      for (; left > 0 && batch_[i].sequence != nullptr; --left) {
        Sequence& sequence = *batch_[i].sequence;
        sequence.following = left - 1;
        if (++sequence.emitted == sequence.output_tokens || options_.prefill_only) {
          leave(sequence);
          batch_[i].sequence = nullptr;
        }
        on_token(sequence);
      }
    }
    batch_.clear();
  }

  /// Takes back the blocks of a sequence whose prompt was read here.
  void release(Sequence& sequence);

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
  /// Leading blocks of the sequence that are in the prefix cache.
  std::uint32_t hits_of(const Sequence& sequence) const;
  const EngineOptions& options() const { return options_; }
  const SchedulerCounts& counts() const { return counts_; }

 private:
  std::uint32_t blocks_for(std::uint32_t tokens) const {
    return (tokens + options_.block_size - 1) / options_.block_size;
  }
  static bool is_decode(const Sequence& sequence) {
    return sequence.emitted > 0 && sequence.computed + 1 == sequence.tokens();
  }
  std::uint32_t yield_of(const Share& share);
  std::uint32_t draw_accepted(const Sequence& sequence, std::uint32_t drafted) const;
  void leave(Sequence& sequence);
  void enqueue(Sequence& sequence);
  bool is_before(const Sequence& a, const Sequence& b) const;
  std::uint32_t chunk_max(std::uint32_t tokens, std::uint32_t budget) const;
  void plan_mixed();
  void plan_prompts_first();
  void continue_running(std::uint32_t& budget);
  void continue_chunks(std::uint32_t& budget);
  void admit(std::uint32_t& budget);
  bool admit_at(std::size_t place, std::uint32_t& budget);
  bool has_no_slot(const Sequence& sequence) const;
  void note_adapter(const Sequence& sequence, bool begins);
  void load_adapters();
  bool holds_back();
  void sort_by_prefix();
  Sequence* pick_victim() const;
  void preempt(Sequence& victim, std::size_t& position, std::uint32_t& budget);
  /// Tokens drafted for a sequence that has so much of a budget left.
  std::uint32_t drafts_of(const Sequence& sequence, std::uint32_t budget) const;
  void schedule(Sequence& sequence, std::uint32_t tokens, std::uint32_t drafted = 0);
  void extend_to_burst();
  void add_up_work();
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
  std::uint32_t held_steps_ = 0;      ///< For which new prompts have been held back.
  std::uint32_t decode_steps_ = 0;    ///< Since SGLang's estimate of answers was last raised.
  std::size_t held_ = 0;              ///< Sequences that have left and whose blocks are here.
  std::vector<std::uint32_t> adapter_users_;  ///< Of those who run, by adapter.
  std::uint32_t adapters_used_ = 0;           ///< Adapters that anybody who runs uses.
  std::vector<std::uint32_t> resident_;       ///< Adapters on the GPU, the last used first.
};

}  // namespace tacho
