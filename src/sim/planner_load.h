// One replica of the engine under a load, in virtual time: what a plan asks hundreds of times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/step_time.h"
#include "sim/virtual_engine.h"
#include "workload/arrivals.h"

namespace tacho {

/// What a bound of a plan is about.
enum class PlanMetric { ttft, tpot, e2e };

/// "ttft", ...
std::string_view to_text(PlanMetric metric);

/// At least `percent` of the requests have at most this time.
struct PlanBound {
  PlanMetric metric = PlanMetric::ttft;
  double percent = 99.0;
  double limit_ms = 0.0;
};

/// "p99 ttft".
std::string bound_name(const PlanBound& bound);

/// Lengths of one request, in tokens.
struct PlanLengths {
  std::uint32_t input = 0;
  std::uint32_t output = 0;
};

/// What all replicas together have to carry.
struct PlanLoad {
  std::vector<PlanLengths> lengths;  ///< Dealt in turn with `gaps`, else in random order.
  /// Times between a trace's arrivals, of mean 1, each before the request of the same place. Empty:
  /// a Poisson process.
  std::vector<double> gaps;
  double rate = 0.0;        ///< Requests/s; 0: users.
  std::uint32_t users = 0;  ///< Who wait for each answer, and ask again `think_s` after it.
  double think_s = 0.0;

  /// Mean lengths.
  double input_mean() const;
  double output_mean() const;
};

/// The arrivals at one of so many replicas that take the requests of a Poisson process in turn: its
/// gaps are the sums of that many exponential ones, which are gamma-distributed.
Arrivals share_of(const PlanLoad& load, std::uint32_t replicas);

/// Times of the requests of one kind, in ms.
struct PlanTimes {
  double mean = 0.0, p50 = 0.0, p90 = 0.0, p99 = 0.0;
};

/// What one replica did under its share of a load.
struct LoadFigures {
  PlanTimes ttft, tpot, e2e;
  std::vector<double> bound_ms;  ///< The percentile of each bound.
  double good_share = 0.0;       ///< Requests that keep the limits of all bounds.
  double requests_per_s = 0.0;   ///< Finished by this replica.
  double tokens_per_s = 0.0;     ///< Output of this replica.
  double mfu = 0.0, mbu = 0.0;   ///< Of the GPUs' peaks, while steps ran.
  double busy_share = 0.0;       ///< Of the time, a step ran.
  double cache_peak = 0.0;       ///< Share of the KV cache.
  std::uint32_t running_peak = 0;
  std::uint64_t preemptions = 0;
  bool is_growing = false;  ///< The queue was longer at the end than in the middle.

  /// True when all bounds hold and the queue does not grow.
  bool holds(const std::vector<PlanBound>& bounds) const;
  /// Why they do not: "p99 ttft = 1,240 ms > 1,000 ms"; empty when they hold.
  std::string failure(const std::vector<PlanBound>& bounds) const;
};

/// The engine of one replica.
struct PlanReplica {
  const GpuProfile* gpu = nullptr;
  const ModelProfile* model = nullptr;
  const Serving* serving = nullptr;
  const StepTime* time = nullptr;
  EngineOptions engine;
};

/// How a replica is run.
struct ReplicaRun {
  std::uint32_t replicas = 1;   ///< Which take the requests in turn; this is one of them.
  std::size_t requests = 1000;  ///< Of this replica, in each run; users send at least ten each.
  std::uint64_t seed = 0;
  std::uint64_t runs = 1;   ///< Of seeds that follow each other, pooled.
  double time_scale = 1.0;  ///< All times are so much longer.
  bool has_warm_up = true;  ///< The first tenth of the requests, and of users two each, only
                            ///< warm it up.
};

/// The requests of that replica in its first run: when they are sent, and how long they are.
std::vector<VirtualRequest> requests_of_share(const PlanLoad& load, const ReplicaRun& run);

/// Runs one replica with its share of the load.
LoadFigures run_replica(const PlanReplica& replica, const PlanLoad& load,
                        const std::vector<PlanBound>& bounds, const ReplicaRun& run);

/// What an idle replica does: the bounds' percentiles over the lengths of the load, in ms.
std::vector<double> idle_times(const PlanReplica& replica, const PlanLoad& load,
                               const std::vector<PlanBound>& bounds, double time_scale = 1.0);

/// More requests/s than one replica can carry, whatever the bounds on waiting.
double rate_bound(const PlanReplica& replica, const PlanLoad& load,
                  const std::vector<PlanBound>& bounds);

}  // namespace tacho
