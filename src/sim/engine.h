// Continuous batching: sequences join and leave the batch at every step, prompts are read in chunks
// beside the decodes, as vLLM's V1 scheduler does. The engine knows requests as lengths and time as
// its Loop's; text and HTTP are others'.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "net/loop.h"
#include "sim/step_time.h"

namespace tacho {

/// One request inside the engine.
struct Sequence {
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;  ///< How many it will emit.
  std::uint32_t prefilled = 0;
  std::uint32_t emitted = 0;
  Instant queued = never;
  Instant scheduled = never;  ///< When its first step began.
};

/// Hears what the engine does.
class EngineListener {
 public:
  virtual ~EngineListener() = default;
  /// A token is out; `planned` is when the step ended by its own time, which is at or before now.
  /// The last token is followed by nothing: after it the engine has forgotten the sequence.
  virtual void on_token(Sequence& sequence, Instant planned) = 0;
};

/// The scheduler's limits, by vLLM's names.
struct EngineOptions {
  std::uint32_t max_num_seqs = 256;
  std::uint32_t max_num_batched_tokens = 8192;
  std::uint64_t kv_tokens = 0;
};

/// Lives on one loop.
class Engine {
 public:
  Engine(Loop& loop, StepTime step_time, EngineOptions options, EngineListener& listener);

  /// Queues a sequence, which must live until its last token or abort(). It must fit into the
  /// cache.
  void submit(Sequence& sequence);
  /// Forgets a sequence whose client went away.
  void abort(Sequence& sequence);
  /// True when the sequence could ever run.
  bool fits(const Sequence& sequence) const;

  std::size_t running() const { return running_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t kv_used() const { return kv_used_; }
  std::uint64_t kv_total() const { return options_.kv_tokens; }
  std::uint64_t steps() const { return steps_; }

 private:
  struct Share {
    Sequence* sequence;
    std::uint32_t tokens;
  };
  void begin_step(Instant start);
  void end_step();
  void admit();
  static std::uint64_t kv_need(const Sequence& sequence);

  Loop& loop_;
  StepTime step_time_;
  EngineOptions options_;
  EngineListener& listener_;
  Timer step_end_;
  std::deque<Sequence*> waiting_;
  std::vector<Sequence*> running_;
  std::vector<Share> batch_;  ///< What the current step processes; an aborted sequence is null.
  std::uint64_t kv_used_ = 0;
  std::uint64_t steps_ = 0;
  bool is_ending_step_ = false;
};

}  // namespace tacho
