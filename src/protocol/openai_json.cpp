#include "protocol/openai_json.h"

#include <algorithm>
#include <charconv>

#include "base/simd_json.h"

namespace tacho {
namespace {

namespace od = simdjson::ondemand;

/// The value of an escape \uXXXX at `at`, or nothing when there is none.
std::optional<std::uint32_t> unicode_escape(std::string_view text, std::size_t at) {
  const auto escape = text.substr(std::min(at, text.size()), 6);
  std::uint32_t code = 0;
  if (escape.size() < 6 || !escape.starts_with("\\u")) return std::nullopt;
  const auto [end, error] = std::from_chars(escape.data() + 2, escape.data() + 6, code, 16);
  if (error != std::errc() || end != escape.data() + 6) return std::nullopt;
  return code;
}

/// The text of a string token in which half a surrogate pair stands, as Python writes a character
/// that a tokenizer has cut in two: the half becomes U+FFFD, for a token has come. "" when
/// something else is wrong with it.
std::string mended_text(std::string_view token) {
  std::string mended;
  for (std::size_t at = 0; at < token.size();) {
    const auto code = unicode_escape(token, at);
    const auto next = unicode_escape(token, at + 6);
    const bool is_first = code && *code >> 10 == 0xD800 >> 10;
    const bool is_pair = is_first && next && *next >> 10 == 0xDC00 >> 10;
    const std::size_t length = is_pair ? 12 : code ? 6 : token[at] == '\\' ? 2 : 1;
    const bool is_half = !is_pair && code && *code >> 11 == 0xD800 >> 11;
    mended += is_half ? "\\ufffd" : token.substr(at, length);
    at += length;
  }
  const auto json = parse_json(mended, "");
  return json && json->is_string() ? json->get<std::string>() : "";
}

void read_text(od::value value, std::string& out) {
  const std::string_view token = value.raw_json_token();
  std::string_view text;
  const auto error = value.get_string().get(text);
  if (error == simdjson::SUCCESS) out = text;
  if (error == simdjson::STRING_ERROR) out = mended_text(token);
}

void read_count(od::value value, std::optional<std::uint32_t>& out) {
  std::uint64_t count = 0;
  if (value.get_uint64().get(count) != simdjson::SUCCESS) return;
  out = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, UINT32_MAX));
}

void read_ms(od::value value, std::optional<double>& out) {
  double ms = 0;
  if (value.get_double().get(ms) == simdjson::SUCCESS) out = ms;
}

/// Calls `on_field(key, value)` for each field of an object; false when it is none or broken.
template <class OnField>
bool each_field(od::value value, OnField&& on_field) {
  od::object object;
  if (value.get_object().get(object)) return false;
  for (auto field : object) {
    std::string_view key;
    od::value inner;
    if (field.unescaped_key().get(key) || field.value().get(inner)) return false;
    on_field(key, inner);
  }
  return true;
}

void read_message(od::value value, Delta& delta) {
  each_field(value, [&](std::string_view key, od::value inner) {
    if (key == "content") {
      read_text(inner, delta.text);
    } else if (key == "reasoning_content" || key == "reasoning") {
      read_text(inner, delta.reasoning);
    } else if (key == "tool_calls") {
      od::array calls;
      bool is_empty = true;
      if (!inner.get_array().get(calls) && !calls.is_empty().get(is_empty) && !is_empty) {
        delta.has_tool_call = true;
      }
    }
  });
}

void read_choice(od::value value, Delta& delta) {
  each_field(value, [&](std::string_view key, od::value inner) {
    if (key == "delta" || key == "message") {
      read_message(inner, delta);
    } else if (key == "text") {
      read_text(inner, delta.text);
    } else if (key == "finish_reason") {
      read_text(inner, delta.finish_reason);
    }
  });
}

void read_choices(od::value value, Delta& delta) {
  od::array choices;
  if (value.get_array().get(choices)) return;
  delta.has_choices = true;
  for (auto choice : choices) {
    od::value inner;
    if (!choice.get(inner)) read_choice(inner, delta);
    return;  // Only the first one is measured; `n` > 1 is not asked for.
  }
}

