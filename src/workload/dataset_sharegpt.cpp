// ShareGPT: {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}, …]}, the
// format of most load tests' data, and its relatives with "conversation", "role" or a "system" text
// of its own.
#include "base/text.h"
#include "workload/dataset_turns.h"

namespace tacho {
namespace {

bool fits(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (listed("conversations conversation", key)) return true;
  }
  return false;
}

JsonError read(JsonObject& object, DatasetEntry& entry) {
  std::vector<Message> turns;
  std::string system;
  bool has_list = false;
  bool broken = false;
  for (auto field : object) {
    std::string_view key;
    JsonValue value;
    if (const JsonError failure = field.unescaped_key().get(key)) return failure;
    const bool is_list = listed("conversations conversation messages", key);
    const bool is_system = key == "system";
    if (const JsonError failure = field.value().get(value)) return failure;
    JsonError failure = simdjson::SUCCESS;
    if (is_list) failure = read_turns(value, turns, broken);
    if (is_system) failure = read_text(value, system, broken);
    if (failure != simdjson::SUCCESS) return failure;
    has_list = has_list || is_list;
  }
  if (!trim(system).empty()) turns.insert(turns.begin(), {"system", std::move(system)});
  take_first_exchange(std::move(turns), entry);
  if (broken) entry.unusable = "with a broken \\u escape";
  if (!has_list) entry.unusable = "without \"conversations\"";
  return simdjson::SUCCESS;
}

}  // namespace

const DatasetFormat& sharegpt_format() {
  static const DatasetFormat format{"sharegpt", "share-gpt share_gpt glaive", fits, read};
  return format;
}

}  // namespace tacho
