#include "sim/request_body.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

using Refusal = std::optional<AskError>;

constexpr std::array<std::string_view, 6> roles{"system",    "developer", "user",
                                                "assistant", "tool",      "function"};
constexpr double logprobs_max = 20;  // vLLM's and OpenAI's.

/// The field, or null when it is missing or null.
const Json* find(const Json& body, const char* key) {
  const auto found = body.find(key);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

Refusal read_flag(const Json& body, const char* key, bool& out) {
  const Json* value = find(body, key);
  if (value == nullptr) return {};
  if (!value->is_boolean()) return AskError{format("'{}' must be true or false", key), key};
  out = value->get<bool>();
  return {};
}

/// A whole number within bounds.
Refusal read_whole(const Json& body, const char* key, double least, double most,
                   std::optional<double>& out) {
  const Json* value = find(body, key);
  if (value == nullptr) return {};
  const double number = value->is_number() ? value->get<double>() : NAN;
  if (!(number >= least && number <= most) || number != std::floor(number)) {
    const std::string bound = most < 1e9 ? format(" and at most {}", most) : "";
    return AskError{format("'{}' must be a whole number of at least {}{}", key, least, bound), key};
  }
  out = number;
  return {};
}

Refusal check_range(const Json& body, const char* key, double least, double most) {
  const Json* value = find(body, key);
  if (value == nullptr) return {};
  const double number = value->is_number() ? value->get<double>() : NAN;
  if (number >= least && number <= most) return {};
  return AskError{format("'{}' must be a number from {} to {}", key, least, most), key};
}

/// The text of a message: a string, or parts of which those of type text count.
Refusal read_content(const Json& message, const std::string& place, std::string& out) {
  const Json* content = find(message, "content");
  const bool is_call = message.contains("tool_calls") || message.contains("function_call");
  if (content == nullptr && is_call) return {};
  const std::string param = place + ".content";
  if (content != nullptr && content->is_string()) {
    out = content->get<std::string>();
    return {};
  }
  if (content == nullptr || !content->is_array())
    return AskError{format("'{}' must be a string or a list of parts", param), param};
  for (const Json& part : *content) {
    if (!part.is_object() || !part.contains("type") || !part["type"].is_string())
      return AskError{format("'{}': each part is an object with a type", param), param};
    out += json_string(part, "text", "");
  }
  return {};
}

Refusal read_messages(const Json& body, AskedAnswer& ask) {
  const Json* messages = find(body, "messages");
  if (messages == nullptr || !messages->is_array() || messages->empty())
    return AskError{"'messages' must be a list of at least one message", "messages"};
  for (std::size_t i = 0; i < messages->size(); ++i) {
    const Json& message = (*messages)[i];
    const std::string place = format("messages[{}]", i);
    if (!message.is_object()) return AskError{format("'{}' must be an object", place), place};
    const std::string role = json_string(message, "role", "");
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) {
      return AskError{format("'{}.role' is '{}'; there are system, developer, user, assistant, "
                             "tool and function",
                             place, role),
                      place + ".role"};
    }
    if (auto wrong = read_content(message, place, ask.prompt.texts.emplace_back())) return wrong;
  }
  return {};
}

Refusal read_tokens(const Json& list, std::uint32_t vocabulary, AskedPrompt& prompt) {
  for (const Json& token : list) {
    if (!token.is_number_unsigned() || token.get<std::uint64_t>() >= vocabulary) {
      return AskError{format("'prompt': a token is a number from 0 to {}", vocabulary - 1),
                      "prompt"};
    }
    prompt.tokens.push_back(token.get<std::uint32_t>());
  }
  return {};
}

/// A text, tokens, or a list of one of these.
Refusal read_prompt(const Json& body, std::uint32_t vocabulary, AskedAnswer& ask) {
  const AskError wrong{"'prompt' must be a string, a list of tokens, or a list of one of these",
                       "prompt"};
  const Json* prompt = find(body, "prompt");
  if (prompt == nullptr) return wrong;
  if (prompt->is_array() && !prompt->empty() && !prompt->front().is_number()) {
    if (prompt->size() > 1)
      return AskError{"several prompts in one request are not served: send one each", "prompt"};
    prompt = &prompt->front();
  }
  if (prompt->is_string()) {
    ask.prompt.texts.push_back(prompt->get<std::string>());
    return {};
  }
  if (!prompt->is_array() || prompt->empty()) return wrong;
  return read_tokens(*prompt, vocabulary, ask.prompt);
}

