#include "monitor/metrics_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace tacho {
namespace {

bool is_name_character(char c, bool is_first) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  return is_letter || (!is_first && c >= '0' && c <= '9');
}

/// Takes a name from the front.
std::string_view take_name(std::string_view& rest) {
  std::size_t n = 0;
  while (n < rest.size() && is_name_character(rest[n], n == 0)) ++n;
  const std::string_view name = rest.substr(0, n);
  rest.remove_prefix(n);
  return name;
}

void skip_spaces(std::string_view& rest) {
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
}

/// Takes a quoted value; false when it has no end.
bool take_quoted(std::string_view& rest, std::string& out) {
  if (rest.empty() || rest.front() != '"') return false;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) {
      ++i;
      out += rest[i] == 'n' ? '\n' : rest[i];
    } else {
      out += rest[i];
    }
  }
  return false;
}

/// Takes {name="value", …} if it is there; false when it is not sound.
bool take_labels(std::string_view& rest, Labels& labels) {
  if (rest.empty() || rest.front() != '{') return true;
  rest.remove_prefix(1);
  for (;;) {
    skip_spaces(rest);
    if (!rest.empty() && rest.front() == '}') {
      rest.remove_prefix(1);
      return true;
    }
    const std::string_view name = take_name(rest);
    skip_spaces(rest);
    if (name.empty() || rest.empty() || rest.front() != '=') return false;
    rest.remove_prefix(1);
    skip_spaces(rest);
    labels.emplace_back(name, "");
    if (!take_quoted(rest, labels.back().second)) return false;
    skip_spaces(rest);
    if (!rest.empty() && rest.front() == ',') rest.remove_prefix(1);
  }
}

/// A value as Prometheus writes it: NaN and infinities too.
std::optional<double> read_value(std::string_view text) {
  const std::string word = lower(text);
  if (word == "nan") return std::nan("");
  if (word == "inf" || word == "+inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  return parse_number(text);
}

/// The word up to the next space.
std::string_view take_word(std::string_view& rest) {
  skip_spaces(rest);
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(word.size());
  return word;
}

std::optional<MetricLine> read_line(std::string_view rest) {
  MetricLine line;
  line.name = std::string(take_name(rest));
  skip_spaces(rest);
  if (line.name.empty() || !take_labels(rest, line.labels)) return std::nullopt;
  const auto value = read_value(take_word(rest));
  if (!value) return std::nullopt;
  line.value = *value;
  const std::string_view next = take_word(rest);
  // In OpenMetrics an exemplar may follow, after '#'.
  if (next.empty() || next.front() == '#') return line;
  line.timestamp = read_value(next);
  if (!line.timestamp) return std::nullopt;
  return line;
}

}  // namespace

const MetricLine* MetricsText::find(std::string_view name, std::string_view label_name,
                                    std::string_view label_value) const {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const MetricLine& line) {
    return line.name == name &&
           (label_name.empty() || label(line.labels, label_name) == label_value);
  });
  return found != lines.end() ? &*found : nullptr;
}

MetricsText parse_metrics_text(std::string_view text) {
  MetricsText page;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (raw.empty() || raw.front() == '#') continue;
    if (auto line = read_line(raw)) {
      page.lines.push_back(std::move(*line));
    } else if (page.unreadable++ == 0) {
      page.first_unreadable = std::string(cut_utf8(raw, 80));
    }
  }
  return page;
}

}  // namespace tacho
