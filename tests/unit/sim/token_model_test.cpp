// What the engine's token model promises: probabilities that add up, ranks that are true, draws
// that follow them.
#include "sim/token_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/logprobs.h"
#include "sim/words.h"

namespace tacho {
namespace {

constexpr std::uint32_t vocabulary_size = 3000;

TokenModel small_model() {
  std::vector<std::uint32_t> words;
  for (std::uint32_t i = 0; i < 500; ++i) words.push_back(5 * i + 3);
  return {words, vocabulary_size};
}

TokenContext after(std::initializer_list<std::uint32_t> tokens) {
  TokenContext context(1);
  for (const std::uint32_t token : tokens) context.add(token);
  return context;
}

TEST_CASE("in every context the probabilities of all tokens add up to one, and ranks are ranks") {
  const TokenModel model = small_model();
  for (std::uint32_t i = 0; i < 40; ++i) {
    CAPTURE(i);
    const TokenContext context = after({i, 7});
    std::vector<TokenChance> all;
    double sum = 0.0;
    for (std::uint32_t token = 0; token < vocabulary_size; ++token) {
      all.push_back(model.chance(context, token));
      CHECK(all.back().token == token);
      sum += std::exp(all.back().logprob);
    }
    CHECK(sum == doctest::Approx(1.0).epsilon(1e-9));
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.logprob > b.logprob; });
    bool is_in_order = true;
    for (std::uint32_t rank = 0; rank < vocabulary_size; ++rank)
      is_in_order = is_in_order && all[rank].rank == rank + 1;
    CHECK(is_in_order);
    const auto best = model.best(context, 5);
    REQUIRE(best.size() == 5);
    for (std::size_t k = 0; k < 5; ++k) {
      CHECK(best[k].token == all[k].token);
      CHECK(best[k].logprob == all[k].logprob);
    }
  }
}

TEST_CASE("the same tokens make the same context, others another") {
  const TokenModel model = small_model();
  CHECK(model.chance(after({1, 2}), 3).logprob == model.chance(after({1, 2}), 3).logprob);
  CHECK(model.chance(after({1, 2}), 3).logprob != model.chance(after({2, 1}), 3).logprob);
  CHECK(model.chance(TokenContext(1), 3).logprob != model.chance(TokenContext(2), 3).logprob);
}

TEST_CASE("words are drawn as often as they are probable among the favourites") {
  const TokenModel model = small_model();
  const TokenContext context = after({9});
  std::map<std::uint32_t, int> drawn;
  constexpr int draws = 200'000;
  for (int i = 0; i < draws; ++i)
    ++drawn[model.words()[model.draw(context,
                                     uniform_of(mix_bits(5, static_cast<std::uint64_t>(i))))]];
  const auto best = model.best(context, TokenModel::favourites);
  CHECK(drawn.size() == best.size());
  double share = 0.0;
  for (const auto& one : best) share += std::exp(one.logprob);
  for (const auto& one : best) {
    // Their part of the rest is small: the law of the draws is theirs but for 2 %.
    const double expected = std::exp(one.logprob) / share * draws;
    CHECK(std::abs(drawn[one.token] - expected) < 0.02 * expected + 5.0 * std::sqrt(expected));
  }
  CHECK(model.words()[model.draw(context, 0.0)] == best[0].token);
}

TEST_CASE("log probabilities are written as OpenAI and vLLM write them") {
  const TokenModel model = small_model();
  TokenContext context(1);
  const TokenText text = [](std::uint32_t token) {
    return token == 3 ? "ä" : "<" + std::to_string(token) + ">";
  };
  const std::vector<std::uint32_t> prompt{3, 4, 5};
  const auto scored = score_all(model, context, prompt, 2);
  CHECK(context.hash() == after({3, 4, 5}).hash());
  std::size_t offset = 10;
  const Json of_completion = completion_logprobs(scored, text, offset);
  CHECK(of_completion["text_offset"] == Json::array({10, 11, 14}));
  CHECK(offset == 17);
  CHECK(of_completion["tokens"] == Json::array({"ä", "<4>", "<5>"}));
  CHECK(of_completion["token_logprobs"][0].is_null());
  CHECK(of_completion["top_logprobs"][1]["<4>"] == of_completion["token_logprobs"][1]);
  CHECK(of_completion["top_logprobs"][1].size() == 3);
  const Json of_chat = chat_logprobs(scored, text);
  CHECK(of_chat["content"][0]["bytes"] == Json::array({0xc3, 0xa4}));
  CHECK(of_chat["content"][1]["top_logprobs"].size() == 3);
  CHECK(of_chat["content"][1]["top_logprobs"][2]["token"] == "<4>");
  const Json of_prompt = prompt_logprobs(scored, text);
  CHECK(of_prompt[0].is_null());
  CHECK(of_prompt[1]["4"]["decoded_token"] == "<4>");
  CHECK(of_prompt[1]["4"]["rank"].get<int>() > 20);
}

}  // namespace
}  // namespace tacho
