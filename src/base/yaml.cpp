#include "base/yaml.h"

#include <algorithm>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

// Deeper than any honest file, and no danger to the stack.
constexpr std::size_t depth_max = 60;

/// One line, its number from 1, and how far it is indented.
struct Line {
  std::size_t number = 0;
  std::size_t indent = 0;
  std::string_view text;  ///< Without indentation and line end; the comment is still there.
};

/// Where the closing quote of a quoted text is, or npos.
std::size_t closing_quote(std::string_view text) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
        ++i;
      } else {
        return i;
      }
    }
  }
  return std::string_view::npos;
}

/// Without a comment, which begins at a '#' after a space, outside of quotes.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins_word = i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t';
    if (c == '#' && begins_word) return trim(text.substr(0, i));
    // A quote in the middle of a plain word is only a letter.
    const bool opens = (c == '"' || c == '\'') && (begins_word || text[i - 1] == '[' ||
                                                   text[i - 1] == '{' || text[i - 1] == ',');
    if (!opens) continue;
    const std::size_t close = closing_quote(text.substr(i));
    if (close == std::string_view::npos) return trim(text);
    i += close;
  }
  return trim(text);
}

/// What a quoted text means; nothing where an escape is not known.
std::optional<std::string> unquoted(std::string_view text) {
  std::string out;
  const bool is_double = text.front() == '"';
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (!is_double) {
      if (text[i] == '\'') ++i;
      out += text[i];
    } else if (text[i] == '\\') {
      constexpr std::string_view letters = "\"\\/nt0";
      const std::size_t at = letters.find(text[++i]);
      if (at == std::string_view::npos) return std::nullopt;
      out += std::string_view("\"\\/\n\t\0", 6)[at];
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The position of the colon that ends a key, or npos.
std::size_t key_end(std::string_view text) {
  std::size_t from = 0;
  if (text.front() == '"' || text.front() == '\'') {
    from = closing_quote(text);
    if (from == std::string_view::npos) return from;
  }
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) return i;
  }
  return std::string_view::npos;
}

/// Goes through the lines once. An error ends it: `error_` is set and everything returns.
class Reader {
 public:
  Reader(std::string_view text, std::string_view what) : what_(what) {
    std::size_t number = 0;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      std::string_view line = text.substr(begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      begin = end + 1;
      const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
      lines_.push_back({++number, indent, line.substr(indent)});
    }
  }

  Result<Json> document() {
    skip_empty();
    if (at_ < lines_.size() && lines_[at_].text == "---") ++at_;
    Json value = block(0, 0);
    skip_empty();
    if (!error_ && at_ < lines_.size()) fail("is not indented as the lines before it");
    if (error_) return *error_;
    return value;
  }

 private:
  void fail(std::string_view why) {
    if (error_) return;
    const std::size_t number = at_ < lines_.size() ? lines_[at_].number : lines_.size();
    error_ = input_error(format("{}: line {} {}", what_, number, why));
  }

  /// Goes on to the next line that says something.
  void skip_empty() {
    while (at_ < lines_.size() && without_comment(lines_[at_].text).empty()) ++at_;
    if (at_ < lines_.size() && lines_[at_].text.front() == '\t') {
      fail("is indented by a tab; use spaces");
    }
  }

  static bool is_item(std::string_view text) { return text == "-" || text.starts_with("- "); }

  /// A map, a list or a scalar whose lines are indented by at least `least`.
  Json block(std::size_t least, std::size_t depth) {
    skip_empty();
    if (at_ >= lines_.size() || lines_[at_].indent < least) return nullptr;
    if (depth > depth_max) return fail("is nested too deeply"), nullptr;
    const Line& line = lines_[at_];
    if (error_) return nullptr;
    if (is_item(line.text)) return list(line.indent, depth);
    if (key_end(line.text) != std::string_view::npos && line.text.front() != '{') {
      return map(line.indent, depth);
    }
    const std::string_view text = line.text;
    return scalar(text, line.indent, depth);
  }

  Json list(std::size_t indent, std::size_t depth) {
    Json items = Json::array();
    for (skip_empty(); !error_ && at_ < lines_.size() && lines_[at_].indent == indent &&
                       is_item(lines_[at_].text);
         skip_empty()) {
      Line& line = lines_[at_];
      const std::size_t inner = std::min(line.text.find_first_not_of(' ', 1), line.text.size());
      if (without_comment(line.text.substr(inner)).empty()) {
        ++at_;
        items.push_back(block(indent + 1, depth + 1));
      } else {
        // What follows the dash is a block of its own, indented by where it stands.
        line.indent += inner;
        line.text.remove_prefix(inner);
        items.push_back(block(indent + 1, depth + 1));
      }
    }
    return items;
  }

  Json map(std::size_t indent, std::size_t depth) {
    Json entries = Json::object();
    for (skip_empty(); !error_ && at_ < lines_.size() && lines_[at_].indent == indent;
         skip_empty()) {
      const std::string_view text = lines_[at_].text;
      const std::size_t end = key_end(text);
      if (end == std::string_view::npos || is_item(text)) return fail("has no 'key:'"), entries;
      const std::string_view typed = trim(text.substr(0, end));
      const bool is_quoted = typed.starts_with('"') || typed.starts_with('\'');
      const auto key = is_quoted ? unquoted(typed) : std::optional(std::string(typed));
      if (!key || key->empty()) return fail("has a key that cannot be read"), entries;
      if (entries.contains(*key)) return fail(format("has '{}' again", *key)), entries;
      entries[*key] = value_of_key(trim(text.substr(end + 1)), indent, depth);
    }
    return entries;
  }

