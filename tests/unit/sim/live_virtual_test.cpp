// Two clocks, one engine: the same workload on a loop and in virtual time has the same schedule.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "net/world_loop.h"
#include "sim/engine.h"
#include "sim/virtual_engine.h"

namespace tacho {
namespace {

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

/// Requests that come apart from each other, from the instant `start` on.
std::vector<VirtualRequest> draw_requests(Random& random, Instant start) {
  std::vector<VirtualRequest> requests(1 + random.below(80));
  Instant at = start;
  for (VirtualRequest& request : requests) {
    request = VirtualRequest(at, 1 + static_cast<std::uint32_t>(random.below(600)),
                             1 + static_cast<std::uint32_t>(random.below(120)));
    request.priority = static_cast<std::int32_t>(random.below(3));
    at += Duration(1 + static_cast<std::int64_t>(random.exponential() * 2e7));
  }
  return requests;
}

TEST_CASE("live and virtual: each token of each request is planned for the same instant") {
  const StepTime time(*find_gpu("h800"), *find_model("llama-3-8b"), 1);
  std::uint64_t preemptions = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    Random random(Seed{seed}, "live and virtual");
    EngineOptions options;
    options.num_gpu_blocks = 60 + static_cast<std::uint32_t>(random.below(200));
    options.max_num_batched_tokens = 1000;
    options.max_num_seqs = 1 + static_cast<std::uint32_t>(random.below(32));
    options.policy = static_cast<BatchPolicy>(random.below(3));
    options.by_priority = random.below(2) == 0;

    WorldLoop loop{{}};
    auto requests = draw_requests(random, loop.now());
    auto twins = requests;
    Listener listener(requests);
    Engine engine(loop, time, options, listener);
    std::vector<std::unique_ptr<Timer>> arrivals;
    for (VirtualRequest& request : requests) {
      arrivals.push_back(std::make_unique<Timer>(loop, [&] { engine.submit(request); }));
      arrivals.back()->arm(request.arrival);
    }
    loop.run();
    const VirtualRun run = run_virtual([&](const StepWork& work) { return time.of(work); }, options,
                                       twins, {.keeps_tokens = true});
    for (std::size_t i = 0; i < twins.size(); ++i) {
      REQUIRE(listener.tokens[i] == run.tokens_of(twins[i]));
      REQUIRE(requests[i].queued == twins[i].queued);
      REQUIRE(requests[i].scheduled == twins[i].scheduled);
    }
    CHECK(engine.steps() == run.counts.steps);
    preemptions += run.counts.preemptions;
  }
  CHECK(preemptions > 20);
}

}  // namespace
}  // namespace tacho
