// What a dataset format is: how to know its entries, and how to read one. Files of this floor only.
//
// A file is a list or has one entry a line whatever the format, so that is decided elsewhere
// (dataset_entries.h); a format sees one JSON object at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/simd_json.h"
#include "workload/prompt.h"

namespace tacho {

using JsonError = simdjson::error_code;
using JsonObject = simdjson::ondemand::object;
using JsonValue = simdjson::ondemand::value;

/// One entry as a format understood it.
struct DatasetEntry {
  std::vector<Message> messages;
  std::vector<std::string> inputs;
  std::string reply;
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  const char* unusable = nullptr;  ///< Why it cannot be a prompt: "without a human turn".
};

/// A format: its names, and two functions without state.
struct DatasetFormat {
  const char* name;
  const char* aliases;  ///< Other names, separated by spaces.
  bool (*fits)(
      const std::vector<std::string>& keys);  ///< Whether an entry of these keys may be one.
  JsonError (*read)(JsonObject& object, DatasetEntry& entry);  ///< Fails only on broken JSON.
};

/// ShareGPT: a list of turns, each from somebody.
const DatasetFormat& sharegpt_format();
/// Alpaca: instruction, input, output.
const DatasetFormat& alpaca_format();
/// What `tacho dataset generate` writes.
const DatasetFormat& custom_format();
/// Lines with a text, a prompt or messages, under the usual names.
const DatasetFormat& jsonl_format();

/// True when `word` is among the words of `list`, which are separated by spaces.
bool listed(std::string_view list, std::string_view word);

/// Reads a text into `out`: a string, or a list of {"type": "text", "text": …} parts, whose texts
/// are joined. Anything else leaves `out` empty. A string with broken \u escapes is an error of the
/// value, not of the file: it sets `broken`.
JsonError read_text(JsonValue& value, std::string& out, bool& broken);

/// Reads a number of tokens written as a number or as a string of digits; 0 when it is neither.
JsonError read_tokens(JsonValue& value, std::uint32_t& out);

}  // namespace tacho
