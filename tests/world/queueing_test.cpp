// Queueing theory as the oracle: where a formula says how long requests wait on average, generator
// and engine together must come out there. The engine with one sequence at a time and one token an
// answer is a server of fixed service time.
//
// Seeds are fixed, so these are exact regressions; the bounds are five standard errors by batch
// means, so that another seed would pass too.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "report/summary.h"
#include "workload/arrivals.h"
#include "world.h"

namespace tacho {
namespace {

constexpr std::size_t request_count = 24'000;
constexpr std::size_t settling = 2'000;  ///< The queue begins empty; these are not counted.
constexpr std::size_t batch_count = 22;

struct Estimate {
  double mean = 0.0;
  double error = 0.0;  ///< Standard error, by the means of batches, since waits that follow each
                       ///< other are alike.
};

Estimate estimate(const std::vector<double>& values) {
  const std::size_t size = (values.size() - settling) / batch_count;
  std::vector<double> means(batch_count, 0.0);
  Estimate result;
  for (std::size_t b = 0; b < batch_count; ++b) {
    for (std::size_t i = 0; i < size; ++i) means[b] += values[settling + b * size + i];
    means[b] /= static_cast<double>(size);
    result.mean += means[b] / batch_count;
  }
  double squares = 0.0;
  for (const double mean : means) squares += (mean - result.mean) * (mean - result.mean);
  result.error = std::sqrt(squares / (batch_count - 1) / batch_count);
  return result;
}

double service_s(const Scenario& scenario, std::uint32_t input) {
  return to_s(StepTime(scenario.sim.gpu, scenario.sim.model, 1).of(StepWork{}.add_chunk(input)));
}

/// Waits in seconds: of each request, from its arrival at the engine to its first step.
std::vector<double> waits_of(const Played& played) {
  std::vector<double> waits;
  for (const Truth& truth : played.truths) waits.push_back(to_s(truth.scheduled - truth.received));
  return waits;
}

Scenario one_server(const std::vector<PromptSize>& sizes, double rate_per_s, std::uint64_t seed) {
  Scenario scenario = calm_scenario();
  scenario.sim.engine.max_num_seqs = 1;
  scenario.plan.is_closed_loop = false;
  scenario.plan.concurrency = 0;
  add_prompts(scenario, sizes);
  add_requests(scenario, 0, due_times({.rate_per_s = rate_per_s}, sizes.size(), Seed{seed}));
  return scenario;
}

TEST_CASE("M/D/1: the mean wait is that of Pollaczek and Khinchine, and Little's law holds") {
  for (const double load : {0.3, 0.6, 0.8}) {
    CAPTURE(load);
    const double service = service_s(calm_scenario(), 10);
    const double rate = load / service;
    const Scenario scenario = one_server(std::vector<PromptSize>(request_count, {10, 1}), rate, 5);
    const Played played = play(scenario);
    REQUIRE(played.truths.size() == request_count);
    const Estimate wait = estimate(waits_of(played));
    const double expected = load * service / (2.0 * (1.0 - load));
    CAPTURE(wait.mean / expected);
    CHECK(std::abs(wait.mean - expected) < 5.0 * wait.error);
    CHECK(wait.error < 0.1 * expected);

    RunData data;
    data.records = played.measured;
    data.counted.assign(data.records.size(), 0);
    data.manifest.cells.resize(1);
    const CellSummary cell = summarize(data).cells.at(0);
    // Exact on any path: both count the same area. And L = λW, with the rate that was really there.
    CHECK(cell.concurrency_mean == doctest::Approx(cell.concurrency_little).epsilon(1e-9));
    CHECK(cell.concurrency_little ==
          doctest::Approx(cell.request_throughput_per_s * cell.of(Metric::e2e).mean / 1e3)
              .epsilon(1e-9));
  }
}

TEST_CASE("M/G/1 with short and long prompts: the mean wait follows the second moment") {
  const double shorter = service_s(calm_scenario(), 10);
  const double longer = service_s(calm_scenario(), 2000);
  REQUIRE(longer > 2.0 * shorter);
  Random random(Seed{9}, "prompt lengths");
  std::vector<PromptSize> sizes(request_count);
  for (PromptSize& size : sizes) size = {random.uniform() < 0.25 ? 2000u : 10u, 1};
  const double mean = 0.75 * shorter + 0.25 * longer;
  const double second = 0.75 * shorter * shorter + 0.25 * longer * longer;
  const double load = 0.6;
  Scenario scenario = calm_scenario();
  const Played played = play(one_server(sizes, load / mean, 6));
  REQUIRE(played.truths.size() == request_count);
  const Estimate wait = estimate(waits_of(played));
  const double expected = load / mean * second / (2.0 * (1.0 - load));
  CAPTURE(wait.mean / expected);
  CHECK(std::abs(wait.mean - expected) < 5.0 * wait.error);
  CHECK(wait.error < 0.1 * expected);
}

TEST_CASE(
    "a generator's cap of one is the same queue at another place: each time from due is the same "
    "(I7)") {
  const double service = service_s(calm_scenario(), 10);
  Scenario scenario = one_server(std::vector<PromptSize>(4000, {10, 1}), 0.8 / service, 7);
  const Played open = play(scenario);
  scenario.plan.concurrency = 1;
  const Played capped = play(scenario);
  REQUIRE(open.measured.size() == 4000);
  REQUIRE(capped.measured.size() == 4000);
  std::size_t waited = 0, equal = 0;
  for (std::size_t i = 0; i < 4000; ++i) {  // Both end in the order of their ids.
    const Record& a = open.measured[i];
    const Record& b = capped.measured[i];
    equal += a.id == b.id && a.due == b.due && a.chunks.at(0).at == b.chunks.at(0).at ? 1 : 0;
    waited += own_send_lag(b) > Duration(0) ? 1 : 0;
    CHECK(own_send_lag(a) == Duration(0));
  }
  CHECK(equal == 4000);
  CHECK(waited > 2000);
}

TEST_CASE(
    "the arrivals at the engine are those of the plan: their number in a window is Poisson's") {
  const Scenario scenario = one_server(std::vector<PromptSize>(request_count, {1, 1}), 100.0, 8);
  const Played played = play(scenario);
  // Index of dispersion over windows of 1 s: 1 for Poisson, with a standard error of sqrt(2 /
  // (windows - 1)).
  std::vector<double> counts(static_cast<std::size_t>(0.95 * request_count / 100.0), 0.0);
  for (const Truth& truth : played.truths) {
    const auto window = static_cast<std::size_t>(to_s(truth.received - played.measure_start));
    if (window < counts.size()) ++counts[window];
  }
  double mean = 0.0, squares = 0.0;
  for (const double count : counts) mean += count / static_cast<double>(counts.size());
  for (const double count : counts) squares += (count - mean) * (count - mean);
  const double windows = static_cast<double>(counts.size());
  CHECK(mean == doctest::Approx(100.0).epsilon(5.0 / std::sqrt(100.0 * windows)));
  CHECK(std::abs(squares / (windows - 1) / mean - 1.0) < 5.0 * std::sqrt(2.0 / (windows - 1)));
}

}  // namespace
}  // namespace tacho
