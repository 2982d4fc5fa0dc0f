#include "sim/virtual_engine.h"

#include "sim/virtual_cluster.h"

namespace tacho {

std::vector<Instant> VirtualRun::tokens_of(const VirtualRequest& request) const {
  std::vector<Instant> times;
  for (const auto& stretch : request.stretches) {
    const auto first = step_ends.begin() + static_cast<std::ptrdiff_t>(stretch.first_step);
    times.insert(times.end(), first, first + static_cast<std::ptrdiff_t>(stretch.steps));
  }
  return times;
}

VirtualRun run_virtual(const StepCost& cost, const EngineOptions& engine,
                       std::vector<VirtualRequest>& requests, const VirtualOptions& options) {
  ClusterOptions one;
  one.engine = engine;
  ClusterRun run = run_cluster(cost, one, requests, options);
  const ReplicaTotals& totals = run.replicas.front();
  return {run.end, totals.busy, totals.counts, totals.planned, std::move(run.step_ends.front())};
}

}  // namespace tacho
