// The engine on a clock: the scheduler's steps, each as long as its work takes on the hardware that
// is simulated. It knows requests as lengths and time as its Loop's; text and HTTP are others'.
#pragma once

#include "net/loop.h"
#include "sim/scheduler.h"
#include "sim/step_time.h"

namespace tacho {

/// Hears what the engine does.
class EngineListener {
 public:
  virtual ~EngineListener() = default;
  /// A token is out; `planned` is when the step ended by its own time, which is at or before now.
  /// The last token is followed by nothing: after it the engine has forgotten the sequence.
  virtual void on_token(Sequence& sequence, Instant planned) = 0;
};

/// Lives on one loop.
class Engine {
 public:
  Engine(Loop& loop, StepTime step_time, const EngineOptions& options, EngineListener& listener);

  /// Queues a sequence, which must live until its last token or abort(). It must fit into the
  /// cache.
  void submit(Sequence& sequence);
  /// Forgets a sequence whose client went away.
  void abort(Sequence& sequence) { scheduler_.abort(sequence); }
  /// True when the sequence could ever run.
  bool fits(const Sequence& sequence) const { return scheduler_.fits(sequence); }

  std::size_t running() const { return scheduler_.running().size(); }
  std::size_t waiting() const { return scheduler_.waiting(); }
  /// In tokens, whole blocks.
  std::uint64_t kv_used() const { return kv_total() - tokens_of(scheduler_.kv().free()); }
  std::uint64_t kv_total() const { return tokens_of(scheduler_.kv().total()); }
  std::uint64_t steps() const { return scheduler_.counts().steps; }
  const SchedulerCounts& counts() const { return scheduler_.counts(); }
  const EngineOptions& options() const { return scheduler_.options(); }

 private:
  std::uint64_t tokens_of(std::uint32_t blocks) const {
    return std::uint64_t{blocks} * scheduler_.options().block_size;
  }
  void begin_step(Instant start);
  void end_step();

  Loop& loop_;
  StepTime step_time_;
  Scheduler scheduler_;
  EngineListener& listener_;
  Timer step_end_;
  bool is_ending_step_ = false;
};

}  // namespace tacho
