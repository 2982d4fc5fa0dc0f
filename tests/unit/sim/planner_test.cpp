// Plans: replicas that are enough and no more, costs that are sums, verdicts that know their error,
// and the same answer each time.
#include "sim/planner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sim/planner_compare.h"
#include "sim/planner_search.h"
#include "sim/planner_tables.h"

namespace tacho {
namespace {

/// Llama 3 8B at so many requests/s on two kinds of GPU, in little time.
PlanQuestion small_question(double rate) {
  PlanQuestion question;
  question.grid.model = *find_model("llama-3-8b");
  question.grid.engine = *find_engine("vllm");
  question.grid.gpus = {*find_gpu("h100"), *find_gpu("h20")};
  question.grid.tensor_parallel = {1, 2};
  question.grid.max_num_batched_tokens = {2048};
  question.prices = builtin_prices();
  question.load.lengths = {{1000, 100}};
  question.load.rate = rate;
  question.bounds = {{PlanMetric::ttft, 99.0, 500.0}, {PlanMetric::tpot, 99.0, 40.0}};
  question.limits.requests = 300;
  question.limits.threads = 2;
  return question;
}

Plan plan_of(const PlanQuestion& question) {
  return make_plan(question, [](std::size_t, std::size_t) {});
}

}  // namespace

TEST_CASE("a plan's choices hold their bounds, and one replica less does not") {
  PlanQuestion question = small_question(60.0);
  const Plan plan = plan_of(question);
  REQUIRE(plan.holding > 0);
  REQUIRE(plan.choices.size() == 8);
  for (std::size_t i = 0; i < plan.holding; ++i) {
    PlanChoice choice = plan.choices[i];
    CHECK(choice.figures.ttft.p99 <= 500.0);
    CHECK(choice.figures.tpot.p99 <= 40.0);
    CHECK(choice.figures.good_share >= 0.98);
    if (choice.replicas == 1) continue;
    const std::uint32_t less = choice.replicas - 1;
    ReplicaSearch search(question, question.load, choice);
    // By the trial's few requests, or by the check's many.
    const bool passes_trial =
        search.run_one({.replicas = less, .requests = 300}).holds(question.bounds);
    const bool passes_check =
        search.run_one({.replicas = less, .requests = 600, .runs = 3}).holds(question.bounds);
    CHECK_FALSE((passes_trial && passes_check));
  }
}

TEST_CASE("the cheapest is first, and costs what its GPUs cost") {
  const PlanQuestion question = small_question(60.0);
  const Plan plan = plan_of(question);
  for (std::size_t i = 0; i < plan.holding; ++i) {
    const PlanChoice& choice = plan.choices[i];
    const double price = question.prices.find(choice.gpu->id)->usd_per_hour;
    CHECK(choice.usd_per_hour() ==
          doctest::Approx(price * choice.replicas * choice.serving.tensor_parallel));
    if (i > 0) CHECK(plan.choices[i - 1].usd_per_hour() <= choice.usd_per_hour());
    // 60 requests/s of 100 tokens are 21.6 million tokens an hour.
    CHECK(choice.usd_per_million() == doctest::Approx(choice.usd_per_hour() / 21.6).epsilon(0.06));
  }
}

TEST_CASE("a plan depends on its seed alone, whatever the threads") {
  PlanQuestion question = small_question(30.0);
  const auto text = [&] { return dump_json(plan_json(plan_of(question), question)); };
  const std::string once = text();
  CHECK(once == text());
  question.limits.threads = 1;
  CHECK(once == text());
  question.limits.seed = 1;
  CHECK(once != text());
}

TEST_CASE("more load takes more replicas, and a wrong model more than a right one") {
  const PlanQuestion question = small_question(100.0);
  const Plan plan = plan_of(question);
  REQUIRE(plan.holding > 0);
  const PlanChoice& first = plan.choices.front();
  REQUIRE(first.is_explored);
  CHECK(first.capacity >= 100.0);
  CHECK(first.replicas_if_faster <= first.replicas);
  if (first.replicas_if_slower > 0) CHECK(first.replicas_if_slower >= first.replicas_if_faster);
  REQUIRE(plan.what_ifs.size() == 6);
  CHECK(plan.what_ifs[0].change == "rate +20 %");
  CHECK(plan.what_ifs[0].replicas_of_first >= plan.what_ifs[1].replicas_of_first);
  CHECK(plan.what_ifs[2].change == "lengths +20 %");
  CHECK(plan.what_ifs[2].replicas_of_first >= plan.what_ifs[3].replicas_of_first);
  CHECK(plan.what_ifs[4].usd_per_hour_of_first == doctest::Approx(1.2 * first.usd_per_hour()));
}

TEST_CASE("what cannot hold says why") {
  PlanQuestion question = small_question(1.0);
  question.grid.model = *find_model("llama-3-70b");
  question.grid.tensor_parallel = {1};
  question.grid.precisions = {NumberFormat::bf16};
  for (const PlanChoice& choice : plan_of(question).choices) {
    CHECK(choice.state == PlanChoice::State::no_room);
    CHECK(choice.reason.find("141 GB") != std::string::npos);
  }
  question = small_question(1.0);
  question.bounds = {{PlanMetric::tpot, 99.0, 1.0}};
  for (const PlanChoice& choice : plan_of(question).choices) {
    CHECK(choice.state == PlanChoice::State::too_slow);
    CHECK(choice.reason.find("p99 tpot") != std::string::npos);
    CHECK_FALSE(choice.is_near);
  }
  question.bounds = {{PlanMetric::tpot, 99.0, 6.9}};  // The H100's is 7.2 ms, a twentieth over it.
  question.grid.gpus = {*find_gpu("h100")};
  question.grid.tensor_parallel = {1};
  question.grid.precisions = {NumberFormat::bf16};
  for (const PlanChoice& choice : plan_of(question).choices) {
    CHECK(choice.state == PlanChoice::State::too_slow);
    CHECK(choice.is_near);
  }
  question = small_question(1000.0);
  question.limits.gpus_max = 2;
  for (const PlanChoice& choice : plan_of(question).choices)
    CHECK(choice.state == PlanChoice::State::overloaded);
}

TEST_CASE("replicas that take turns smooth their arrivals") {
  PlanLoad load;
  load.rate = 8.0;
  CHECK(share_of(load, 1).gap_cv == doctest::Approx(1.0));
  CHECK(share_of(load, 4).gap_cv == doctest::Approx(0.5));
  CHECK(share_of(load, 4).rate_per_s == doctest::Approx(2.0));
}

TEST_CASE("a trace keeps its bursts and which lengths come with them") {
  PlanLoad load;
  load.lengths = {{10, 1}, {20, 2}, {30, 3}, {40, 4}};
  load.gaps = {0.5, 0.5, 1.0, 2.0};
  load.rate = 2.0;
  const auto requests = requests_of_share(load, {.replicas = 2, .requests = 6});
  REQUIRE(requests.size() == 6);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CHECK(requests[i].output_tokens == requests[i].input_tokens / 10);
    if (i < 2) continue;
    // Every other request of four: the same two again and again, a trace's length apart.
    CHECK(requests[i].input_tokens == requests[i - 2].input_tokens);
    CHECK(to_s(requests[i].arrival - requests[i - 2].arrival) == doctest::Approx(2.0));
  }
}

