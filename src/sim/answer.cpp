#include "sim/answer.h"

#include <cmath>

#include "base/json.h"
#include "base/text.h"

namespace tacho {
namespace {

bool calls_tool(const LiveRequest& live) {
  return live.fault.kind == Fault::Kind::tool_calls && live.is_chat;
}

std::string_view finish_reason(const LiveRequest& live) {
  if (live.fault.kind == Fault::Kind::abort_reason) return "abort";
  if (live.fault.kind == Fault::Kind::content_filter) return "content_filter";
  if (calls_tool(live)) return "tool_calls";
  return live.ends_by_length ? "length" : "stop";
}

/// The output tokens that the usage tells of.
std::uint64_t counted(const LiveRequest& live) {
  const bool is_wrong = live.fault.kind == Fault::Kind::usage_wrong;
  return live.written_tokens + (is_wrong ? static_cast<std::uint64_t>(live.fault.argument) : 0);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + '"';
}

void append_usage(std::string& out, const LiveRequest& live) {
  fmt::format_to(std::back_inserter(out),
                 "\"usage\":{{\"prompt_tokens\":{},\"total_tokens\":{},\"completion_tokens\":{}",
                 live.input_tokens, live.input_tokens + counted(live), counted(live));
  if (live.cached_tokens > 0) {
    fmt::format_to(std::back_inserter(out), ",\"prompt_tokens_details\":{{\"cached_tokens\":{}}}",
                   live.cached_tokens);
  }
  out += '}';
}

double rounded_ms(Duration duration) { return std::round(to_ms(duration) * 100.0) / 100.0; }

/// The suite's five figures, in ms with two decimals.
/// A piece of a tool call, {"q":"..."} all in all; its delta's inside.
void append_tool_call(std::string& out, const LiveRequest& live, bool is_last) {
  out += R"("tool_calls":[{"index":0,)";
  if (!live.has_begun) out += format(R"("id":"call_{}","type":"function",)", live.truth.id);
  out += R"("function":{)";
  if (!live.has_begun) out += R"("name":"look_up",)";
  out += R"("arguments":")";
  if (!live.has_begun) out += R"({\"q\":\")";
  append_json_escaped(out, live.text);
  if (is_last) out += R"(\"})";
  out += "\"}}]";
}

/// What all events of an answer begin with.
std::string head_of(const LiveRequest& live) {
  const std::string fingerprint =
      live.fingerprint.empty() ? "" : "\"system_fingerprint\":" + in_quotes(live.fingerprint) + ",";
  return format("data: {{\"id\":\"{}\",\"object\":\"{}\",\"created\":{},\"model\":{},{}",
                live.truth.id, live.is_chat ? "chat.completion.chunk" : "text_completion",
                live.created_s, in_quotes(live.model), fingerprint);
}

/// A delta's inside for those answers that do not just go on with `event_start`.
bool append_odd_delta(std::string& out, const LiveRequest& live, bool is_last) {
  if (!calls_tool(live) && live.reasoning.empty()) return false;
  const std::string_view start = live.event_start;
  out += start.substr(0, start.size() - std::string_view("\"content\":\"").size());
  if (calls_tool(live)) {
    append_tool_call(out, live, is_last);
    return true;
  }
  out += "\"reasoning_content\":" + in_quotes(live.reasoning);
  if (!live.text.empty()) out += ",\"content\":" + in_quotes(live.text);
  return true;
}

Json return_latency(const LiveRequest& live) {
  const Instant received = live.truth.received;
  const Instant first = live.first_written;
  const Instant last = live.last_written;
  const auto steps = std::int64_t{live.emitted} - 1;
  return {{"prefill_latency", rounded_ms(first - received)},
          {"model_prefill_latency", rounded_ms(first - live.scheduled)},
          {"avg_decode_latency", steps > 0 ? rounded_ms((last - first) / steps) : 0.0},
          {"time_in_queue", rounded_ms(live.scheduled - live.queued)},
          {"request_latency", rounded_ms(last - received)}};
}

Json message_of(const LiveRequest& live) {
  Json message{{"role", "assistant"}, {"content", live.text}};
  if (!live.reasoning.empty()) message["reasoning_content"] = live.reasoning;
  if (calls_tool(live)) {
    const Json call{
        {"id", "call_" + live.truth.id},
        {"type", "function"},
        {"function", {{"name", "look_up"}, {"arguments", format(R"({{"q":"{}"}})", live.text)}}}};
    message["content"] = nullptr;
    message["tool_calls"] = Json::array({call});
  }
  return message;
}

}  // namespace

