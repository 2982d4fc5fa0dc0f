// The engine on a clock: the steps of one replica or of many, each as long as its work takes on the
// hardware that is simulated. It knows requests as lengths and time as its Loop's; text and HTTP
// are others'.
#pragma once

#include "net/loop.h"
#include "sim/cluster.h"
#include "stats/log_histogram.h"

namespace tacho {

/// How far the engine's writing was from its plan, in ms: the uncertainty of the instrument itself.
struct StepWrites {
  LogHistogram lateness_ms;  ///< From the planned end of a step to its first token's handing over.
  LogHistogram spread_ms;    ///< From there to its last token's.
  LogHistogram tokens;       ///< Of a step.
};

/// Lives on one loop.
class Engine final : private EngineListener {
 public:
  /// One replica.
  Engine(Loop& loop, StepTime step_time, const EngineOptions& options, EngineListener& listener);
  Engine(Loop& loop, ClusterOptions options, StepCost cost, EngineListener& listener);

  /// Queues a sequence, which must live until its last token or abort(). It must fit into the
  /// cache.
  void submit(Sequence& sequence);
  /// Forgets a sequence whose client went away.
  void abort(Sequence& sequence);
  /// True when the sequence could ever run.
  bool fits(const Sequence& sequence) const { return cluster_.fits(sequence); }

  /// Sums over all replicas; those that are on their way to one wait.
  std::size_t running() const;
  std::size_t waiting() const;
  /// In tokens, whole blocks.
  std::uint64_t kv_used() const;
  std::uint64_t kv_total() const;
  std::uint64_t steps() const { return counts().steps; }
  SchedulerCounts counts() const;
  const EngineOptions& options() const {
    return cluster_.replicas().front()->scheduler().options();
  }
  const Cluster& cluster() const { return cluster_; }
  const StepWrites& writes() const { return writes_; }
  /// Forgets what was noted of writes.
  void clear_writes() { writes_ = {}; }

 private:
  void on_token(Sequence& sequence, Instant planned) override;
  void end_steps();
  void arm();

  Loop& loop_;
  EngineListener& listener_;
  Cluster cluster_;
  Timer timer_;
  bool is_passing_ = false;
  Instant not_before_ = never;   ///< Steps that are due wait for the next turn.
  Instant first_write_ = never;  ///< Of the step that is ending.
  std::uint64_t step_tokens_ = 0;
  StepWrites writes_;
};

}  // namespace tacho
