// Prompts of a run as the server will see them: no two alike, warm-up included.
#include "cli/bench_prompts.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"

namespace tacho {
namespace {

/// The prompts of all cells of a command line, as text.
std::vector<std::string> dealt(std::string_view line) {
  BenchOptions options;
  std::vector<std::string> arguments;
  for (const auto word : split(line, ' ')) arguments.emplace_back(word);
  REQUIRE(bench_flags(options).parse(arguments).ok());
  const auto plan = plan_bench(options);
  REQUIRE(plan.ok());
  const auto tokenizer = Tokenizer::builtin();
  auto dealer = PromptDealer::create(*plan, tokenizer, Seed{options.seed}, false);
  REQUIRE(dealer.ok());
  std::vector<std::string> texts;
  for (const PlannedCell& planned : plan->cells) {
    const auto prompts = (*dealer)->deal(planned);
    REQUIRE(prompts.ok());
    CHECK(prompts->size() == planned.cell.warmup_requests + planned.cell.requests);
    for (const Prompt& prompt : *prompts) texts.push_back(prompt_text(prompt));
  }
  return texts;
}

std::size_t distinct(const std::vector<std::string>& texts) {
  return std::set<std::string>(texts.begin(), texts.end()).size();
}

TEST_CASE("the warm-up's prompts are no cell's, and no cell's are another's") {
  for (const char* line :
       {"--concurrency 1,2 --num-prompts 20 --warmup 10 --input-tokens 32 --output-tokens 4",
        // More than there are conversations: the second round has numbers in front.
        "--concurrency 1,2 --num-prompts 200 --warmup 10",
        "--request-rate 10 --num-prompts 30 --warmup-duration 2s"}) {
    CAPTURE(std::string(line));
    const auto texts = dealt(line);
    CHECK(texts.size() > 20);
    CHECK(distinct(texts) == texts.size());
  }
}

TEST_CASE("a seed means these prompts, and another seed others") {
  const std::string line = "--concurrency 1 --num-prompts 9 --input-tokens 24 --output-tokens 2";
  CHECK(dealt(line) == dealt(line));
  CHECK(dealt(line) != dealt(line + " --seed 1"));
}

}  // namespace
}  // namespace tacho