  /// What stands behind a key, on its line or below it.
  Json value_of_key(std::string_view text, std::size_t indent, std::size_t depth) {
    if (!without_comment(text).empty()) return scalar(text, indent + 1, depth);
    ++at_;
    skip_empty();
    // A list below a key may stand as far left as the key.
    const bool is_list =
        at_ < lines_.size() && lines_[at_].indent == indent && is_item(lines_[at_].text);
    return block(is_list ? indent : indent + 1, depth + 1);
  }

  /// A value that begins on the current line; goes on to the line behind it.
  Json scalar(std::string_view typed, std::size_t least, std::size_t depth) {
    const char first = typed.front();
    if (first == '|' || first == '>') return literal(typed, least);
    std::string_view text = without_comment(typed);
    if (first == '[' || first == '{') {
      ++at_;
      Json value = flow(text, depth);
      if (!trim(text).empty()) --at_, fail("has something behind the closing bracket");
      return value;
    }
    if (first == '"' || first == '\'') {
      if (closing_quote(text) != text.size() - 1) return fail("has a quote that stays open"), "";
      auto value = unquoted(text);
      if (!value) fail("has an escape that is not known");
      ++at_;
      return value.value_or("");
    }
    if (std::string_view("&*!%@`").find(first) != std::string_view::npos) {
      return fail(format("begins a value with '{}', which is not read here; quote it", first)), "";
    }
    std::string value(text);
    // A plain text goes on in lines that are indented further.
    for (++at_; at_ < lines_.size() && lines_[at_].indent >= least; ++at_) {
      const std::string_view more = without_comment(lines_[at_].text);
      if (more.empty()) break;
      if (key_end(more) != std::string_view::npos) return fail("is indented too far"), "";
      value += " " + std::string(more);
    }
    return value;
  }

  /// A text in lines of its own: as they are (|), or joined (>).
  Json literal(std::string_view head, std::size_t least) {
    const std::string_view mark = without_comment(head);
    const bool is_folded = mark.front() == '>';
    if (mark != "|" && mark != ">" && mark != "|-" && mark != ">-" && mark != "|+") {
      return fail(format("has '{}', which is not read here", mark)), "";
    }
    ++at_;
    std::string text;
    std::optional<std::size_t> indent;
    std::size_t empty_lines = 0;
    for (; at_ < lines_.size(); ++at_) {
      const Line& line = lines_[at_];
      if (line.text.empty()) {
        ++empty_lines;
        continue;
      }
      if (!indent) indent = line.indent;
      if (line.indent < *indent || line.indent < least) break;
      const bool joins = is_folded && empty_lines == 0;
      if (!text.empty()) text += joins ? " " : std::string(empty_lines + !is_folded, '\n');
      text += std::string(line.indent - *indent, ' ') + std::string(line.text);
      empty_lines = 0;
    }
    if (mark.size() == 1 && !text.empty()) text += '\n';
    return text;
  }

  /// A list or a map on one line; takes it off the front of the text.
  Json flow(std::string_view& text, std::size_t depth) {
    const bool is_list = text.front() == '[';
    Json value = is_list ? Json::array() : Json::object();
    text = trim(text.substr(1));
    while (!error_) {
      if (text.empty() || depth > depth_max) return fail("has a bracket that stays open"), value;
      if (text.front() == (is_list ? ']' : '}')) break;
      if (is_list) {
        value.push_back(flow_value(text, depth));
      } else {
        const std::size_t end = key_end(text);
        if (end == std::string_view::npos) return fail("has no 'key:' in its brackets"), value;
        std::string_view typed = trim(text.substr(0, end));
        text = trim(text.substr(end + 1));
        const Json key = flow_value(typed, depth);
        Json item = flow_value(text, depth);
        value[key.is_string() ? key.get<std::string>() : ""] = std::move(item);
      }
      if (text.starts_with(',')) text = trim(text.substr(1));
    }
    if (!text.empty()) text = trim(text.substr(1));
    return value;
  }

  Json flow_value(std::string_view& text, std::size_t depth) {
    if (text.empty()) return nullptr;
    if (text.front() == '[' || text.front() == '{') return flow(text, depth + 1);
    const bool is_quoted = text.front() == '"' || text.front() == '\'';
    std::size_t end = is_quoted ? closing_quote(text) : text.find_first_of(",]}");
    if (is_quoted && end == std::string_view::npos) return fail("has an open quote"), nullptr;
    end = is_quoted ? end + 1 : std::min(end, text.size());
    const std::string_view typed = trim(text.substr(0, end));
    text = trim(text.substr(end));
    if (!is_quoted) return typed.empty() ? Json(nullptr) : Json(std::string(typed));
    auto value = unquoted(typed);
    if (!value) fail("has an escape that is not known");
    return value.value_or("");
  }

  std::string_view what_;
  std::vector<Line> lines_;
  std::size_t at_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<Json> parse_yaml(std::string_view text, std::string_view what) {
  return Reader(text, what).document();
}

Result<Json> read_yaml_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  return parse_yaml(*text, path);
}

std::string yaml_scalar(std::string_view text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./()<>+*=, ";
  const bool is_plain = !text.empty() && trim(text) == text &&
                        text.find_first_not_of(plain) == std::string_view::npos &&
                        (std::isalpha(static_cast<unsigned char>(text.front())) != 0) &&
                        !equal_ignoring_case(text, "true") && !equal_ignoring_case(text, "false") &&
                        !equal_ignoring_case(text, "null") && !equal_ignoring_case(text, "yes") &&
                        !equal_ignoring_case(text, "no") && !equal_ignoring_case(text, "on") &&
                        !equal_ignoring_case(text, "off") && text.size() > 1;
  if (is_plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  }
  return out + '"';
}

}  // namespace tacho
