// From what was typed to what is run. The command lines of other tools are held by tests/golden;
// here are the rules behind them.
#include "cli/bench_plan.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tacho {
namespace {

Result<BenchPlan> plan_of(const std::vector<std::string>& arguments) {
  BenchOptions options;
  auto others = bench_flags(options).parse(arguments);
  REQUIRE(others.ok());
  return plan_bench(options);
}

BenchPlan planned(const std::vector<std::string>& arguments) {
  auto plan = plan_of(arguments);
  REQUIRE_MESSAGE(plan.ok(), (plan.ok() ? "" : plan.error().message));
  return *plan;
}

std::string refusal(const std::vector<std::string>& arguments) {
  const auto plan = plan_of(arguments);
  return plan.ok() ? "(taken)" : plan.error().message;
}

TEST_CASE("a grid is every pair of lengths at every concurrency, epochs times it each") {
  const auto plan = planned({"--concurrency", "1,4", "--input-tokens", "10,20", "--output-tokens",
                             "5,6", "--epochs", "3"});
  REQUIRE(plan.cells.size() == 4);
  CHECK(cell_label(plan.cells[0].cell) == "c=1 10→5");
  CHECK(cell_label(plan.cells[3].cell) == "c=4 20→6");
  CHECK(plan.cells[3].cell.requests == 12);
  CHECK(plan.cells[3].cell.ignore_eos);
}

TEST_CASE("rates pair with their numbers of prompts, and one number serves all rates") {
  const auto paired = planned({"--request-rate", "1,inf", "--num-prompts", "10,20"});
  CHECK(paired.cells[0].cell.requests == 10);
  CHECK(paired.cells[1].cell.requests == 20);
  CHECK(!paired.cells[0].cell.ignore_eos);
  const auto one = planned({"--request-rate", "1,2", "--num-prompts", "7"});
  CHECK(one.cells[1].cell.requests == 7);
  CHECK(refusal({"--request-rate", "1,2,3", "--num-prompts", "7,8"}).find("in pairs") !=
        std::string::npos);
}

TEST_CASE("beside a grid, rates send the dataset as it is; alone they take the pairs") {
  const auto both = planned({"--concurrency", "2", "--request-rate", "4", "--input-tokens", "10",
                             "--output-tokens", "5"});
  CHECK(both.cells[0].cell.input_tokens == 10u);
  CHECK(!both.cells[1].cell.input_tokens);
  const auto alone =
      planned({"--request-rate", "4", "--input-tokens", "10", "--output-tokens", "5"});
  CHECK(alone.cells[0].cell.input_tokens == 10u);
}

TEST_CASE("without a load: one stream; with a number of prompts: all at once") {
  CHECK(planned({}).cells[0].cell.concurrency == 1u);
  const auto all = planned({"--num-prompts", "9"});
  CHECK(std::isinf(*all.cells[0].cell.request_rate));
  CHECK(all.cells[0].cell.requests == 9);
}

TEST_CASE("max-concurrency is a closed loop alone and a cap beside a rate") {
  CHECK(planned({"--max-concurrency", "8"}).cells[0].cell.is_static);
  const auto capped = planned({"--max-concurrency", "8", "--request-rate", "4"});
  CHECK(!capped.cells[0].cell.is_static);
  CHECK(capped.cells[0].cell.concurrency == 8u);
  CHECK(cell_label(capped.cells[0].cell) == "4 req/s cap 8 built-in");
}

TEST_CASE("burstiness is vLLM's shape: its root's inverse is the variation of the gaps") {
  CHECK(planned({"--request-rate", "1", "--burstiness", "0.25"}).cells[0].arrivals.gap_cv == 2.0);
  CHECK(planned({"--request-rate", "1", "--burstiness", "4"}).cells[0].arrivals.gap_cv == 0.5);
}

TEST_CASE("unequal lengths, a bare max-tokens and excluding options are refused in one line") {
  CHECK(refusal({"--input-tokens", "1,2", "--output-tokens", "1"}).find("in pairs") !=
        std::string::npos);
  CHECK(refusal({"--max-tokens", "9"}).find("--output-tokens") != std::string::npos);
  CHECK(refusal({"--max-tokens", "9", "--max-prompt-tokens", "9"}).find("no room") !=
        std::string::npos);
  CHECK(refusal({"--ignore-eos", "--no-ignore-eos"}).find("exclude") != std::string::npos);
  CHECK(refusal({"--backend", "mindspore"}).find("mindspore") != std::string::npos);
  CHECK(refusal({"--goodput", "speed:5"}).find("'speed'") != std::string::npos);
}

TEST_CASE("max-tokens beside max-prompt-tokens is the Ascend suite's total") {
  const auto plan = planned({"--max-tokens", "4096", "--max-prompt-tokens", "3768"});
  CHECK(plan.source.total_tokens_max == 4096);
  CHECK(plan.source.input_tokens_max == 3768);
}

TEST_CASE("SLOs are taken under the names that other tools use") {
  const auto plan = planned({"--goodput", "ttft:200", "tpot:50", "e2el:3000"});
  REQUIRE(plan.slos.size() == 3);
  CHECK(plan.slos[2].metric == "e2e_ms");
  CHECK(plan.slos[2].limit == 3000.0);
}

}  // namespace
}  // namespace tacho
