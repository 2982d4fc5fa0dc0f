// Random clusters and workloads for them: every policy, caches that are often too small, prompts
// that share beginnings, adapters, drafts, bursts, autoscaling.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/text.h"
#include "sim/virtual_cluster.h"

namespace tacho {

/// A cluster and what it gets to do.
struct ClusterWorld {
  ClusterOptions cluster;
  std::vector<std::vector<std::uint64_t>> hashes;
  std::vector<VirtualRequest> requests;
  std::size_t concurrency = 0;
};

inline std::uint32_t between(Random& random, std::uint32_t least, std::uint32_t most) {
  return least + static_cast<std::uint32_t>(random.below(most - least + 1));
}

/// Some duration that every field of the work has a part in, and that is no round number.
inline Duration odd_cost(const StepWork& work) {
  return Duration(static_cast<std::int64_t>(
      20'011.7 + 1'003.3 * work.decode_sequences + 0.37 * static_cast<double>(work.decode_context) +
      std::sqrt(1.0 + work.prefill_pairs) + 207.9 * work.prefill_tokens +
      311.1 * work.prefill_chunks + 97.0 * work.finishing_chunks + 31.3 * work.draft_tokens +
      5'003.1 * work.iterations + 701.0 * work.adapters + 13.0 * work.adapter_ranks +
      9'001.0 * work.adapter_loads + 3.0 * work.adapter_tokens));
}

inline EngineOptions draw_engine(Random& random) {
  EngineOptions engine;
  engine.num_gpu_blocks = between(random, 8, 120);
  engine.block_size = random.below(3) == 0 ? between(random, 1, 20) : 16;
  engine.max_num_seqs = between(random, 1, 12);
  engine.max_num_batched_tokens = between(random, 8, 300);
  engine.policy = static_cast<BatchPolicy>(random.below(3));
  engine.by_priority = random.below(3) == 0;
  engine.chunked_prefill = random.below(4) != 0;
  engine.prefix_caching = random.below(2) == 0;
  if (random.below(4) == 0) engine.long_prefill_token_threshold = between(random, 4, 64);
  if (random.below(4) == 0) engine.multi_step = between(random, 2, 9);
  if (random.below(4) == 0 && engine.multi_step == 1) {
    engine.speculative = between(random, 1, 5);
    engine.acceptance = random.uniform();
  }
  if (random.below(3) == 0) {
    engine.adapter_ranks = {8, 16, 64};
    engine.max_loras = between(random, 1, 3);
  }
  return engine;
}

inline ClusterOptions draw_cluster(Random& random) {
  ClusterOptions cluster;
  cluster.engine = draw_engine(random);
  cluster.router = static_cast<RouterPolicy>(random.below(6));
  cluster.replicas = between(random, 1, 6);
  cluster.seed = Seed{random.bits()};
  cluster.plans_ahead = random.below(4) == 0;
  if (random.below(4) == 0) cluster.stagger = Duration(between(random, 1, 200'000));
  if (random.below(4) == 0) {
    cluster.handover = [](const Sequence& s) { return Duration(1'000 + 300 * s.input_tokens); };
  }
  if (random.below(3) == 0) {
    cluster.autoscale.least = between(random, 1, 2);
    cluster.autoscale.most = cluster.autoscale.least + between(random, 0, 4);
    cluster.autoscale.start_time = Duration(between(random, 0, 3'000'000));
    cluster.autoscale.interval = Duration(between(random, 10'000, 200'000));
    cluster.autoscale.window = 3 * cluster.autoscale.interval;
    cluster.autoscale.idle_window = 4 * cluster.autoscale.interval;
    cluster.autoscale.waiting = 2.0 * random.uniform();
  } else if (cluster.replicas > 1 && random.below(3) == 0) {
    cluster.prefill_replicas = between(random, 1, cluster.replicas - 1);
    cluster.link = {Duration(between(random, 0, 100'000)), 1e9, 100.0};
  }
  return cluster;
}

inline ClusterWorld draw_cluster_world(std::uint64_t seed) {
  Random random(Seed{seed}, "cluster");
  ClusterWorld world;
  world.cluster = draw_cluster(random);
  const EngineOptions& engine = world.cluster.engine;
  const Scheduler scheduler(engine);
  const std::size_t count = between(random, 1, 60);
  const double gap_ns = std::exp(std::log(1e4) + random.uniform() * std::log(1e3));
  world.concurrency = random.below(2) == 0 ? between(random, 1, 30) : count;
  double at_ns = 0.0;
  while (world.requests.size() < count) {
    VirtualRequest request(instant_from_ns(static_cast<std::int64_t>(at_ns)),
                           between(random, 1, 200), between(random, 1, 90));
    request.priority = static_cast<std::int32_t>(random.below(4));
    request.adapter = static_cast<std::uint32_t>(random.below(engine.adapter_ranks.size() + 1));
    if (!scheduler.fits(request)) request.input_tokens = request.output_tokens = 4;
    if (!scheduler.fits(request)) request.input_tokens = request.output_tokens = 1;
    world.requests.push_back(request);
    world.hashes.emplace_back();
    const std::uint64_t family = random.below(3);
    const std::uint64_t shared = random.below(8);
    for (std::uint64_t i = 0; i < (request.input_tokens + 20) / engine.block_size; ++i) {
      world.hashes.back().push_back(i < shared ? family << 20 | i : random.bits());
    }
    at_ns += 1.0 + gap_ns * random.exponential();
  }
  for (std::size_t i = 0; i < count; ++i) world.requests[i].block_hashes = world.hashes[i];
  return world;
}

/// Everything that a run says, as text.
inline std::string describe(const ClusterRun& run, const std::vector<VirtualRequest>& requests) {
  std::string out;
  for (const ReplicaTotals& r : run.replicas) {
    out += format("{} {} {} {} {} {}\n", r.busy.count(), r.counts.steps, r.counts.preemptions,
                  r.counts.prefix_hits, r.counts.accepted_tokens, r.counts.adapter_loads);
  }
  for (const ScaleEvent& e : run.scalings) {
    out += format("{} {} {} {} {} {} {} {}\n", e.is_out, e.replica, to_ns(e.trigger.at),
                  to_ns(e.decision.at), to_ns(e.ready), to_ns(e.first_routed), to_ns(e.first_token),
                  to_ns(e.gone));
  }
  for (const VirtualRequest& r : requests) {
    out += format("{} {} {} {} {} {} {} {}:", r.replica, to_ns(r.queued), to_ns(r.scheduled),
                  to_ns(r.first_token), to_ns(r.last_token), r.emitted, r.preemptions,
                  r.cached_tokens);
    for (const Instant at : run.tokens_of(r)) out += format(" {}", to_ns(at));
    out += "\n";
  }
  return out;
}

}  // namespace tacho
