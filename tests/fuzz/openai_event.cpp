// The reader of events against a reading of the same JSON through nlohmann-json. The fast one reads
// on demand: it may pass over what it does not need, so of broken JSON only this is asked, that it
// does no harm; of sound JSON, that both readings are the same.
#include "base/text.h"
#include "fuzz.h"
#include "protocol/openai_json.h"
#include "sound_json.h"

namespace tacho::fuzz {
namespace {

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

void take_text(const Json& value, std::string& out) {
  if (value.is_string()) out = value.get<std::string>();
}

void take_count(const Json* value, std::optional<std::uint32_t>& out) {
  if (value == nullptr || !value->is_number_unsigned()) return;
  const auto count = value->get<std::uint64_t>();
  out = count > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(count);
}

void take_ms(const Json* value, std::optional<double>& out) {
  if (value != nullptr && value->is_number()) out = value->get<double>();
}

void read_message(const Json& message, Delta& delta) {
  if (!message.is_object()) return;
  for (const auto& [key, value] : message.items()) {
    if (key == "content") take_text(value, delta.text);
    if (key == "reasoning_content" || key == "reasoning") take_text(value, delta.reasoning);
    if (key == "tool_calls" && value.is_array() && !value.empty()) delta.has_tool_call = true;
  }
}

void read_choices(const Json& choices, Delta& delta) {
  if (!choices.is_array()) return;
  delta.has_choices = true;
  if (choices.empty() || !choices[0].is_object()) return;
  for (const auto& [key, value] : choices[0].items()) {
    if (key == "delta" || key == "message") read_message(value, delta);
    if (key == "text") take_text(value, delta.text);
    if (key == "finish_reason") take_text(value, delta.finish_reason);
  }
}

void read_usage(const Json& usage, Delta& delta) {
  delta.has_usage = usage.is_object();
  take_count(find(usage, "prompt_tokens"), delta.input_tokens);
  take_count(find(usage, "completion_tokens"), delta.output_tokens);
  if (const Json* details = find(usage, "prompt_tokens_details")) {
    take_count(find(*details, "cached_tokens"), delta.cached_tokens);
  }
  if (const Json* details = find(usage, "completion_tokens_details")) {
    take_count(find(*details, "reasoning_tokens"), delta.reasoning_tokens);
  }
}

void read_error(const Json& error, Delta& delta) {
  take_text(error, delta.error);
  if (const Json* message = find(error, "message")) take_text(*message, delta.error);
  if (error.is_object() && delta.error.empty()) delta.error = "an error object without a message";
}

void read_times(std::string_view key, const Json& value, Delta& delta) {
  if (key == "timings") {
    take_ms(find(value, "prompt_ms"), delta.prefill_ms);
    take_ms(find(value, "predicted_per_token_ms"), delta.decode_per_token_ms);
  } else if (key == "latency") {
    take_ms(find(value, "model_prefill_latency"), delta.prefill_ms);
    take_ms(find(value, "avg_decode_latency"), delta.decode_per_token_ms);
    take_ms(find(value, "time_in_queue"), delta.queue_ms);
    take_ms(find(value, "request_latency"), delta.total_ms);
  }
}

Delta read_slowly(const Json& event) {
  Delta delta;
  for (const auto& [key, value] : event.items()) {
    if (key == "choices") read_choices(value, delta);
    if (key == "usage") read_usage(value, delta);
    if (key == "id") take_text(value, delta.id);
    if (key == "error") read_error(value, delta);
    if (key == "data") delta.has_choices = true;
    read_times(key, value, delta);
  }
  delta.is_malformed = !delta.has_choices && !delta.has_usage && delta.error.empty();
  return delta;
}

std::string described(const Delta& d) {
  const auto count = [](const auto& value) { return value ? format("{}", *value) : "-"; };
  return format("text {} reasoning {} tool {} choices {} malformed {} error {} finish {} id {} ",
                d.text, d.reasoning, d.has_tool_call, d.has_choices, d.is_malformed, d.error,
                d.finish_reason, d.id) +
         format("usage {}: {} {} {} {}, ms {} {} {} {}", d.has_usage, count(d.input_tokens),
                count(d.output_tokens), count(d.reasoning_tokens), count(d.cached_tokens),
                count(d.queue_ms), count(d.prefill_ms), count(d.decode_per_token_ms),
                count(d.total_ms));
}

}  // namespace
}  // namespace tacho::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacho;
  using namespace tacho::fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Delta delta;
  read_openai_json(text, delta);
  error_text(text);
  const auto json = sound_json(text);
  if (!json) return 0;
  if (!json->is_object()) {
    expect(delta.is_malformed, "what is no object is taken for an event");
    return 0;
  }
  expect_same(described(delta), described(read_slowly(*json)), "the event is read differently");
  return 0;
}
