// Log probabilities as OpenAI's endpoints and vLLM's `prompt_logprobs` show them, of what the token
// model believes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "sim/token_model.h"

namespace tacho {

/// The text of one token.
using TokenText = std::function<std::string(std::uint32_t)>;

/// One token of a text: what the model thought of it, and of others in its place.
struct ScoredToken {
  TokenChance chosen;
  std::vector<TokenChance> best;  ///< The most probable ones, as many as were asked for.
  bool is_first = false;          ///< Nothing precedes it: there is no probability.
};

/// Scores a token, and makes it part of the context.
ScoredToken score(const TokenModel& model, TokenContext& context, std::uint32_t token,
                  std::uint32_t alternatives);

/// Scores all tokens of a prompt, the first of which has no probability, and leaves the context
/// behind them.
std::vector<ScoredToken> score_all(const TokenModel& model, TokenContext& context,
                                   std::span<const std::uint32_t> tokens,
                                   std::uint32_t alternatives);

/// The value of a chat choice's `logprobs`.
Json chat_logprobs(std::span<const ScoredToken> tokens, const TokenText& text);

/// The value of a completion choice's `logprobs`. `offset` counts the characters of the answer
/// before them, and after the call those up to their end.
Json completion_logprobs(std::span<const ScoredToken> tokens, const TokenText& text,
                         std::size_t& offset);

/// vLLM's `prompt_logprobs`: for each token its own entry and those of the best, by their numbers.
Json prompt_logprobs(std::span<const ScoredToken> tokens, const TokenText& text);

/// What one request wants to know of its tokens.
struct Scoring {
  std::optional<std::uint32_t> alternatives;  ///< To each token of the answer; none: not asked.
  std::vector<ScoredToken> pending;           ///< Not yet sent.
  std::size_t offset = 0;                     ///< Characters sent.
  Json of_prompt;                             ///< vLLM's prompt_logprobs, or null.
};

}  // namespace tacho
