#include "base/json.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

// What is written or walked later goes down level by level, on the stack; no honest document is as
// deep.
constexpr int depth_max = 200;

bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool is_in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string) {
      if (c == '\\') ++i;
      if (c == '"') is_in_string = false;
    } else if (c == '"') {
      is_in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > depth_max) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// Line and column are what an editor shows.
Error not_valid(std::string_view text, std::size_t offset, std::string_view what) {
  offset = std::min(offset, text.size());
  const auto before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto line_start = before.rfind('\n');
  const auto column = offset - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1;
  return input_error(format("{}: line {}, column {}: not valid JSON", what, line, column));
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what) {
  if (is_too_deep(text))
    return input_error(format("{}: JSON of more than {} levels", what, depth_max));
  // The library takes a zero byte for the end and would pass over what follows.
  const auto zero = text.find('\0');
  if (zero != std::string_view::npos) return not_valid(text, zero, what);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    // The library counts bytes from 1 and gives a long text.
    return not_valid(text, e.byte > 0 ? e.byte - 1 : 0, what);
  } catch (const Json::exception&) {  // Valid JSON that it cannot hold: 1e999.
    return input_error(format("{}: a number that is too large", what));
  }
}

Result<Json> read_json_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) return text.error();
  return parse_json(*text, path);
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string json_string(const Json& object, const char* key, std::string_view otherwise) {
  if (!object.is_object()) return std::string(otherwise);
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::string(otherwise);
  return found->get<std::string>();
}

double json_number(const Json& object, const char* key, double otherwise) {
  if (!object.is_object()) return otherwise;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return otherwise;
  return found->get<double>();
}

}  // namespace tacho
