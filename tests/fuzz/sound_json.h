// Sound JSON as the slow readings of the targets take it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace tacho::fuzz {

/// The JSON, if it is sound and no object says a key twice: of two, readers take different ones.
inline std::optional<Json> sound_json(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  bool has_doubles = false;
  const auto look = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      has_doubles |= !keys.back().insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  // The library takes a byte order mark for nothing, which not every reader does.
  if (text.starts_with("\xEF\xBB\xBF") || !parse_json(text, "")) return std::nullopt;
  Json json = Json::parse(text, look);
  if (has_doubles) return std::nullopt;
  return json;
}

}  // namespace tacho::fuzz
