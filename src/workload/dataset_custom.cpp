// tacho's own: {"prompt": …, "input_tokens": n, "output_tokens": n}, a list of what `tacho dataset
// generate` writes. vLLM's "custom" files, with a prompt and perhaps output_tokens on each line,
// are the same.
#include <algorithm>

#include "base/text.h"
#include "workload/dataset_format.h"

namespace tacho {
namespace {

bool fits(const std::vector<std::string>& keys) {
  const auto has = [&](const char* key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  return has("prompt") && has("output_tokens");
}

JsonError read(JsonObject& object, DatasetEntry& entry) {
  std::string prompt;
  std::string system;
  bool broken = false;
  for (auto field : object) {
    std::string_view key;
    JsonValue value;
    if (const JsonError failure = field.unescaped_key().get(key)) return failure;
    std::string* text = nullptr;
    std::uint32_t* tokens = nullptr;
    if (key == "prompt") text = &prompt;
    if (key == "system") text = &system;
    if (listed("reply completion response", key)) text = &entry.reply;
    if (key == "input_tokens") tokens = &entry.input_tokens;
    if (listed("output_tokens output_len", key)) tokens = &entry.output_tokens;
    if (const JsonError failure = field.value().get(value)) return failure;
    JsonError failure = simdjson::SUCCESS;
    if (text != nullptr) failure = read_text(value, *text, broken);
    if (tokens != nullptr) failure = read_tokens(value, *tokens);
    if (failure != simdjson::SUCCESS) return failure;
  }
  if (trim(prompt).empty()) entry.unusable = "without a \"prompt\"";
  if (broken) entry.unusable = "with a broken \\u escape";
  if (!trim(system).empty()) entry.messages.push_back({"system", std::move(system)});
  entry.messages.push_back({"user", std::move(prompt)});
  return simdjson::SUCCESS;
}

}  // namespace

const DatasetFormat& custom_format() {
  static const DatasetFormat format{"custom", "tacho", fits, read};
  return format;
}

}  // namespace tacho
