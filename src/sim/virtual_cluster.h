// A whole workload through a cluster in virtual time, without loops and sockets: what a plan asks.
// Runs of pure decode steps are folded; the outcome is that of single steps to the nanosecond, and
// that of the live engine.
#pragma once

#include <vector>

#include "sim/cluster.h"
#include "sim/virtual_engine.h"

namespace tacho {

/// What became of a workload.
struct ClusterRun {
  Instant end = instant_from_ns(0);  ///< Of the last token.
  std::vector<ReplicaTotals> replicas;
  std::vector<ScaleEvent> scalings;
  /// By replica: when each step ended; kept with VirtualOptions::keeps_tokens.
  std::vector<std::vector<Instant>> step_ends;

  /// Of all replicas.
  SchedulerCounts counts() const;
  /// When each token of the request came; needs keeps_tokens.
  std::vector<Instant> tokens_of(const VirtualRequest& request) const;
};

/// Runs the requests, which are in the order of their arrival and all fit, to the end of the last.
/// Their times, and the replica that each went to, are in them afterwards.
ClusterRun run_cluster(const StepCost& cost, const ClusterOptions& cluster,
                       std::vector<VirtualRequest>& requests, const VirtualOptions& options = {});

}  // namespace tacho
