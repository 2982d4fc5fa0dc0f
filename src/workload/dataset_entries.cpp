#include "workload/dataset_entries.h"

#include <algorithm>

#include "base/text.h"

namespace tacho {
namespace {

using simdjson::ondemand::json_type;

/// simdjson's messages are for programmers; these are for people with a file.
const char* plain_words(JsonError failure) {
  switch (failure) {
    case simdjson::UTF8_ERROR:
      return "bytes that are not UTF-8";
    case simdjson::UNCLOSED_STRING:
      return "a string that never ends; is the file cut short?";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "JSON that is not closed at its end; is the file cut short?";
    case simdjson::UNESCAPED_CHARS:
      return "a control character inside a string";
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC:
      return "more JSON than fits into memory or 4 GB";
    case simdjson::EMPTY:
      return "nothing";
    default:
      return "broken JSON";
  }
}

/// Files that people hand in instead of the one they mean; "" when the first bytes may be JSON.
std::string not_json(std::string_view text) {
  const std::string_view head = text.substr(0, 64);
  if (trim(head).empty() && trim(text).empty()) return "is empty";
  if (head.starts_with("\x1f\x8b")) return "is compressed; unpack it first (gunzip)";
  if (head.starts_with("\x28\xb5\x2f\xfd")) return "is compressed; unpack it first (unzstd)";
  if (head.starts_with("PK\x03\x04")) return "is a zip archive; unpack it first";
  if (head.starts_with("PAR1")) return "is Parquet; convert it to JSON lines first";
  if (head.starts_with("version https://git-lfs")) {
    return "is a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'";
  }
  const char first = trim(text.substr(0, 4096)).substr(0, 1).empty() ? ' ' : trim(text)[0];
  if (first == '<') return "is a web page, not a dataset; download the raw file";
  if (first == '[' || first == '{' || first == '"') return "";
  return "is no dataset: neither a JSON list nor a JSON entry on each line";
}

/// What the walkers share.
struct Walk {
  std::string_view text;  ///< Followed by simdjson's padding.
  const std::string& path;
  const std::string& name;
  const EntryVisitor& visit;
};

Error broken_at(const Walk& walk, std::size_t line, JsonError failure) {
  return input_error(format("'{}', line {}: {}", walk.path, line, plain_words(failure)));
}

std::size_t line_of(std::string_view text, const char* place) {
  const bool inside = place >= text.data() && place <= text.data() + text.size();
  const char* end = inside ? place : text.data() + text.size();
  return 1 + static_cast<std::size_t>(std::count(text.data(), end, '\n'));
}

/// True when something follows the value that was read; simdjson has no place to name at the end.
bool has_more(simdjson::ondemand::document& document) {
  const char* place = nullptr;
  return document.current_location().get(place) == simdjson::SUCCESS;
}

Status wrong_entry(const Walk& walk, const std::string& place) {
  return input_error(
      format("'{}', {}: neither an object nor a string, so no prompt", walk.path, place));
}

/// Hands one element of a list to the visitor. False: it is neither an object nor a string.
JsonError visit_element(const Walk& walk, JsonValue& value, std::size_t number, bool& usable) {
  EntryView view;
  view.origin = format("{}:#{}", walk.name, number);
  json_type type{};
  if (const JsonError failure = value.type().get(type)) return failure;
  usable = type == json_type::object || type == json_type::string;
  if (!usable) return simdjson::SUCCESS;
  if (type == json_type::string) {
    if (const JsonError failure = value.get_string().get(view.text)) return failure;
    return walk.visit(view);
  }
  JsonObject object;
  if (const JsonError failure = value.get_object().get(object)) return failure;
  view.object = &object;
  return walk.visit(view);
}

Status visit_list(const Walk& walk) {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  const std::size_t allocated = walk.text.size() + simdjson::SIMDJSON_PADDING;
  JsonError failure = parser.iterate(walk.text.data(), walk.text.size(), allocated).get(document);
  if (failure != simdjson::SUCCESS) {
    return input_error(format("'{}' holds {}", walk.path, plain_words(failure)));
  }
  simdjson::ondemand::array list;
  failure = document.get_array().get(list);
  std::size_t number = 0;
  if (failure == simdjson::SUCCESS) {
    for (auto element : list) {
      JsonValue value;
      bool usable = true;
      failure = element.get(value);
      if (failure == simdjson::SUCCESS) failure = visit_element(walk, value, ++number, usable);
      if (failure != simdjson::SUCCESS) break;
      if (!usable) return wrong_entry(walk, format("entry {}", number));
    }
  }
  if (failure == simdjson::SUCCESS && has_more(document)) failure = simdjson::TRAILING_CONTENT;
  if (failure == simdjson::SUCCESS) return Nothing{};
  if (failure == simdjson::INCOMPLETE_ARRAY_OR_OBJECT) {
    return input_error(format("'{}' holds {}", walk.path, plain_words(failure)));
  }
  const char* place = nullptr;
  if (document.current_location().get(place) != simdjson::SUCCESS) place = nullptr;
  return broken_at(walk, line_of(walk.text, place), failure);
}

/// Reads one line. False in `usable`: it is neither an object nor a string.
JsonError visit_line(const Walk& walk, simdjson::ondemand::parser& parser, std::string_view line,
                     std::size_t number, bool& usable) {
  EntryView view;
  view.origin = format("{}:{}", walk.name, number);
  // What follows the line, the next ones or the padding, is the slack that simdjson may look at.
  simdjson::ondemand::document document;
  if (const JsonError failure =
          parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING)
              .get(document)) {
    return failure;
  }
  json_type type{};
  if (const JsonError failure = document.type().get(type)) return failure;
  usable = type == json_type::object || type == json_type::string;
  if (!usable) return simdjson::SUCCESS;
  if (type == json_type::string) {
    if (const JsonError failure = document.get_string().get(view.text)) return failure;
    return walk.visit(view);
  }
  JsonObject object;
  if (const JsonError failure = document.get_object().get(object)) return failure;
  view.object = &object;
  if (const JsonError failure = walk.visit(view)) return failure;
  return has_more(document) ? simdjson::TRAILING_CONTENT : simdjson::SUCCESS;
}

Status visit_lines(const Walk& walk) {
  simdjson::ondemand::parser parser;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < walk.text.size();) {
    const std::size_t end = std::min(walk.text.find('\n', begin), walk.text.size());
    const std::string_view line = trim(walk.text.substr(begin, end - begin));
    begin = end + 1;
    ++number;
    if (line.empty()) continue;
    bool usable = true;
    const JsonError failure = visit_line(walk, parser, line, number, usable);
    if (number == 1 && (line == "{" || failure == simdjson::INCOMPLETE_ARRAY_OR_OBJECT)) {
      return input_error(
          format("'{}' is one JSON object over several lines: a dataset is a list "
                 "of entries, or has one whole entry on each line",
                 walk.path));
    }
    if (failure != simdjson::SUCCESS) return broken_at(walk, number, failure);
    if (!usable) return wrong_entry(walk, format("line {}", number));
  }
  return Nothing{};
}

}  // namespace

Status visit_entries(std::string text, const std::string& path, const std::string& name,
                     const EntryVisitor& visit) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  const std::size_t begin = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  const std::size_t size = text.size() - begin;
  const std::string problem = not_json(std::string_view(text).substr(begin));
  if (!problem.empty()) return input_error(format("'{}' {}", path, problem));

  text.append(simdjson::SIMDJSON_PADDING, '\0');
  const Walk walk{std::string_view(text).substr(begin, size), path, name, visit};
  return trim(walk.text)[0] == '[' ? visit_list(walk) : visit_lines(walk);
}

}  // namespace tacho
