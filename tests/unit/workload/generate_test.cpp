// Generated datasets: the lengths' law, and that what is written is read back the same.
#include "workload/generate.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

namespace tacho {
namespace {

TEST_CASE("drawn lengths keep to the bounds, and have the mean and deviation that were asked for") {
  Random random(Seed{1}, "test");
  const LengthLaw law{.minimum = 10, .maximum = 1'000, .mean = 500.0, .deviation = 80.0};
  double sum = 0.0;
  double squares = 0.0;
  constexpr int draws = 20'000;
  for (int i = 0; i < draws; ++i) {
    const double length = draw_length(law, random);
    sum += length;
    squares += length * length;
  }
  const double mean = sum / draws;
  CHECK(std::abs(mean - 500.0) < 5.0 * 80.0 / std::sqrt(draws));
  CHECK(std::sqrt(squares / draws - mean * mean) == doctest::Approx(80.0).epsilon(0.03));

  const LengthLaw narrow{.minimum = 490, .maximum = 510, .mean = 500.0, .deviation = 80.0};
  for (int i = 0; i < 1'000; ++i) {
    const std::uint32_t length = draw_length(narrow, random);
    CHECK(length >= 490);
    CHECK(length <= 510);
  }
}

TEST_CASE("without a deviation every length is the mean") {
  Random random(Seed{1}, "test");
  CHECK(draw_length({.minimum = 1, .maximum = 100, .mean = 42.0, .deviation = 0.0}, random) == 42);
}

TEST_CASE("laws that cannot be are refused") {
  CHECK(check_law({.minimum = 1, .maximum = 5, .mean = 3.0, .deviation = 1.0}, "x").ok());
  CHECK_FALSE(check_law({.minimum = 0, .maximum = 5, .mean = 3.0, .deviation = 1.0}, "x").ok());
  CHECK_FALSE(check_law({.minimum = 6, .maximum = 5, .mean = 5.5, .deviation = 1.0}, "x").ok());
  CHECK_FALSE(check_law({.minimum = 1, .maximum = 5, .mean = 9.0, .deviation = 1.0}, "x").ok());
  CHECK_FALSE(check_law({.minimum = 1, .maximum = 5, .mean = 3.0, .deviation = -1.0}, "x").ok());
  CHECK_FALSE(check_law({.minimum = 1, .maximum = 5, .mean = NAN, .deviation = 1.0}, "x").ok());
}

TEST_CASE("changing the output law leaves the input lengths as they were") {
  GenerateOptions options;
  options.input = {.minimum = 1, .maximum = 900, .mean = 300.0, .deviation = 100.0};
  options.output = {.minimum = 1, .maximum = 900, .mean = 300.0, .deviation = 100.0};
  options.count = 100;
  const auto before = draw_lengths(options);
  options.output.mean = 50.0;
  const auto after = draw_lengths(options);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(before[i].input_tokens == after[i].input_tokens);
  }
}

TEST_CASE("generated prompts have their lengths, and come back from their file as they were") {
  const Tokenizer tokenizer = Tokenizer::builtin();
  GenerateOptions options;
  options.input = {.minimum = 20, .maximum = 400, .mean = 150.0, .deviation = 60.0};
  options.output = {.minimum = 5, .maximum = 60, .mean = 30.0, .deviation = 10.0};
  options.count = 50;
  options.seed = Seed{9};
  auto prompts = generate_prompts(builtin_dataset(), tokenizer, options);
  REQUIRE(prompts.ok());
  REQUIRE(prompts->size() == 50);
  for (const Prompt& prompt : *prompts) {
    CHECK(tokenizer.count(prompt_text(prompt)) == prompt.input_tokens);
  }
  prompts->at(0).messages.insert(prompts->at(0).messages.begin(), {"system", "Be \"brief\"."});

  const auto again = parse_dataset(prompts_json(*prompts), "generated.json", "");
  REQUIRE(again.ok());
  REQUIRE(again->prompts.size() == prompts->size());
  for (std::size_t i = 0; i < prompts->size(); ++i) {
    CHECK(prompt_text(again->prompts[i]) == prompt_text(prompts->at(i)));
    CHECK(again->prompts[i].messages.size() == prompts->at(i).messages.size());
    CHECK(again->prompts[i].input_tokens == prompts->at(i).input_tokens);
    CHECK(again->prompts[i].output_tokens == prompts->at(i).output_tokens);
  }
}

}  // namespace
}  // namespace tacho
