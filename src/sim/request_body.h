// What a generation request asks for, read out of its JSON: the one place that knows OpenAI's
// fields and says what is wrong with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace tacho {

/// One prompt: texts that are tokenized one by one (the messages of a chat), or tokens.
struct AskedPrompt {
  std::vector<std::string> texts;
  std::vector<std::uint32_t> tokens;  ///< Given as numbers; then there are no texts.
};

/// A request for a chat or a completion.
struct AskedAnswer {
  AskedPrompt prompt;
  std::optional<std::uint32_t> output_tokens_max;
  bool streams = false;
  bool includes_usage = false;
  bool ignores_eos = false;
  bool echoes = false;         ///< The answer begins with the prompt (completions).
  bool returns_times = false;  ///< The Ascend suite's `return_latency`.
  bool is_greedy = false;      ///< Temperature 0.
  std::uint64_t seed = 0;
  std::int32_t priority = 0;
  std::string cache_salt;
  std::optional<std::uint32_t> logprobs;         ///< So many alternatives to each output token.
  std::optional<std::uint32_t> prompt_logprobs;  ///< And to each of the prompt's.
};

/// Why a request is refused, and the field to blame ("" when it is none in particular).
struct AskError {
  std::string message;
  std::string param;
};

/// Reads the body of a request; the error is OpenAI's invalid_request. Tokens are below
/// `vocabulary`.
std::optional<AskError> read_ask(const Json& body, bool is_chat, std::uint32_t vocabulary,
                                 AskedAnswer& ask);

}  // namespace tacho
