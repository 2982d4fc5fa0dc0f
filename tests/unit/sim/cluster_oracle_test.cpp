// Clusters where a textbook has the answer: queues with several servers, speculation, transfers.
#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"
#include "sim/virtual_cluster.h"

namespace tacho {
namespace {

// Each replica serves one request at a time, in one step whose time is in its prompt's length: a
// hundred thousand tokens for the mean of one tenth of a second.
constexpr double mean_tokens = 100'000.0;
constexpr double mean_s = 0.1;
constexpr std::uint32_t servers = 4;

Duration by_length(const StepWork& work) { return std::chrono::microseconds(work.prefill_tokens); }

struct Estimate {
  double mean = 0.0;
  double error = 0.0;  ///< Standard error by the means of batches: neighbours are alike.
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

/// Waits of Poisson arrivals at exponential servers, as multiples of the mean service time.
Estimate wait(RouterPolicy router, double load) {
  Random random(Seed{21}, "queue");
  ClusterOptions cluster;
  cluster.router = router;
  cluster.replicas = servers;
  cluster.engine.max_num_seqs = 1;
  cluster.engine.max_num_batched_tokens = 1'000'000'000;
  cluster.engine.kv_tokens = 10'000'000'000;
  cluster.engine.prefix_caching = false;
  std::vector<VirtualRequest> requests;
  double at_s = 0.0;
  for (std::size_t i = 0; i < 205'000; ++i) {
    requests.emplace_back(
        instant_from_ns(0) + from_s(at_s),
        static_cast<std::uint32_t>(std::max(1.0, std::round(mean_tokens * random.exponential()))),
        1);
    at_s += random.exponential() * mean_s / load / servers;
  }
  run_cluster(by_length, cluster, requests);
  std::vector<double> waits;
  for (const VirtualRequest& r : requests) waits.push_back(to_s(r.scheduled - r.arrival) / mean_s);
  return estimate(waits);
}

/// Erlang's C formula: the mean wait of M/M/c in service times.
double erlang_wait(double load) {
  const double a = load * servers;
  double term = 1.0, sum = 1.0;  // a^k / k!
  for (std::uint32_t k = 1; k < servers; ++k) {
    term *= a / k;
    sum += term;
  }
  const double last = term * a / servers / (1.0 - load);
  return last / (sum + last) / (servers * (1.0 - load));
}

/// Each server of a round robin gets every c-th arrival: E_c/M/1, whose wait is s / (1 - s) with
/// the root s of s = A(1 - s), A the transform of the gaps (Kleinrock 1975, 6.4).
double round_robin_wait(double load) {
  double s = 0.5;
  for (int i = 0; i < 1000; ++i) s = std::pow(servers * load / (servers * load + 1.0 - s), servers);
  return s / (1.0 - s);
}

TEST_CASE("M/M/c: one joined queue waits as Erlang says, a round robin as c queues E_c/M/1 do") {
  for (const double load : {0.5, 0.8}) {
    CAPTURE(load);
    const Estimate joined = wait(RouterPolicy::joined_queue, load);
    CHECK(std::abs(joined.mean - erlang_wait(load)) < 3.0 * joined.error);
    CHECK(joined.error < 0.1 * joined.mean);
    const Estimate turns = wait(RouterPolicy::round_robin, load);
    CHECK(std::abs(turns.mean - round_robin_wait(load)) < 3.0 * turns.error);
    CHECK(turns.error < 0.1 * turns.mean);
    const Estimate any = wait(RouterPolicy::random, load);
    CHECK(std::abs(any.mean - load / (1.0 - load)) < 3.0 * any.error);
  }
}

TEST_CASE(
    "who knows the loads waits less: joined, least loaded, two choices, round robin, random") {
  const auto mean = [](RouterPolicy router) { return wait(router, 0.8).mean; };
  const double joined = mean(RouterPolicy::joined_queue), least = mean(RouterPolicy::least_loaded);
  const double two = mean(RouterPolicy::power_of_two), turns = mean(RouterPolicy::round_robin);
  const double any = mean(RouterPolicy::random);
  CHECK(joined < least);
  CHECK(1.3 * least < turns);
  CHECK(least < two);
  CHECK(two < any);
  CHECK(1.3 * turns < any);
}

TEST_CASE("speculation: a decode yields (1 - a^(K+1)) / (1 - a) tokens on average") {
  for (const double a : {0.0, 0.3, 0.7, 0.95, 1.0}) {
    for (const std::uint32_t k : {1u, 3u, 6u}) {
      CAPTURE(a);
      CAPTURE(k);
      ClusterOptions cluster;
      cluster.engine.kv_tokens = 10'000'000;
      cluster.engine.speculative = k;
      cluster.engine.acceptance = a;
      std::vector<VirtualRequest> requests(20, VirtualRequest(instant_from_ns(0), 10, 5000));
      const auto run =
          run_cluster([](const StepWork&) { return Duration(1000); }, cluster, requests);
      const SchedulerCounts counts = run.counts();
      const double expected = a < 1.0 ? (1.0 - std::pow(a, k + 1.0)) / (1.0 - a) : k + 1.0;
      const double drafts = static_cast<double>(counts.drafts);
      // The ends of answers are shorter, and their number is small. The spread of a decode is at
      // most that of a uniform number from 0 to K.
      CHECK(1.0 + static_cast<double>(counts.accepted_tokens) / drafts ==
            doctest::Approx(expected).epsilon(0.002 + 3.0 * k / std::sqrt(12.0 * drafts)));
    }
  }
}

TEST_CASE("tokens of one step come at one instant, and an answer's pieces depend on nothing else") {
  ClusterOptions cluster;
  cluster.engine.kv_tokens = 1'000'000;
  cluster.engine.speculative = 4;
  std::vector<VirtualRequest> alone(1, VirtualRequest(instant_from_ns(0), 10, 100));
  auto crowd = alone;
  for (int i = 1; i < 20; ++i) crowd.emplace_back(instant_from_ns(i * 777), 10 + i, 50 + i);
  const VirtualOptions keeps{.keeps_tokens = true};
  const auto pieces = [&](std::vector<VirtualRequest>& requests) {
    const auto run = run_cluster([](const StepWork& work) { return Duration(work.decode_context); },
                                 cluster, requests, keeps);
    std::vector<int> sizes;
    Instant last = never;
    for (const Instant at : run.tokens_of(requests.front())) {
      if (at != last) sizes.push_back(0);
      ++sizes.back();
      last = at;
    }
    return sizes;
  };
  const std::vector<int> sizes = pieces(alone);
  CHECK(sizes == pieces(crowd));
  CHECK(*std::max_element(sizes.begin(), sizes.end()) == 5);
  CHECK(sizes.front() == 1);
}

TEST_CASE("multi-step: decodes come in bursts, and who arrives in one waits for its end") {
  ClusterOptions cluster;
  cluster.engine.kv_tokens = 1'000'000;
  cluster.engine.multi_step = 4;
  std::vector<VirtualRequest> requests;
  requests.emplace_back(instant_from_ns(0), 10, 11);
  requests.emplace_back(instant_from_ns(150), 10, 1);
  const auto run = run_cluster([](const StepWork& work) { return Duration(100 * work.iterations); },
                               cluster, requests, {.keeps_tokens = true});
  std::vector<std::int64_t> times;
  for (const Instant at : run.tokens_of(requests[0])) times.push_back(to_ns(at));
  // A prompt, a burst, a step with the other prompt, a burst, and what is left.
  CHECK(times ==
        std::vector<std::int64_t>{100, 500, 500, 500, 500, 600, 1000, 1000, 1000, 1000, 1100});
  CHECK(to_ns(requests[1].first_token) == 600);
}

TEST_CASE("disaggregation: the first token is the prefill's, the second one a transfer later") {
  ClusterOptions cluster;
  cluster.replicas = 2;
  cluster.prefill_replicas = 1;
  cluster.engine.kv_tokens = 1'000'000;
  cluster.link = {Duration(50'000), 1e9, 1000.0};  // A microsecond a token.
  std::vector<VirtualRequest> requests;
  requests.emplace_back(instant_from_ns(0), 200, 3);
  requests.emplace_back(instant_from_ns(0), 100, 3);
  const auto run = run_cluster(
      [](const StepWork& work) {
        return work.prefill_tokens > 0 ? Duration(1'000'000) : Duration(10'000);
      },
      cluster, requests, {.keeps_tokens = true});
  const auto times = [&](std::size_t i) {
    std::vector<std::int64_t> all;
    for (const Instant at : run.tokens_of(requests[i])) all.push_back(to_ns(at));
    return all;
  };
  // 50 + 200 µs for the first, and after it 50 + 100 µs over the same link for the second.
  CHECK(times(0) == std::vector<std::int64_t>{1'000'000, 1'260'000, 1'270'000});
  CHECK(times(1) == std::vector<std::int64_t>{1'000'000, 1'410'000, 1'420'000});
  CHECK(requests[0].prefill_replica == 0);
  CHECK(requests[0].replica == 1);
}

TEST_CASE("an answer of one token needs no other replica") {
  ClusterOptions cluster;
  cluster.replicas = 3;
  cluster.prefill_replicas = 2;
  cluster.engine.kv_tokens = 1000;
  std::vector<VirtualRequest> requests(5, VirtualRequest(instant_from_ns(0), 30, 1));
  const auto run = run_cluster([](const StepWork&) { return Duration(10); }, cluster, requests);
  for (const VirtualRequest& r : requests) CHECK(r.prefill_replica == no_replica);
  CHECK(run.replicas[2].counts.steps == 0);
}

TEST_CASE("autoscaling: a queue brings one more, which serves its start time after the decision") {
  using namespace std::chrono_literals;
  ClusterOptions cluster;
  cluster.autoscale.least = 1;
  cluster.autoscale.most = 3;
  cluster.router = RouterPolicy::least_loaded;
  cluster.engine.kv_tokens = 1'000'000;
  cluster.engine.max_num_seqs = 1;
  // One request takes 1 s; two come in each second for two minutes, and then a few rare ones.
  std::vector<VirtualRequest> requests;
  for (int i = 0; i < 240; ++i) requests.emplace_back(instant_from_ns(0) + 500ms * i, 10, 10);
  for (int i = 0; i < 20; ++i) requests.emplace_back(instant_from_ns(0) + 400s + 20s * i, 10, 10);
  const auto run = run_cluster([](const StepWork&) { return Duration(100ms); }, cluster, requests);
  REQUIRE(run.scalings.size() >= 2);
  const ScaleEvent& first = run.scalings.front();
  CHECK(first.is_out);
  CHECK(first.replica == 1);
  CHECK(first.trigger.waiting > 1.0);
  // The queue grows by one a second: above one after two, and the mean of ten seconds after it.
  CHECK(first.trigger.at <= instant_from_ns(0) + 4s);
  CHECK(first.decision.at >= first.trigger.at);
  CHECK(first.ready == first.decision.at + 40s);
  CHECK(first.first_routed >= first.ready);
  CHECK(first.first_token > first.first_routed);
  CHECK(first.first_token < first.ready + 3s);
  const ScaleEvent& last = run.scalings.back();
  CHECK_FALSE(last.is_out);
  CHECK(happened(last.gone));
  for (const VirtualRequest& r : requests) CHECK(r.emitted == 10);
}

TEST_CASE("prefix affinity finds the cache that knows a prompt; a round robin does so by chance") {
  std::vector<std::vector<std::uint64_t>> hashes;
  for (std::uint64_t family = 0; family < 16; ++family) {
    hashes.emplace_back();
    for (std::uint64_t block = 0; block < 60; ++block)
      hashes.back().push_back(family << 32 | block);
  }
  const auto hit_share = [&](RouterPolicy router) {
    ClusterOptions cluster;
    cluster.replicas = 4;
    cluster.router = router;
    cluster.engine.num_gpu_blocks = 60 * 6;  // A quarter of the families, and some room.
    Random random(Seed{3}, "families");
    std::vector<VirtualRequest> requests;
    for (int i = 0; i < 2000; ++i) {
      requests.emplace_back(instant_from_ns(0) + std::chrono::microseconds(100 * i), 970, 2);
      requests.back().block_hashes = hashes[random.below(hashes.size())];
    }
    const auto run =
        run_cluster([](const StepWork&) { return Duration(20'000); }, cluster, requests);
    const SchedulerCounts counts = run.counts();
    return static_cast<double>(counts.prefix_hits) / static_cast<double>(counts.prefix_queries);
  };
  const double affine = hit_share(RouterPolicy::prefix_affinity);
  const double turns = hit_share(RouterPolicy::round_robin);
  CHECK(affine > 0.9);
  CHECK(turns < 0.6);
}

TEST_CASE(
    "LoRA: another adapter waits for a slot and is overtaken, the model itself is not held up") {
  ClusterOptions cluster;
  cluster.engine.kv_tokens = 100'000;
  cluster.engine.adapter_ranks = {8, 16};
  std::vector<VirtualRequest> requests;
  for (int i = 0; i < 4; ++i) requests.emplace_back(instant_from_ns(i), 10, 5);
  requests[0].adapter = 1;
  requests[1].adapter = 2;
  requests[2].adapter = 1;
  std::uint32_t loads = 0, most = 0;
  const auto cost = [&](const StepWork& work) {
    loads += work.adapter_loads;
    most = std::max(most, work.adapters);
    return Duration(100);
  };
  const auto run = run_cluster(cost, cluster, requests);
  CHECK(to_ns(requests[2].scheduled) == 100);
  CHECK(to_ns(requests[3].scheduled) == 100);
  CHECK(requests[1].scheduled == std::max(requests[0].last_token, requests[2].last_token));
  CHECK(most == 1);
  CHECK(loads == 2);
  CHECK(run.counts().adapter_loads == 2);
  cluster.engine.max_loras = 2;
  for (VirtualRequest& r : requests) {
    const std::uint32_t adapter = r.adapter;
    r = VirtualRequest(r.arrival, 10, 5);
    r.adapter = adapter;
  }
  run_cluster(cost, cluster, requests);
  CHECK(to_ns(requests[1].scheduled) == 100);
  CHECK(most == 2);
}

}  // namespace
}  // namespace tacho
