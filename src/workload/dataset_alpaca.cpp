// Alpaca: {"instruction": …, "input": …, "output": …}. A non-empty input follows the instruction on
// a new line, as the fine-tuning tools join them.
#include <algorithm>

#include "base/text.h"
#include "workload/dataset_format.h"

namespace tacho {
namespace {

bool fits(const std::vector<std::string>& keys) {
  return std::find(keys.begin(), keys.end(), "instruction") != keys.end();
}

JsonError read(JsonObject& object, DatasetEntry& entry) {
  std::string instruction;
  std::string input;
  std::string system;
  bool broken = false;
  for (auto field : object) {
    std::string_view key;
    JsonValue value;
    if (const JsonError failure = field.unescaped_key().get(key)) return failure;
    std::string* text = nullptr;
    if (key == "instruction") text = &instruction;
    if (key == "input") text = &input;
    if (listed("output response", key)) text = &entry.reply;
    if (key == "system") text = &system;
    if (const JsonError failure = field.value().get(value)) return failure;
    if (text == nullptr) continue;
    if (const JsonError failure = read_text(value, *text, broken)) return failure;
  }
  if (trim(instruction).empty()) entry.unusable = "without an \"instruction\"";
  if (broken) entry.unusable = "with a broken \\u escape";
  if (!trim(input).empty()) instruction += "\n" + input;
  if (!trim(system).empty()) entry.messages.push_back({"system", std::move(system)});
  entry.messages.push_back({"user", std::move(instruction)});
  return simdjson::SUCCESS;
}

}  // namespace

const DatasetFormat& alpaca_format() {
  static const DatasetFormat format{"alpaca", "instruction", fits, read};
  return format;
}

}  // namespace tacho
