#include "sim/logprobs.h"

#include <algorithm>

namespace tacho {
namespace {

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

bool is_among(const std::vector<TokenChance>& best, std::uint32_t token) {
  return std::any_of(best.begin(), best.end(),
                     [&](const TokenChance& one) { return one.token == token; });
}

Json chat_entry(const TokenChance& chance, const TokenText& text) {
  const std::string word = text(chance.token);
  Json bytes = Json::array();
  for (const char c : word) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", word}, {"logprob", chance.logprob}, {"bytes", bytes}};
}

/// The best, and the chosen one if it is none of them.
std::vector<TokenChance> with_chosen(const ScoredToken& scored) {
  std::vector<TokenChance> all = scored.best;
  if (!is_among(all, scored.chosen.token)) all.push_back(scored.chosen);
  return all;
}

}  // namespace

ScoredToken score(const TokenModel& model, TokenContext& context, std::uint32_t token,
                  std::uint32_t alternatives) {
  ScoredToken scored{model.chance(context, token), model.best(context, alternatives)};
  context.add(token);
  return scored;
}

std::vector<ScoredToken> score_all(const TokenModel& model, TokenContext& context,
                                   std::span<const std::uint32_t> tokens,
                                   std::uint32_t alternatives) {
  std::vector<ScoredToken> all;
  all.reserve(tokens.size());
  for (const std::uint32_t token : tokens)
    all.push_back(score(model, context, token, alternatives));
  if (!all.empty()) all.front().is_first = true;
  return all;
}

Json chat_logprobs(std::span<const ScoredToken> tokens, const TokenText& text) {
  Json content = Json::array();
  for (const ScoredToken& scored : tokens) {
    Json entry = chat_entry(scored.chosen, text);
    entry["top_logprobs"] = Json::array();
    if (!scored.best.empty()) {
      for (const TokenChance& one : with_chosen(scored))
        entry["top_logprobs"].push_back(chat_entry(one, text));
    }
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}};
}

Json completion_logprobs(std::span<const ScoredToken> tokens, const TokenText& text,
                         std::size_t& offset) {
  Json offsets = Json::array(), logprobs = Json::array(), words = Json::array(),
       top = Json::array();
  for (const ScoredToken& scored : tokens) {
    const std::string word = text(scored.chosen.token);
    offsets.push_back(offset);
    offset += count_characters(word);
    words.push_back(word);
    if (scored.is_first) {
      logprobs.push_back(nullptr);
      top.push_back(nullptr);
      continue;
    }
    logprobs.push_back(scored.chosen.logprob);
    Json others = Json::object();
    for (const TokenChance& one : scored.best) others[text(one.token)] = one.logprob;
    others[word] = scored.chosen.logprob;
    top.push_back(std::move(others));
  }
  return {{"text_offset", std::move(offsets)},
          {"token_logprobs", std::move(logprobs)},
          {"tokens", std::move(words)},
          {"top_logprobs", std::move(top)}};
}

Json prompt_logprobs(std::span<const ScoredToken> tokens, const TokenText& text) {
  Json all = Json::array();
  for (const ScoredToken& scored : tokens) {
    if (scored.is_first) {
      all.push_back(nullptr);
      continue;
    }
    Json entry = Json::object();
    for (const TokenChance& one : with_chosen(scored)) {
      entry[std::to_string(one.token)] = {
          {"logprob", one.logprob}, {"rank", one.rank}, {"decoded_token", text(one.token)}};
    }
    all.push_back(std::move(entry));
  }
  return all;
}

}  // namespace tacho