Refusal read_sampling(const Json& body, AskedAnswer& ask) {
  std::optional<double> seed, priority;
  if (auto wrong = check_range(body, "temperature", 0, 2)) return wrong;
  if (auto wrong = check_range(body, "top_p", 0, 1)) return wrong;
  if (auto wrong = check_range(body, "presence_penalty", -2, 2)) return wrong;
  if (auto wrong = check_range(body, "frequency_penalty", -2, 2)) return wrong;
  if (auto wrong = read_whole(body, "seed", -9.2e18, 1.8e19, seed)) return wrong;
  if (auto wrong = read_whole(body, "priority", -1e9, 1e9, priority)) return wrong;
  ask.is_greedy = json_number(body, "temperature", 1.0) == 0.0;
  if (seed) ask.seed = static_cast<std::uint64_t>(std::fabs(*seed)) + 1;
  ask.priority = static_cast<std::int32_t>(priority.value_or(0.0));
  ask.cache_salt = json_string(body, "cache_salt", "");
  return {};
}

Refusal read_limit(const Json& body, AskedAnswer& ask) {
  std::optional<double> limit;
  // A completion that only echoes its prompt has no output.
  const double least = ask.echoes ? 0 : 1;
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    if (auto wrong = read_whole(body, key, least, 1e18, limit)) return wrong;
  }
  if (limit) ask.output_tokens_max = static_cast<std::uint32_t>(std::min(*limit, 1e9));
  return {};
}

Refusal read_logprobs(const Json& body, bool is_chat, AskedAnswer& ask) {
  std::optional<double> count, prompt_count;
  bool is_on = false;
  if (is_chat) {
    if (auto wrong = read_flag(body, "logprobs", is_on)) return wrong;
    if (auto wrong = read_whole(body, "top_logprobs", 0, logprobs_max, count)) return wrong;
    if (count && !is_on) return AskError{"'top_logprobs' needs 'logprobs': true", "top_logprobs"};
    if (is_on && !count) count = 0;
  } else if (const Json* asked = find(body, "logprobs"); asked && *asked != false) {
    if (auto wrong = read_whole(body, "logprobs", 0, logprobs_max, count)) return wrong;
  }
  if (auto wrong = read_whole(body, "prompt_logprobs", 0, logprobs_max, prompt_count)) return wrong;
  if (prompt_count && ask.streams)
    return AskError{"'prompt_logprobs' are not available with 'stream'", "prompt_logprobs"};
  if (count) ask.logprobs = static_cast<std::uint32_t>(*count);
  if (prompt_count) ask.prompt_logprobs = static_cast<std::uint32_t>(*prompt_count);
  return {};
}

Refusal read_stream(const Json& body, AskedAnswer& ask) {
  if (auto wrong = read_flag(body, "stream", ask.streams)) return wrong;
  if (auto wrong = read_flag(body, "ignore_eos", ask.ignores_eos)) return wrong;
  if (auto wrong = read_flag(body, "return_latency", ask.returns_times)) return wrong;
  const Json* options = find(body, "stream_options");
  if (options == nullptr) return {};
  if (!options->is_object())
    return AskError{"'stream_options' must be an object", "stream_options"};
  return read_flag(*options, "include_usage", ask.includes_usage);
}

}  // namespace

std::optional<AskError> read_ask(const Json& body, bool is_chat, std::uint32_t vocabulary,
                                 AskedAnswer& ask) {
  if (auto wrong = is_chat ? read_messages(body, ask) : read_prompt(body, vocabulary, ask))
    return wrong;
  if (auto wrong = read_stream(body, ask)) return wrong;
  if (!is_chat) {
    if (auto wrong = read_flag(body, "echo", ask.echoes)) return wrong;
  }
  if (auto wrong = read_limit(body, ask)) return wrong;
  if (auto wrong = read_sampling(body, ask)) return wrong;
  if (auto wrong = read_logprobs(body, is_chat, ask)) return wrong;
  std::optional<double> choices;
  return read_whole(body, "n", 1, 1, choices);
}

}  // namespace tacho
