// Virtual time: folded runs are single steps to the nanosecond, nothing is lost on the way, and
// where queueing theory has a formula the engine comes out there.
#include "sim/virtual_engine.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "base/random.h"
#include "base/text.h"

namespace tacho {
namespace {

/// A workload and an engine for it.
struct World {
  EngineOptions engine;
  std::vector<std::vector<std::uint64_t>> hashes;
  std::vector<VirtualRequest> requests;
  std::size_t concurrency = 0;
  Duration handover{0};
  Duration way_of(const Sequence& s) const { return handover * (1 + s.input_tokens % 3); }
  bool plans_ahead = false;
};

std::uint32_t between(Random& random, std::uint32_t least, std::uint32_t most) {
  return least + static_cast<std::uint32_t>(random.below(most - least + 1));
}

EngineOptions draw_engine(Random& random) {
  EngineOptions engine;
  engine.num_gpu_blocks = between(random, 8, 120);
  engine.block_size = random.below(3) == 0 ? between(random, 1, 20) : 16;
  engine.max_num_seqs = between(random, 1, 24);
  engine.max_num_batched_tokens = between(random, 8, 300);
  engine.policy = static_cast<BatchPolicy>(random.below(3));
  engine.by_priority = random.below(3) == 0;
  engine.chunked_prefill = random.below(4) != 0;
  engine.prefix_caching = random.below(2) == 0;
  if (random.below(4) == 0) engine.long_prefill_token_threshold = between(random, 4, 64);
  return engine;
}

/// Any policy, a cache that is often too small, prompts that share beginnings.
World draw_world(std::uint64_t seed) {
  Random random(Seed{seed}, "virtual engine");
  World world;
  world.engine = draw_engine(random);
  const Scheduler scheduler(world.engine);
  const std::size_t count = between(random, 1, 60);
  const double gap_ns = std::exp(std::log(1e4) + random.uniform() * std::log(1e4));
  world.concurrency = random.below(2) == 0 ? between(random, 1, 30) : count;
  double at_ns = 0.0;
  while (world.requests.size() < count) {
    VirtualRequest request(instant_from_ns(static_cast<std::int64_t>(at_ns)),
                           between(random, 1, 200), between(random, 1, 90));
    request.priority = static_cast<std::int32_t>(random.below(4));
    if (!scheduler.fits(request)) request.input_tokens = request.output_tokens = 4;
    if (!scheduler.fits(request)) request.input_tokens = request.output_tokens = 1;
    world.requests.push_back(request);
    world.hashes.emplace_back();
    const std::uint64_t family = random.below(3);
    const std::uint64_t shared = random.below(8);
    for (std::uint64_t i = 0; i < (request.input_tokens + 20) / world.engine.block_size; ++i) {
      world.hashes.back().push_back(i < shared ? family << 20 | i : random.bits());
    }
    at_ns += gap_ns * random.exponential();
  }
  for (std::size_t i = 0; i < count; ++i) world.requests[i].block_hashes = world.hashes[i];
  if (random.below(2) == 0) world.handover = Duration(between(random, 1, 200'000));
  world.plans_ahead = random.below(3) == 0;
  if (random.below(4) == 0) {
    world.engine.batch_wait_steps = between(random, 1, 9);
    world.engine.batch_wait_share = random.uniform();
  }
  return world;
}

/// Some duration that every field of the work has a part in, and that is no round number.
Duration odd_cost(const StepWork& work) {
  return Duration(static_cast<std::int64_t>(
      20'011.7 + 1'003.3 * work.decode_sequences + 0.37 * static_cast<double>(work.decode_context) +
      std::sqrt(1.0 + work.prefill_pairs) + 207.9 * work.prefill_tokens +
      311.1 * work.prefill_chunks + 97.0 * work.finishing_chunks));
}

/// Everything that a run says, as text.
std::string describe(const VirtualRun& run, const std::vector<VirtualRequest>& requests) {
  std::string out =
      format("{} {} {} {} {} {}\n", to_ns(run.end), run.busy.count(), run.counts.steps,
             run.counts.preemptions, run.counts.prefix_queries, run.counts.prefix_hits);
  for (const VirtualRequest& r : requests) {
    out +=
        format("{} {} {} {} {} {} {}:", to_ns(r.queued), to_ns(r.scheduled), to_ns(r.first_token),
               to_ns(r.last_token), r.emitted, r.preemptions, r.cached_tokens);
    for (const Instant at : run.tokens_of(r)) out += format(" {}", to_ns(at));
    out += "\n";
  }
  return out;
}

std::string play(World world, bool folds, VirtualRun* kept = nullptr) {
  const VirtualRun run =
      run_virtual(odd_cost, world.engine, world.requests,
                  {.concurrency = world.concurrency,
                   .handover = [&](const Sequence& s) { return world.way_of(s); },
                   .plans_ahead = world.plans_ahead,
                   .keeps_tokens = true,
                   .folds = folds});
  if (kept != nullptr) *kept = run;
  return describe(run, world.requests);
}

TEST_CASE("folded runs equal single steps exactly, whatever the policy, the cache and the load") {
  std::uint64_t folded = 0, preemptions = 0, hits = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    VirtualRun run;
    const std::string fast = play(draw_world(seed), true, &run);
    REQUIRE(fast == play(draw_world(seed), false));
    folded += run.counts.steps - run.planned;
    preemptions += run.counts.preemptions;
    hits += run.counts.prefix_hits;
  }
  // The seeds reach what they are to reach.
  CHECK(folded > 100'000);
  CHECK(preemptions > 1000);
  CHECK(hits > 10'000);
}

/// What is wrong with the scheduler between two steps, or nothing.
std::string broken_state(const Scheduler& scheduler, const World& world) {
  if (const char* broken = scheduler.kv().broken()) return broken;
  const std::uint32_t size = world.engine.block_size;
  if (scheduler.running().size() > world.engine.max_num_seqs) return "too many run";
  std::set<std::uint32_t> ids;
  std::uint32_t held = 0;
  for (const VirtualRequest& r : world.requests) {
    held += r.kv.count;
    ids.insert(r.kv.ids.begin(), r.kv.ids.end());
    if (r.emitted > r.output_tokens) return "more tokens than were asked for";
    if (r.computed > r.tokens()) return "more is computed than there is";
    const bool runs = std::find(scheduler.running().begin(), scheduler.running().end(), &r) !=
                      scheduler.running().end();
    if (!runs && r.kv.count > 0) return "who does not run holds blocks";
    if (runs && r.kv.count != (r.computed + size - 1) / size) return "blocks are not what it has";
  }
  const std::uint32_t used = scheduler.kv().total() - scheduler.kv().free();
  if (used != (world.engine.prefix_caching ? ids.size() : held)) return "blocks are lost";
  return "";
}

TEST_CASE("blocks and tokens are conserved at every step of 1,000 seeds") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    World world = draw_world(seed);
    std::uint64_t emitted_before = 0;
    VirtualOptions options{.concurrency = world.concurrency,
                           .handover = [&](const Sequence& s) { return world.way_of(s); },
                           .plans_ahead = world.plans_ahead,
                           .folds = false};
    options.before_step = [&](const Scheduler& scheduler, Instant) {
      REQUIRE(broken_state(scheduler, world) == "");
      std::uint64_t emitted = 0;
      for (const VirtualRequest& r : world.requests) emitted += r.emitted;
      REQUIRE(emitted - emitted_before <= world.engine.max_num_seqs);
      emitted_before = emitted;
    };
    // The budget holds in each step; prompts-first policies decode everybody in any case.
    const auto cost = [&](const StepWork& work) {
      const std::uint32_t tokens = work.prefill_tokens + work.decode_sequences;
      const bool is_decode = work.prefill_tokens == 0;
      if (world.engine.policy == BatchPolicy::vllm || !is_decode) {
        REQUIRE(tokens <= world.engine.max_num_batched_tokens);
      }
      REQUIRE(tokens > 0);
      return odd_cost(work);
    };
    run_virtual(cost, world.engine, world.requests, options);
    for (const VirtualRequest& r : world.requests) {
      REQUIRE(r.emitted == r.output_tokens);
      REQUIRE(r.arrival <= r.sent);
      REQUIRE(r.queued == r.sent + world.way_of(r));
      REQUIRE(r.queued <= r.scheduled);
      REQUIRE(r.scheduled < r.first_token);
      REQUIRE(r.first_token <= r.last_token);
    }
  }
}

TEST_CASE("a closed loop sends the next request when one is done, and no earlier") {
  std::vector<VirtualRequest> requests(5, VirtualRequest(instant_from_ns(0), 10, 3));
  EngineOptions engine;
  engine.kv_tokens = 10'000;
  const auto run = run_virtual([](const StepWork&) { return Duration(10); }, engine, requests,
                               {.concurrency = 2});
  CHECK(to_ns(requests[1].last_token) == 30);
  CHECK(to_ns(requests[2].queued) == 30);
  CHECK(to_ns(requests[4].scheduled) == 60);
  CHECK(to_ns(run.end) == 90);
}

TEST_CASE("a handover lies between a client's sending and the scheduler's queue") {
  std::vector<VirtualRequest> requests(3, VirtualRequest(instant_from_ns(0), 10, 3));
  requests[2].arrival = instant_from_ns(100);
  EngineOptions engine;
  engine.kv_tokens = 10'000;
  run_virtual([](const StepWork&) { return Duration(10); }, engine, requests,
              {.concurrency = 1, .handover = [](const Sequence&) { return Duration(7); }});
  CHECK(to_ns(requests[0].queued) == 7);
  CHECK(to_ns(requests[0].last_token) == 37);
  // The second is sent when the first is done; the third comes to an idle engine.
  CHECK(to_ns(requests[1].sent) == 37);
  CHECK(to_ns(requests[1].first_token) == 37 + 7 + 10);
  CHECK(to_ns(requests[2].sent) == 100);
  CHECK(to_ns(requests[2].scheduled) == 107);
}

TEST_CASE("who comes during a step is in the one after the next when steps are planned ahead") {
  const auto second = [](bool plans_ahead) {
    std::vector<VirtualRequest> requests(2, VirtualRequest(instant_from_ns(0), 10, 9));
    requests[1].arrival = instant_from_ns(25);
    EngineOptions engine;
    engine.kv_tokens = 10'000;
    run_virtual([](const StepWork&) { return Duration(10); }, engine, requests,
                {.plans_ahead = plans_ahead});
    return to_ns(requests[1].first_token);
  };
  CHECK(second(false) == 40);
  CHECK(second(true) == 50);
}

TEST_CASE("batch waiting: a prompt that comes while others decode is held back for its steps") {
  std::vector<VirtualRequest> requests(2, VirtualRequest(instant_from_ns(0), 10, 30));
  requests[1].arrival = instant_from_ns(25);
  EngineOptions engine;
  engine.kv_tokens = 10'000;
  engine.batch_wait_steps = 5;
  engine.batch_wait_share = 1.0;
  run_virtual([](const StepWork&) { return Duration(10); }, engine, requests);
  CHECK(to_ns(requests[0].first_token) == 10);  // Nobody decodes, so nobody waits.
  CHECK(to_ns(requests[1].scheduled) == 30 + 5 * 10);
}

// A server of one at a time: each request is one step, whose time is in its prompt's length, a
// hundred thousand tokens for the mean.
constexpr double mean_tokens = 100'000.0;
Duration one_microsecond_a_token(const StepWork& work) {
  return std::chrono::microseconds(work.prefill_tokens);
}

enum class Law { fixed, exponential };

/// Waits in the queue as multiples of the mean service time.
std::vector<double> waits(Law arrivals, Law services, double load, std::size_t count) {
  Random random(Seed{12}, "queue");
  const auto draw = [&](Law law) { return law == Law::fixed ? 1.0 : random.exponential(); };
  EngineOptions engine;
  engine.max_num_seqs = 1;
  engine.max_num_batched_tokens = 1'000'000'000;
  engine.kv_tokens = 10'000'000'000;
  engine.prefix_caching = false;
  std::vector<VirtualRequest> requests;
  double at_s = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    requests.emplace_back(
        instant_from_ns(0) + from_s(at_s),
        static_cast<std::uint32_t>(std::max(1.0, std::round(mean_tokens * draw(services)))), 1);
    at_s += draw(arrivals) * mean_tokens * 1e-6 / load;
  }
  run_virtual(one_microsecond_a_token, engine, requests);
  std::vector<double> result;
  for (const VirtualRequest& r : requests) {
    result.push_back(to_s(r.scheduled - r.arrival) / (mean_tokens * 1e-6));
  }
  return result;
}

struct Estimate {
  double mean = 0.0;
  double error = 0.0;  ///< Standard error by the means of batches: waits that follow each other are
                       ///< alike.
};

Estimate estimate(const std::vector<double>& values) {
  constexpr std::size_t settling = 5000, batches = 40;
  const std::size_t size = (values.size() - settling) / batches;
  std::vector<double> means(batches, 0.0);
  Estimate result;
  for (std::size_t b = 0; b < batches; ++b) {
    for (std::size_t i = 0; i < size; ++i) means[b] += values[settling + b * size + i];
    means[b] /= static_cast<double>(size);
    result.mean += means[b] / batches;
  }
  double squares = 0.0;
  for (const double mean : means) squares += (mean - result.mean) * (mean - result.mean);
  result.error = std::sqrt(squares / (batches - 1) / batches);
  return result;
}

TEST_CASE("M/M/1 and M/D/1: the mean wait is the textbook's within its confidence interval") {
  for (const double load : {0.3, 0.5, 0.7, 0.9}) {
    CAPTURE(load);
    const Estimate exponential = estimate(waits(Law::exponential, Law::exponential, load, 405'000));
    CHECK(std::abs(exponential.mean - load / (1.0 - load)) < 3.0 * exponential.error);
    CHECK(exponential.error < 0.1 * exponential.mean);
    const Estimate fixed = estimate(waits(Law::exponential, Law::fixed, load, 405'000));
    CHECK(std::abs(fixed.mean - load / (2.0 * (1.0 - load))) < 3.0 * fixed.error);
    CHECK(fixed.error < 0.1 * fixed.mean);
  }
}

TEST_CASE("M/M/1: of all requests the share that waits at all is the load") {
  const std::vector<double> all = waits(Law::exponential, Law::exponential, 0.7, 205'000);
  std::vector<double> waited;
  for (const double wait : all) waited.push_back(wait > 0.0 ? 1.0 : 0.0);
  const Estimate share = estimate(waited);
  CHECK(std::abs(share.mean - 0.7) < 3.0 * share.error);
}

TEST_CASE(
    "D/D/1: nobody waits below the capacity; above it each waits longer than the one before") {
  for (const double wait : waits(Law::fixed, Law::fixed, 0.99, 1000)) CHECK(wait == 0.0);
  const std::vector<double> over = waits(Law::fixed, Law::fixed, 1.25, 1000);
  for (std::size_t i = 0; i < over.size(); ++i) {
    CHECK(over[i] == doctest::Approx(0.2 * static_cast<double>(i)).epsilon(1e-6));
  }
}

}  // namespace
}  // namespace tacho
