#include "sim/virtual_cluster.h"

#include <algorithm>

namespace tacho {
namespace {

/// One run: the cluster, and who sends what when.
class ClusterDriver final : public EngineListener {
 public:
  ClusterDriver(const StepCost& cost, const ClusterOptions& cluster,
                std::vector<VirtualRequest>& requests, const VirtualOptions& options)
      : options_(options),
        requests_(requests),
        cluster_(complete(cluster, options), cost, *this, hooks()) {}

  ClusterRun to_end() {
    while (true) {
      const Instant arrival = next_arrival();
      if (cluster_.pass(arrival)) continue;
      if (arrival == Instant::max()) break;
      send(arrival);
    }
    for (std::uint32_t i = 0; i < cluster_.replicas().size(); ++i) {
      result_.replicas.push_back(cluster_.totals(i));
      result_.step_ends.push_back(cluster_.take_step_ends(i));
    }
    result_.scalings = cluster_.scalings();
    return std::move(result_);
  }

  void on_token(Sequence& sequence, Instant planned) override {
    auto& request = static_cast<VirtualRequest&>(sequence);
    if (request.emitted == 1) request.first_token = planned;
    if (options_.keeps_tokens) {
      extend(request, request.replica, cluster_.replicas()[request.replica]->steps() - 1, 1);
    }
    if (request.emitted < request.output_tokens) return;
    request.last_token = planned;
    result_.end = std::max(result_.end, planned);
    // Whoever has waited outside for this place comes at once.
    --in_flight_;
    if (options_.on_last_token) options_.on_last_token(planned);
    if (next_ < requests_.size() && requests_[next_].arrival <= planned) send(planned);
  }

 private:
  /// What is said of the way to the scheduler holds for each replica.
  static ClusterOptions complete(ClusterOptions cluster, const VirtualOptions& options) {
    cluster.plans_ahead = cluster.plans_ahead || options.plans_ahead;
    if (!cluster.handover) cluster.handover = options.handover;
    return cluster;
  }

  ClusterHooks hooks() {
    ClusterHooks hooks;
    hooks.folds = options_.folds;
    hooks.gathers = true;
    hooks.keeps_ends = options_.keeps_tokens;
    hooks.is_coupled = options_.concurrency < requests_.size() || options_.on_last_token;
    if (options_.before_step) {
      hooks.before_step = [this](std::uint32_t, const Scheduler& scheduler, Instant start) {
        options_.before_step(scheduler, start);
      };
    }
    if (options_.keeps_tokens) {
      hooks.on_folded = [](std::uint32_t replica, const Scheduler& scheduler, std::uint64_t first,
                           std::uint32_t steps) {
        for (Sequence* sequence : scheduler.running()) {
          extend(static_cast<VirtualRequest&>(*sequence), replica, first, steps);
        }
      };
    }
    return hooks;
  }

  Instant next_arrival() const {
    const bool waits_for_time = next_ < requests_.size() && in_flight_ < options_.concurrency;
    return waits_for_time ? requests_[next_].arrival : Instant::max();
  }

  void send(Instant now) {
    ++in_flight_;
    requests_[next_].sent = now;
    cluster_.submit(requests_[next_++], now);
  }

  static void extend(VirtualRequest& request, std::uint32_t replica, std::uint64_t first,
                     std::uint64_t steps) {
    auto& all = request.stretches;
    if (!all.empty() && all.back().replica == replica &&
        all.back().first_step + all.back().steps == first) {
      all.back().steps += steps;
    } else {
      all.push_back({first, steps, replica});
    }
  }

  const VirtualOptions& options_;
  std::vector<VirtualRequest>& requests_;
  Cluster cluster_;
  ClusterRun result_;
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace

SchedulerCounts ClusterRun::counts() const {
  SchedulerCounts sum;
  for (const ReplicaTotals& totals : replicas) sum += totals.counts;
  return sum;
}

std::vector<Instant> ClusterRun::tokens_of(const VirtualRequest& request) const {
  std::vector<Instant> times;
  for (const auto& stretch : request.stretches) {
    const auto first =
        step_ends[stretch.replica].begin() + static_cast<std::ptrdiff_t>(stretch.first_step);
    times.insert(times.end(), first, first + static_cast<std::ptrdiff_t>(stretch.steps));
  }
  return times;
}

ClusterRun run_cluster(const StepCost& cost, const ClusterOptions& cluster,
                       std::vector<VirtualRequest>& requests, const VirtualOptions& options) {
  return ClusterDriver(cost, cluster, requests, options).to_end();
}

}  // namespace tacho
