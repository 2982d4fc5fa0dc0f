// The project's one door to nlohmann-json: configuration in, results out. Never on the hot path;
// events of a stream are read with simdjson in protocol/.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tacho {

/// A JSON value that keeps the order of its keys.
using Json = nlohmann::ordered_json;

/// Parses one JSON text. The error names `what` (a file, an option) and the line and column.
Result<Json> parse_json(std::string_view text, std::string_view what);

/// Reads and parses a JSON file.
Result<Json> read_json_file(const std::string& path);

/// The value as text, invalid UTF-8 replaced. `indent` < 0 writes it on one line.
std::string dump_json(const Json& value, int indent = -1);

/// The string at `key`, or `otherwise` when it is missing or no string.
std::string json_string(const Json& object, const char* key, std::string_view otherwise = "");

/// The number at `key`, or `otherwise` when it is missing or no number.
double json_number(const Json& object, const char* key, double otherwise = 0.0);

}  // namespace tacho
