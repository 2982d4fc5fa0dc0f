// The engine's HTTP face where there is more than one of something: replicas, adapters, and what is
// told of them.
#include <algorithm>

#include "base/text.h"
#include "sim/answer.h"
#include "sim/server.h"
#include "sim/server_parts.h"

namespace tacho {
namespace {

Json to_json(const ScaleReading& reading) {
  if (!happened(reading.at)) return nullptr;
  return {{"at_ns", to_ns(reading.at)},
          {"waiting_per_replica", reading.waiting},
          {"kv_share", reading.kv_share}};
}

Json to_json(Instant instant) { return happened(instant) ? Json(to_ns(instant)) : Json(nullptr); }

Json to_json(const ScaleEvent& event) {
  Json json{{"replica", event.replica},
            {"change", event.is_out ? 1 : -1},
            {"decided", to_json(event.decision)}};
  if (event.is_out) {
    json["triggered"] = to_json(event.trigger);
    json["ready_ns"] = to_json(event.ready);
    json["first_request_ns"] = to_json(event.first_routed);
    json["first_token_ns"] = to_json(event.first_token);
  } else {
    json["gone_ns"] = to_json(event.gone);
  }
  return json;
}

std::string_view name_of(ReplicaState state) {
  switch (state) {
    case ReplicaState::absent:
      return "absent";
    case ReplicaState::starting:
      return "starting";
    case ReplicaState::serving:
      return "serving";
    case ReplicaState::draining:
      return "draining";
  }
  return "";
}

Json spread_of(const LogHistogram& histogram) {
  if (histogram.n() == 0) return nullptr;
  return {{"p50", histogram.percentile(50)},
          {"p90", histogram.percentile(90)},
          {"p99", histogram.percentile(99)},
          {"p99.9", histogram.percentile(99.9)},
          {"max", histogram.percentile(100)}};
}

/// Leaves what has been counted since `before`.
void subtract(SchedulerCounts& counts, const SchedulerCounts& before) {
  counts.steps -= before.steps;
  counts.preemptions -= before.preemptions;
  counts.prefix_queries -= before.prefix_queries;
  counts.prefix_hits -= before.prefix_hits;
  counts.drafts -= before.drafts;
  counts.draft_tokens -= before.draft_tokens;
  counts.accepted_tokens -= before.accepted_tokens;
}

}  // namespace

ClusterOptions SimServer::cluster_options() const {
  ClusterOptions cluster = options_.cluster;
  cluster.engine = options_.engine;
  if (cluster.engine.blocks() == 0) cluster.engine.kv_tokens = step_time_.kv_tokens();
  for (const SimOptions::Adapter& adapter : options_.adapters) {
    cluster.engine.adapter_ranks.push_back(adapter.rank);
  }
  cluster.seed = options_.seed;
  cluster.link.bytes_per_token = options_.model.kv_bytes_per_token(
      options_.serving.tensor_parallel, options_.serving.kv_element_bytes);
  return cluster;
}

std::optional<std::uint32_t> SimServer::adapter_named(std::string_view name) const {
  if (name == options_.served_model_name) return 0;
  for (std::size_t i = 0; i < options_.adapters.size(); ++i) {
    if (options_.adapters[i].name == name) return static_cast<std::uint32_t>(i + 1);
  }
  return {};
}

SimMetrics& SimServer::metrics_of(const Sequence& sequence) {
  return metrics_[sequence.replica < metrics_.size() ? sequence.replica : 0];
}

std::string SimServer::metrics_page() {
  std::vector<EngineMetrics> engines;
  const auto& replicas = engine_.cluster().replicas();
  for (std::uint32_t i = 0; i < replicas.size(); ++i) {
    EngineMetrics one{i, &metrics_[i]};
    one.state.since_start_s = to_s(loop_.now() - epoch_);
    one.state.counts = engine_.cluster().totals(i).counts;
    if (replicas[i]) {
      const Scheduler& scheduler = replicas[i]->scheduler();
      one.state.running = scheduler.running().size();
      one.state.waiting = replicas[i]->waiting();
      one.state.blocks_used = scheduler.kv().total() - scheduler.kv().free();
    } else if (one.state.counts.steps == 0) {
      continue;  // It has never been there.
    }
    if (!counts_at_reset_.empty()) subtract(one.state.counts, counts_at_reset_[i]);
    engines.push_back(one);
  }
  // Whoever is on the way to a replica waits, and whoever is answered by the clock runs.
  engines.front().state.waiting += engine_.cluster().outside();
  engines.front().state.running += metronome_running();
  return tacho::metrics_page(engines);
}

Json SimServer::replicas_truth() const {
  const Cluster& cluster = engine_.cluster();
  Json replicas = Json::array(), scalings = Json::array();
  for (std::uint32_t i = 0; i < cluster.replicas().size(); ++i) {
    const ReplicaTotals totals = cluster.totals(i);
    replicas.push_back({{"replica", i},
                        {"state", name_of(cluster.state(i))},
                        {"steps", totals.counts.steps},
                        {"busy_s", to_s(totals.busy)}});
  }
  for (const ScaleEvent& event : cluster.scalings()) scalings.push_back(to_json(event));
  return {{"router", name_of(cluster.options().router)},
          {"replicas", replicas},
          {"scalings", scalings}};
}

Json SimServer::steps_truth() const {
  const StepWrites& writes = engine_.writes();
  return {{"steps", writes.tokens.n()},
          {"tokens_a_step", spread_of(writes.tokens)},
          {"first_write_late_ms", spread_of(writes.lateness_ms)},
          {"write_spread_ms", spread_of(writes.spread_ms)}};
}

Json SimServer::models() const {
  const auto card = [&](const std::string& id, const Json& parent) {
    return Json{{"id", id},
                {"object", "model"},
                {"created", 0},
                {"owned_by", "tacho-sim"},
                {"root", options_.model.id},
                {"parent", parent},
                {"max_model_len", options_.context_max}};
  };
  Json cards = Json::array({card(options_.served_model_name, nullptr)});
  for (const SimOptions::Adapter& adapter : options_.adapters) {
    cards.push_back(card(adapter.name, options_.served_model_name));
  }
  return {{"object", "list"}, {"data", cards}};
}

}  // namespace tacho
