#include "workload/dataset_turns.h"

#include "base/text.h"

namespace tacho {
namespace {

std::string plain_role(std::string_view role) {
  const std::string name = lower(role);
  if (listed("human user prompter", name)) return "user";
  // A function call is what the assistant says; ShareGPT's "observation" is what the tool answers.
  if (listed("gpt assistant chatgpt bing bard function_call model", name)) return "assistant";
  if (listed("observation tool function", name)) return "tool";
  return name;
}

JsonError read_turn(JsonValue& value, Message& message, bool& broken) {
  simdjson::ondemand::json_type type{};
  if (const JsonError failure = value.type().get(type)) return failure;
  // A list may hold nulls or bare strings; they say nothing and are passed over.
  if (type != simdjson::ondemand::json_type::object) return simdjson::SUCCESS;
  JsonObject turn;
  if (const JsonError failure = value.get_object().get(turn)) return failure;
  for (auto field : turn) {
    std::string_view key;
    JsonValue content;
    if (const JsonError failure = field.unescaped_key().get(key)) return failure;
    const bool is_role = key == "from" || key == "role";
    const bool is_text = key == "value" || key == "content" || key == "text";
    if (const JsonError failure = field.value().get(content)) return failure;
    if (!is_role && !is_text) continue;
    std::string text;
    if (const JsonError failure = read_text(content, text, broken)) return failure;
    if (is_role) {
      message.role = plain_role(text);
    } else if (!text.empty()) {
      message.content = std::move(text);
    }
  }
  return simdjson::SUCCESS;
}

}  // namespace

JsonError read_turns(JsonValue& list, std::vector<Message>& turns, bool& broken) {
  simdjson::ondemand::json_type type{};
  if (const JsonError failure = list.type().get(type)) return failure;
  if (type != simdjson::ondemand::json_type::array) return simdjson::SUCCESS;
  simdjson::ondemand::array array;
  if (const JsonError failure = list.get_array().get(array)) return failure;
  for (auto element : array) {
    JsonValue value;
    if (const JsonError failure = element.get(value)) return failure;
    Message message;
    if (const JsonError failure = read_turn(value, message, broken)) return failure;
    if (!message.role.empty()) turns.push_back(std::move(message));
  }
  return simdjson::SUCCESS;
}

void take_first_exchange(std::vector<Message> turns, DatasetEntry& entry) {
  std::size_t human = 0;
  while (human < turns.size() && turns[human].role != "user") ++human;
  if (human == turns.size()) {
    entry.unusable = "without a human turn";
    return;
  }
  for (std::size_t i = 0; i < human; ++i) {
    if (turns[i].role != "system" || trim(turns[i].content).empty()) continue;
    entry.messages.push_back(std::move(turns[i]));
    break;
  }
  for (std::size_t i = human + 1; i < turns.size(); ++i) {
    if (turns[i].role != "assistant") continue;
    entry.reply = std::move(turns[i].content);
    break;
  }
  if (trim(turns[human].content).empty()) entry.unusable = "with an empty human turn";
  entry.messages.push_back(std::move(turns[human]));
}

}  // namespace tacho