void prepare_events(LiveRequest& live) {
  live.event_start = format("{}\"choices\":[{{\"index\":0,{}", head_of(live),
                            live.is_chat ? "\"delta\":{\"content\":\"" : "\"text\":\"");
}

void append_event(std::string& out, const LiveRequest& live, bool is_last, bool with_usage) {
  if (!append_odd_delta(out, live, is_last)) {
    out += live.event_start;
    append_json_escaped(out, live.text);
    out += '"';
  }
  out += live.is_chat ? "},\"logprobs\":" : ",\"logprobs\":";
  out += live.logprobs.empty() ? "null" : live.logprobs;
  out += ",\"finish_reason\":";
  if (is_last) {
    out += in_quotes(finish_reason(live));
  } else {
    out += "null";
  }
  out += "}]";
  if (with_usage && live.fault.kind != Fault::Kind::usage_missing) {
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

void append_usage_event(std::string& out, const LiveRequest& live) {
  out += head_of(live) + "\"choices\":[],";
  append_usage(out, live);
  out += "}\n\n";
}

Json take_logprobs(LiveRequest& live, const TokenText& text_of) {
  Scoring& scoring = *live.scoring;
  Json json = live.is_chat ? chat_logprobs(scoring.pending, text_of)
                           : completion_logprobs(scoring.pending, text_of, scoring.offset);
  scoring.pending.clear();
  return json;
}

std::string whole_answer(LiveRequest& live, const TokenText& text_of) {
  Json choice{{"index", 0}};
  if (live.is_chat) {
    choice["message"] = message_of(live);
  } else {
    choice["text"] = live.text;
  }
  choice["logprobs"] = nullptr;
  if (live.scoring && live.scoring->alternatives) choice["logprobs"] = take_logprobs(live, text_of);
  choice["finish_reason"] = finish_reason(live);
  if (live.scoring && !live.is_chat) choice["prompt_logprobs"] = live.scoring->of_prompt;
  Json answer;
  answer["id"] = live.truth.id;
  answer["object"] = live.is_chat ? "chat.completion" : "text_completion";
  answer["created"] = live.created_s;
  answer["model"] = live.model;
  if (!live.fingerprint.empty()) answer["system_fingerprint"] = live.fingerprint;
  answer["choices"] = Json::array({choice});
  const bool has_usage = live.fault.kind != Fault::Kind::usage_missing;
  if (has_usage) {
    answer["usage"] = {{"prompt_tokens", live.input_tokens},
                       {"total_tokens", live.input_tokens + counted(live)},
                       {"completion_tokens", counted(live)}};
  }
  if (has_usage && live.cached_tokens > 0) {
    answer["usage"]["prompt_tokens_details"] = {{"cached_tokens", live.cached_tokens}};
  }
  if (live.scoring && live.is_chat) answer["prompt_logprobs"] = live.scoring->of_prompt;
  if (live.returns_times) answer["latency"] = return_latency(live);
  return dump_json(answer);
}

std::string error_body(std::string_view message, std::string_view type, int status,
                       std::string_view param) {
  Json error{{"message", message}, {"type", type}, {"param", nullptr}, {"code", status}};
  if (!param.empty()) error["param"] = param;
  return dump_json(Json{{"error", error}});
}

}  // namespace tacho
