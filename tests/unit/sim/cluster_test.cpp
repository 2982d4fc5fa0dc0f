// Many replicas: whatever the router, the policies and the load, folded runs are single steps to
// the nanosecond, live and virtual time have one schedule, and nothing is lost on the way.
#include "sim/cluster.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "cluster_world.h"
#include "net/world_loop.h"
#include "sim/engine.h"

namespace tacho {
namespace {

std::string play(ClusterWorld world, bool folds, ClusterRun* kept = nullptr) {
  const ClusterRun run =
      run_cluster(odd_cost, world.cluster, world.requests,
                  {.concurrency = world.concurrency, .keeps_tokens = true, .folds = folds});
  if (kept != nullptr) *kept = run;
  return describe(run, world.requests);
}

TEST_CASE("folded clusters equal single steps exactly, whatever the router and the load") {
  std::uint64_t folded = 0, preemptions = 0, hits = 0, accepted = 0, loads = 0, scalings = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    ClusterRun run;
    const std::string fast = play(draw_cluster_world(seed), true, &run);
    REQUIRE(fast == play(draw_cluster_world(seed), false));
    const SchedulerCounts counts = run.counts();
    for (const ReplicaTotals& r : run.replicas) folded += r.counts.steps - r.planned;
    preemptions += counts.preemptions;
    hits += counts.prefix_hits;
    accepted += counts.accepted_tokens;
    loads += counts.adapter_loads;
    scalings += run.scalings.size();
  }
  // The seeds reach what they are to reach.
  CHECK(folded > 100'000);
  CHECK(preemptions > 1000);
  CHECK(hits > 10'000);
  CHECK(accepted > 10'000);
  CHECK(loads > 1000);
  CHECK(scalings > 100);
}

/// What is wrong with a replica between two steps, or nothing.
std::string broken_state(std::uint32_t replica, const Scheduler& scheduler,
                         const ClusterWorld& world) {
  if (const char* broken = scheduler.kv().broken()) return broken;
  const EngineOptions& engine = world.cluster.engine;
  if (scheduler.running().size() > engine.max_num_seqs) return "too many run";
  std::set<std::uint32_t> ids, adapters;
  std::uint32_t held = 0;
  for (const VirtualRequest& r : world.requests) {
    if (r.replica != replica) continue;
    held += r.kv.count;
    ids.insert(r.kv.ids.begin(), r.kv.ids.end());
    if (r.emitted > r.output_tokens) return "more tokens than were asked for";
    if (r.computed > r.tokens()) return "more is computed than there is";
    const bool runs = std::find(scheduler.running().begin(), scheduler.running().end(), &r) !=
                      scheduler.running().end();
    const bool leaves = replica < world.cluster.prefill_replicas && r.emitted == 1;
    if (!runs && !leaves && r.kv.count > 0) return "who does not run holds blocks";
    if (runs && r.adapter > 0) adapters.insert(r.adapter);
    // Blocks for drafts that were not accepted stay until there are tokens for them.
    const std::uint32_t least = (r.computed + engine.block_size - 1) / engine.block_size;
    const std::uint32_t most =
        (r.computed + engine.speculative + engine.block_size - 1) / engine.block_size;
    if (runs && (r.kv.count < least || r.kv.count > most)) return "blocks are not what it has";
  }
  if (adapters.size() > engine.max_loras) return "more adapters run than there are slots";
  const std::uint32_t used = scheduler.kv().total() - scheduler.kv().free();
  if (used != (engine.prefix_caching ? ids.size() : held)) return "blocks are lost";
  return "";
}

TEST_CASE("blocks and tokens are conserved at every step of 1,000 clusters") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    ClusterWorld world = draw_cluster_world(seed);
    struct Quiet final : EngineListener {
      void on_token(Sequence& sequence, Instant planned) override {
        auto& r = static_cast<VirtualRequest&>(sequence);
        if (r.emitted == 1) r.first_token = planned;
        REQUIRE(planned >= r.first_token);
        REQUIRE((!happened(r.last_token) || planned >= r.last_token));
        REQUIRE(r.following < r.output_tokens - r.emitted + 1);
        r.last_token = planned;
        ++tokens;
      }
      std::uint64_t tokens = 0;
    } quiet;
    ClusterHooks hooks;
    hooks.before_step = [&](std::uint32_t replica, const Scheduler& scheduler, Instant) {
      REQUIRE(broken_state(replica, scheduler, world) == "");
    };
    Cluster cluster(world.cluster, odd_cost, quiet, hooks);
    std::uint64_t expected = 0;
    for (VirtualRequest& r : world.requests) {
      while (cluster.pass(r.arrival)) {
      }
      cluster.submit(r, r.arrival);
      expected += r.output_tokens;
    }
    while (cluster.pass(Instant::max())) {
    }
    REQUIRE(quiet.tokens == expected);
    REQUIRE(cluster.outside() == 0);
    for (const VirtualRequest& r : world.requests) {
      REQUIRE(r.emitted == r.output_tokens);
      REQUIRE(r.arrival <= r.queued);
      REQUIRE(r.queued <= r.scheduled);
      REQUIRE(r.scheduled < r.first_token);
    }
    for (const auto& replica : cluster.replicas()) {
      if (!replica) continue;
      REQUIRE(replica->outstanding() == 0);
      REQUIRE(replica->scheduler().kv().free() == replica->scheduler().kv().total());
    }
  }
}

/// Keeps when each token of each request was planned.
struct Listener final : EngineListener {
  explicit Listener(std::vector<VirtualRequest>& requests)
      : first(requests.data()), tokens(requests.size()) {}
  void on_token(Sequence& sequence, Instant planned) override {
    tokens[static_cast<std::size_t>(static_cast<VirtualRequest*>(&sequence) - first)].push_back(
        planned);
  }
  VirtualRequest* first;
  std::vector<std::vector<Instant>> tokens;
};

TEST_CASE("clusters, live and virtual: each token of each request is planned for one instant") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    ClusterWorld world = draw_cluster_world(seed);
    WorldLoop loop{{}};
    for (VirtualRequest& r : world.requests) r.arrival += loop.now() - instant_from_ns(0);
    auto twins = world.requests;
    Listener listener(world.requests);
    Engine engine(loop, world.cluster, odd_cost, listener);
    std::vector<std::unique_ptr<Timer>> arrivals;
    for (VirtualRequest& request : world.requests) {
      arrivals.push_back(std::make_unique<Timer>(loop, [&] { engine.submit(request); }));
      arrivals.back()->arm(request.arrival);
    }
    loop.run();
    const ClusterRun run = run_cluster(odd_cost, world.cluster, twins, {.keeps_tokens = true});
    for (std::size_t i = 0; i < twins.size(); ++i) {
      REQUIRE(listener.tokens[i] == run.tokens_of(twins[i]));
      REQUIRE(world.requests[i].replica == twins[i].replica);
      REQUIRE(world.requests[i].queued == twins[i].queued);
      REQUIRE(world.requests[i].scheduled == twins[i].scheduled);
    }
    CHECK(engine.steps() == run.counts().steps);
    CHECK(engine.cluster().scalings().size() == run.scalings.size());
  }
}

TEST_CASE("a sequence can be aborted wherever it is, and nothing of it stays behind") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    ClusterWorld world = draw_cluster_world(seed);
    Random random(Seed{seed}, "aborts");
    WorldLoop loop{{}};
    Listener listener(world.requests);
    Engine engine(loop, world.cluster, odd_cost, listener);
    std::vector<std::unique_ptr<Timer>> timers;
    for (VirtualRequest& request : world.requests) {
      request.arrival += loop.now() - instant_from_ns(0);
      timers.push_back(std::make_unique<Timer>(loop, [&] { engine.submit(request); }));
      timers.back()->arm(request.arrival);
      if (random.below(2) == 0) continue;
      timers.push_back(std::make_unique<Timer>(loop, [&] {
        if (request.emitted < request.output_tokens) engine.abort(request);
      }));
      timers.back()->arm(request.arrival + Duration(1 + random.below(3'000'000)));
    }
    loop.run();
    CHECK(engine.running() == 0);
    CHECK(engine.waiting() == 0);
    CHECK(engine.kv_used() == 0);
  }
}

}  // namespace
}  // namespace tacho