void read_usage(od::value value, Delta& delta) {
  const bool is_object = each_field(value, [&](std::string_view key, od::value inner) {
    if (key == "prompt_tokens") {
      read_count(inner, delta.input_tokens);
    } else if (key == "completion_tokens") {
      read_count(inner, delta.output_tokens);
    } else if (key == "prompt_tokens_details") {
      each_field(inner, [&](std::string_view k, od::value v) {
        if (k == "cached_tokens") read_count(v, delta.cached_tokens);
      });
    } else if (key == "completion_tokens_details") {
      each_field(inner, [&](std::string_view k, od::value v) {
        if (k == "reasoning_tokens") read_count(v, delta.reasoning_tokens);
      });
    }
  });
  delta.has_usage = is_object;
}

/// llama.cpp's account of a request.
void read_timings(od::value value, Delta& delta) {
  each_field(value, [&](std::string_view key, od::value inner) {
    if (key == "prompt_ms") read_ms(inner, delta.prefill_ms);
    if (key == "predicted_per_token_ms") read_ms(inner, delta.decode_per_token_ms);
  });
}

/// The Ascend suite's account of a request, given when `return_latency` is asked for. All in ms.
void read_return_latency(od::value value, Delta& delta) {
  each_field(value, [&](std::string_view key, od::value inner) {
    if (key == "model_prefill_latency") read_ms(inner, delta.prefill_ms);
    if (key == "avg_decode_latency") read_ms(inner, delta.decode_per_token_ms);
    if (key == "time_in_queue") read_ms(inner, delta.queue_ms);
    if (key == "request_latency") read_ms(inner, delta.total_ms);
  });
}

void read_error(od::value value, Delta& delta) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    delta.error = text;
    return;
  }
  const bool is_object = each_field(value, [&](std::string_view key, od::value inner) {
    if (key == "message") read_text(inner, delta.error);
  });
  if (is_object && delta.error.empty()) delta.error = "an error object without a message";
}

void read_field(std::string_view key, od::value value, Delta& delta) {
  if (key == "choices") {
    read_choices(value, delta);
  } else if (key == "usage") {
    read_usage(value, delta);
  } else if (key == "id") {
    read_text(value, delta.id);
  } else if (key == "error") {
    read_error(value, delta);
  } else if (key == "timings") {
    read_timings(value, delta);
  } else if (key == "latency") {
    read_return_latency(value, delta);
  } else if (key == "data") {
    delta.has_choices = true;
  }
}

}  // namespace

void read_openai_json(std::string_view json, Delta& delta) {
  // One parser and one padded copy a thread: no allocation for an event of a usual size.
  thread_local od::parser parser;
  thread_local std::string padded;
  delta = Delta();
  padded.assign(json);
  padded.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  od::document document;
  od::object object;
  if (parser.iterate(padded.data(), padded.size(), padded.capacity()).get(document) ||
      document.get_object().get(object)) {
    delta.is_malformed = true;
    return;
  }
  for (auto field : object) {
    std::string_view key;
    od::value value;
    if (field.unescaped_key().get(key) || field.value().get(value)) {
      delta.is_malformed = true;
      return;
    }
    read_field(key, value, delta);
  }
  const char* rest = nullptr;
  const bool is_at_end = document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS;
  delta.is_malformed =
      !is_at_end || (!delta.has_choices && !delta.has_usage && delta.error.empty());
}

Json openai_body(const Ask& ask) {
  Json body;
  body["model"] = ask.model;
  body["stream"] = ask.streams;
  if (ask.streams) body["stream_options"] = {{"include_usage", true}};
  if (ask.max_tokens > 0) body["max_tokens"] = ask.max_tokens;
  if (ask.ignores_eos) body["ignore_eos"] = true;
  return body;
}

namespace {

class OpenAiProtocol final : public Protocol {
 public:
  explicit OpenAiProtocol(const OpenAiDialect& dialect) : dialect_(dialect) {}
  std::string_view name() const override { return dialect_.name; }
  std::string_view path() const override { return dialect_.path; }
  bool can_stream() const override { return dialect_.can_stream; }
  std::string body(const Ask& ask) const override {
    Json body = dialect_.body(ask);
    for (const auto& [key, value] : ask.extra.items()) body[key] = value;
    return dump_json(body);
  }
  void read_event(std::string_view data, Delta& delta) const override {
    read_openai_json(data, delta);
  }
  void read_answer(std::string_view text, Delta& delta) const override {
    read_openai_json(text, delta);
  }

 private:
  OpenAiDialect dialect_;
};

}  // namespace

std::unique_ptr<Protocol> make_openai(const OpenAiDialect& dialect) {
  return std::make_unique<OpenAiProtocol>(dialect);
}

}  // namespace tacho