TEST_CASE("users who think ask again when they have thought") {
  PlanQuestion question = small_question(0.0);
  question.load.rate = 0.0;
  question.load.users = 20;
  question.load.think_s = 10.0;
  PlanChoice choice = plan_choices(question.grid, question.prices).front();
  const LoadFigures f = ReplicaSearch(question, question.load, choice).run_one({.requests = 2000});
  // Little's law of a closed loop: users = rate × (think time + time of a request).
  CHECK(f.requests_per_s * (10.0 + f.e2e.mean / 1e3) == doctest::Approx(20.0).epsilon(0.02));
}

TEST_CASE("an error band is that of its own family, of all measured points, or a guess") {
  const ModelProfile dense = *find_model("llama-3-70b");
  const ErrorBand own = error_band_of(*find_gpu("h100"), dense, "vllm");
  const ErrorBand other = error_band_of(*find_gpu("l40s"), dense, "vllm");
  const ErrorBand guessed = error_band_of(*find_gpu("h20"), dense, "vllm");
  CHECK(own.basis.find("llama-3.1-70b") != std::string::npos);
  CHECK(own.tpot < other.tpot);
  CHECK(other.basis.find("all measured points") != std::string::npos);
  CHECK(guessed.tpot >= 0.3);
  CHECK(error_band_source().find("docs/validation.md") != std::string_view::npos);
}

TEST_CASE("nothing on the Pareto front is beaten in cost and time") {
  const PlanQuestion question = small_question(60.0);
  const Plan plan = plan_of(question);
  const auto best = best_of_each(plan);
  const auto front = pareto_front(best);
  REQUIRE(!front.empty());
  CHECK(front.front() == best.front());
  for (const PlanChoice* kept : front) {
    for (const PlanChoice* choice : best) {
      const bool is_beaten = choice->usd_per_hour() < kept->usd_per_hour() &&
                             choice->figures.e2e.p50 <= kept->figures.e2e.p50;
      CHECK_FALSE(is_beaten);
    }
  }
  const std::string plot = plan_plot(plan);
  CHECK(plot.find("A  " + choice_name(*front.front())) != std::string::npos);
}

TEST_CASE("a comparison orders first tokens of long prompts as a published one did") {
  PlanQuestion question = small_question(0.0);
  question.load.rate = 0.0;
  question.load.users = 1;
  question.load.lengths = {{1000, 50}};
  question.bounds.clear();
  question.grid.model = *find_model("qwen2.5-7b");
  question.grid.precisions = {NumberFormat::bf16};
  question.grid.tensor_parallel = {1};
  question.grid.gpus.clear();
  for (const char* id : {"rtx4090", "a800", "h800", "h20"})
    question.grid.gpus.push_back(*find_gpu(id));
  const Comparison comparison = compare(question, {1}, 60.0, [](std::size_t, std::size_t) {});
  REQUIRE(comparison.points.size() == 4);
  const std::string table = comparison_table(comparison, question, 60.0);
  CHECK(table.find("TTFT h800 < a800 < rtx4090 < h20") != std::string::npos);
}

TEST_CASE("a price list says what is wrong with it") {
  const auto error_of = [](std::string_view text) {
    return read_prices(*parse_json(text, "p"), "p.json").error().message;
  };
  CHECK(error_of("[]").starts_with("p.json: a price file is"));
  CHECK(error_of(R"({"prices": [{"gpu": "x", "usd_per_hour": 0, "date": "2026-05"}]})") ==
        "p.json: entry 1 (x): usd_per_hour must be over 0");
  CHECK(error_of(R"({"prices": [{"gpu": "x", "usd_per_hour": 1}]})").find("without a date") !=
        std::string::npos);
  const auto read = read_prices(
      *parse_json(R"({"prices": [{"gpu": "H100", "usd_per_hour": 2, "date": "2026-01"}]})", "p"),
      "p.json");
  REQUIRE(read.ok());
  CHECK(read->find("h100")->usd_per_hour == 2.0);
  CHECK(builtin_prices().find("h100") != nullptr);
}

}  // namespace tacho
