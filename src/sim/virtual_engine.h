// A whole workload through the scheduler in virtual time, without loops and sockets: what a plan or
// a validation asks thousands of times. Runs of pure decode steps are folded into one; the result
// is that of single steps to the nanosecond.
#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "sim/scheduler.h"
#include "sim/step_cost.h"

namespace tacho {

/// One request of a workload, and what became of it.
struct VirtualRequest : Sequence {
  VirtualRequest() = default;
  VirtualRequest(Instant arrives, std::uint32_t input, std::uint32_t output) : arrival(arrives) {
    input_tokens = input;
    output_tokens = output;
  }
  /// Steps that follow each other and of which each gave it a token.
  struct Stretch {
    std::uint64_t first_step;
    std::uint64_t steps;
    std::uint32_t replica = 0;
  };

  Instant arrival = instant_from_ns(0);  ///< It is sent no earlier.
  Instant sent = never;                  ///< By its client; it is queued a handover later.
  Instant first_token = never;
  Instant last_token = never;
  std::vector<Stretch> stretches;  ///< Kept with VirtualOptions::keeps_tokens.
};

/// How a workload is run.
struct VirtualOptions {
  /// No more are in the engine at a time; the others wait outside, in their order.
  std::size_t concurrency = std::numeric_limits<std::size_t>::max();
  /// How long a request takes from its client to the scheduler (HTTP, tokenizer, hand-overs);
  /// empty: no time.
  std::function<Duration(const Sequence&)> handover = {};
  /// A step is planned when the one before it begins (asynchronous scheduling), so who comes
  /// meanwhile has to wait for another one.
  bool plans_ahead = false;
  bool keeps_tokens = false;  ///< Keep what the times of all tokens are made of.
  bool folds = true;          ///< False: every step by itself, for comparison.
  /// Called after the last token of a request; may set the `arrival` of those that nobody has sent.
  std::function<void(Instant now)> on_last_token = {};
  /// Called before each step that is not folded away, for tests.
  std::function<void(const Scheduler&, Instant start)> before_step = {};
};

/// What became of a workload.
struct VirtualRun {
  Instant end = instant_from_ns(0);  ///< Of the last step.
  Duration busy{0};                  ///< Time in which a step ran.
  SchedulerCounts counts;
  std::uint64_t planned = 0;       ///< Steps that were planned one by one; the others were folded.
  std::vector<Instant> step_ends;  ///< Kept with VirtualOptions::keeps_tokens.

  /// When each token of the request came; needs keeps_tokens.
  std::vector<Instant> tokens_of(const VirtualRequest& request) const;
};

/// Runs the requests, which are in the order of their arrival and all fit, to the end of the last.
VirtualRun run_virtual(const StepCost& cost, const EngineOptions& engine,
                       std::vector<VirtualRequest>& requests, const VirtualOptions& options = {});

}  // namespace tacho
