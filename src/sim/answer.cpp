#include "sim/answer.h"

#include <cmath>

#include "base/json.h"
#include "base/text.h"

namespace tacho {
namespace {

std::string_view finish_reason(const LiveRequest& live) {
  return live.ends_by_length ? "length" : "stop";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + '"';
}

void append_usage(std::string& out, const LiveRequest& live) {
  fmt::format_to(std::back_inserter(out),
                 "\"usage\":{{\"prompt_tokens\":{},\"total_tokens\":{},\"completion_tokens\":{}",
                 live.input_tokens, live.input_tokens + live.emitted, live.emitted);
  if (live.cached_tokens > 0) {
    fmt::format_to(std::back_inserter(out), ",\"prompt_tokens_details\":{{\"cached_tokens\":{}}}",
                   live.cached_tokens);
  }
  out += '}';
}

double rounded_ms(Duration duration) { return std::round(to_ms(duration) * 100.0) / 100.0; }

/// The suite's five figures, in ms with two decimals.
Json return_latency(const LiveRequest& live) {
  const Instant received = live.truth.received;
  const Instant first = live.first_written;
  const Instant last = live.last_written;
  const auto steps = std::int64_t{live.emitted} - 1;
  return {{"prefill_latency", rounded_ms(first - received)},
          {"model_prefill_latency", rounded_ms(first - live.scheduled)},
          {"avg_decode_latency", steps > 0 ? rounded_ms((last - first) / steps) : 0.0},
          {"time_in_queue", rounded_ms(live.scheduled - received)},
          {"request_latency", rounded_ms(last - received)}};
}

}  // namespace

void prepare_events(LiveRequest& live, std::string_view model) {
  live.event_start = format(
      "data: "
      "{{\"id\":\"{}\",\"object\":\"{}\",\"created\":{},\"model\":{},\"choices\":[{{\"index\":0,{}",
      live.truth.id, live.is_chat ? "chat.completion.chunk" : "text_completion", live.created_s,
      quoted(model), live.is_chat ? "\"delta\":{\"content\":\"" : "\"text\":\"");
}

void append_event(std::string& out, const LiveRequest& live, bool is_last, bool with_usage) {
  out += live.event_start;
  append_json_escaped(out, live.text);
  out += live.is_chat ? "\"},\"logprobs\":null,\"finish_reason\":"
                      : "\",\"logprobs\":null,\"finish_reason\":";
  if (is_last) {
    out += quoted(finish_reason(live));
  } else {
    out += "null";
  }
  out += "}]";
  if (with_usage) {
    out += ',';
    append_usage(out, live);
  }
  out += "}\n\n";
}

void append_role_event(std::string& out, const LiveRequest& live) {
  const std::string_view start = live.event_start;
  out += start.substr(0, start.size() - std::string_view("\"content\":\"").size());
  out += "\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
}

void append_usage_event(std::string& out, const LiveRequest& live, std::string_view model) {
  out +=
      format("data: {{\"id\":\"{}\",\"object\":\"{}\",\"created\":{},\"model\":{},\"choices\":[],",
             live.truth.id, live.is_chat ? "chat.completion.chunk" : "text_completion",
             live.created_s, quoted(model));
  append_usage(out, live);
  out += "}\n\n";
}

std::string whole_answer(const LiveRequest& live, std::string_view model) {
  Json choice{{"index", 0}};
  if (live.is_chat) {
    choice["message"] = {{"role", "assistant"}, {"content", live.text}};
  } else {
    choice["text"] = live.text;
  }
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = finish_reason(live);
  Json answer;
  answer["id"] = live.truth.id;
  answer["object"] = live.is_chat ? "chat.completion" : "text_completion";
  answer["created"] = live.created_s;
  answer["model"] = model;
  answer["choices"] = Json::array({choice});
  answer["usage"] = {{"prompt_tokens", live.input_tokens},
                     {"total_tokens", live.input_tokens + live.emitted},
                     {"completion_tokens", live.emitted}};
  if (live.cached_tokens > 0) {
    answer["usage"]["prompt_tokens_details"] = {{"cached_tokens", live.cached_tokens}};
  }
  if (live.returns_times) answer["latency"] = return_latency(live);
  return dump_json(answer);
}

std::string error_body(std::string_view message, std::string_view type, int status) {
  return dump_json(Json{
      {"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", status}}}});
}

}  // namespace tacho
