// Free-form entries: any object with something to say under one of the usual keys, such as
// {"text"},
// {"prompt", "completion"}, {"question", "response"} or {"messages"}. Lists of texts are for
// embeddings.
#include "base/text.h"
#include "workload/dataset_turns.h"

namespace tacho {
namespace {

// In this order when an entry has several: the most explicit key wins.
constexpr const char* prompt_keys = "prompt text text_input question query input texts";
constexpr const char* reply_keys = "completion response reply answer output text_output";
constexpr const char* length_keys =
    "output_tokens output_len output_length expected_output_len max_completion_tokens max_tokens";

std::size_t rank_of(std::string_view list, std::string_view word) {
  const auto words = split(list, ' ');
  std::size_t rank = 0;
  while (rank < words.size() && words[rank] != word) ++rank;
  return rank;
}

/// What was found so far in one entry.
struct Found {
  std::string prompt;
  std::size_t prompt_rank = ~std::size_t{0};
  std::vector<std::string> inputs;
  std::string system;
  std::vector<Message> turns;
  bool is_trace = false;
  bool broken = false;
};

/// A prompt's text, or a list of texts to embed in one request.
JsonError read_prompt(JsonValue& value, std::size_t rank, Found& found) {
  simdjson::ondemand::json_type type{};
  if (const JsonError failure = value.type().get(type)) return failure;
  if (rank >= found.prompt_rank) return simdjson::SUCCESS;
  found.prompt_rank = rank;
  found.prompt.clear();
  found.inputs.clear();
  if (type != simdjson::ondemand::json_type::array) {
    return read_text(value, found.prompt, found.broken);
  }
  simdjson::ondemand::array texts;
  if (const JsonError failure = value.get_array().get(texts)) return failure;
  for (auto element : texts) {
    JsonValue inner;
    if (const JsonError failure = element.get(inner)) return failure;
    std::string text;
    if (const JsonError failure = read_text(inner, text, found.broken)) return failure;
    if (!text.empty()) found.inputs.push_back(std::move(text));
  }
  found.prompt = join(found.inputs, "\n");
  return simdjson::SUCCESS;
}

JsonError read_field(std::string_view key, JsonValue& value, Found& found, DatasetEntry& entry) {
  const std::size_t rank = rank_of(prompt_keys, key);
  if (rank < split(prompt_keys, ' ').size()) return read_prompt(value, rank, found);
  if (key == "messages") return read_turns(value, found.turns, found.broken);
  if (listed("system system_prompt", key)) return read_text(value, found.system, found.broken);
  if (listed(reply_keys, key)) return read_text(value, entry.reply, found.broken);
  if (listed(length_keys, key)) return read_tokens(value, entry.output_tokens);
  if (listed("input_length hash_ids", key)) found.is_trace = true;
  return simdjson::SUCCESS;
}

/// Messages that end with the user are a request, sent whole; others are a conversation that was
/// had.
void take_messages(std::vector<Message> turns, DatasetEntry& entry) {
  if (turns.back().role != "user" || trim(turns.back().content).empty()) {
    take_first_exchange(std::move(turns), entry);
    return;
  }
  entry.messages = std::move(turns);
}

JsonError read(JsonObject& object, DatasetEntry& entry) {
  Found found;
  for (auto field : object) {
    std::string key;
    std::string_view view;
    JsonValue value;
    if (const JsonError failure = field.unescaped_key().get(view)) return failure;
    key.assign(view);
    if (const JsonError failure = field.value().get(value)) return failure;
    if (const JsonError failure = read_field(key, value, found, entry)) return failure;
  }
  if (found.turns.empty() && !trim(found.prompt).empty()) {
    found.turns.push_back({"user", std::move(found.prompt)});
    entry.inputs = std::move(found.inputs);
  }
  if (!found.turns.empty() && !trim(found.system).empty()) {
    found.turns.insert(found.turns.begin(), {"system", std::move(found.system)});
  }
  if (!found.turns.empty()) take_messages(std::move(found.turns), entry);
  if (entry.messages.empty()) entry.unusable = "without a text";
  if (found.is_trace && entry.messages.empty()) entry.unusable = "of a trace (lengths, no text)";
  if (found.broken) entry.unusable = "with a broken \\u escape";
  return simdjson::SUCCESS;
}

bool fits(const std::vector<std::string>&) { return true; }

}  // namespace

const DatasetFormat& jsonl_format() {
  static const DatasetFormat format{"jsonl", "json lines single_turn openai openorca", fits, read};
  return format;
}

}  // namespace tacho
