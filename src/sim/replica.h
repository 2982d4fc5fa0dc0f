// One engine of a cluster: a scheduler, and when its steps end. It has no clock: whoever drives it
// says what time it is and ends its steps in the order of time, live or virtual. In virtual time
// steps that nobody has to hear of are passed over, and settled when somebody looks.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "sim/scheduler.h"
#include "sim/step_cost.h"

namespace tacho {

/// How a replica lives in time.
struct ReplicaOptions {
  std::uint32_t index = 0;
  EngineOptions engine;
  /// A step is planned when the one before it begins (asynchronous scheduling): who comes meanwhile
  /// has to wait for another one.
  bool plans_ahead = false;
  /// Who wakes up begins at the next instant that is `phase` after a multiple of this; 0: at once.
  Duration period{0};
  Duration phase{0};
  bool folds = false;                         ///< Passes over steps that nobody has to hear of.
  std::vector<Instant>* step_ends = nullptr;  ///< Where the end of each step is kept, if at all.
  /// An idle replica begins after all who come at the same instant. Where time is real nobody does.
  bool gathers = false;
  /// Called before each step that is planned, for tests.
  std::function<void(const Scheduler&, Instant start)> before_step = {};
  /// Called when steps that were passed over are settled: those who run got a token in each of the
  /// `steps` steps from number `first` on.
  std::function<void(const Scheduler&, std::uint64_t first, std::uint32_t steps)> on_folded = {};
};

/// Hears what a replica, an engine or a cluster does.
class EngineListener {
 public:
  virtual ~EngineListener() = default;
  /// A token is out; `planned` is when the step ended by its own time, which is at or before now.
  /// The last token is followed by nothing: after it the engine has forgotten the sequence.
  virtual void on_token(Sequence& sequence, Instant planned) = 0;
};

/// One scheduler and its steps.
class Replica {
 public:
  /// What step_end() says when no step runs.
  static constexpr Instant idle = Instant::max();

  Replica(ReplicaOptions options, const StepCost& cost, EngineListener& listener);

  /// Queues a sequence; an idle replica begins a step.
  void submit(Sequence& sequence, Instant now);
  /// Forgets a sequence.
  void abort(Sequence& sequence);
  /// Takes back the blocks of a sequence whose prompt was read here and whose answer goes on
  /// elsewhere.
  void release(Sequence& sequence, Instant now);

  /// See ReplicaOptions.
  void set_gathers(bool gathers) { options_.gathers = gathers; }

  /// When the step that runs ends.
  Instant step_end() const { return end_; }
  /// Ends that step and begins the next. Where steps repeat, it passes over as many as end before
  /// `horizon`, the next instant at which anything else may happen.
  void pass(Instant horizon);

  std::uint32_t index() const { return options_.index; }
  /// Sequences that wait or run.
  std::size_t outstanding() const {
    return inbox_.size() + scheduler_.waiting() + scheduler_.running().size();
  }
  std::size_t waiting() const { return inbox_.size() + scheduler_.waiting(); }
  /// Leading blocks of the sequence in the prefix cache.
  std::uint32_t hits_of(const Sequence& sequence);
  /// Share of the cache that is held by sequences.
  double kv_share();
  const Scheduler& scheduler() const { return scheduler_; }

  Duration busy() const { return busy_; }  ///< Time in which steps ran.
  /// Steps that have begun, and those that step_ends knew before.
  std::uint64_t steps() const { return steps_; }
  std::uint64_t planned() const { return planned_; }  ///< Of these, planned one by one.

 private:
  bool is_idle() const { return end_ == idle; }
  void wake(Instant now);
  void begin_step(Instant start);
  void run_step(Instant start);
  void fold(Instant horizon);
  void settle();
  void empty_inbox();

  ReplicaOptions options_;
  const StepCost& cost_;
  EngineListener& listener_;
  Scheduler scheduler_;
  std::vector<Sequence*> inbox_;  ///< Who came while a step ran that was planned ahead.
  StepWork work_;
  Instant end_ = idle;
  bool is_ending_ = false;
  bool is_waking_ = false;     ///< What ends at end_ is no step: the first one begins then.
  std::uint32_t repeats_ = 0;  ///< Steps that are sure to repeat the one that runs.
  std::uint32_t folded_ = 0;   ///< Steps passed over that the scheduler has not heard of.
  Duration busy_{0};
  std::uint64_t steps_ = 0;
  std::uint64_t planned_ = 0;
};

}  // namespace tacho
