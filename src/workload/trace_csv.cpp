#include "workload/trace_csv.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/text.h"

namespace tacho {
namespace {

/// Days from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto of_era = static_cast<unsigned>(year - era * 400);
  const unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/// Seconds of a time; the zone is left out, since a trace is in one.
std::optional<double> seconds_of(std::string_view text) {
  if (const auto number = parse_number(text)) return number;
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0;
  int read = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2u-%2u%*1[ T]%2u:%2u:%n", &year, &month, &day, &hour, &minute,
                  &read) < 5 ||
      read == 0 || month < 1 || month > 12 || day < 1 || day > 31) {
    return std::nullopt;
  }
  const auto rest = std::string_view(copy).substr(static_cast<std::size_t>(read));
  const auto second = parse_number(rest.substr(0, rest.find_first_not_of("0123456789.")));
  if (!second) return std::nullopt;
  const auto days = static_cast<double>(days_from_civil(year, month, day));
  return days * 86400.0 + hour * 3600.0 + minute * 60.0 + *second;
}

/// True when the field is a number of tokens, which then is in `tokens`.
bool read_tokens(std::string_view field, std::int64_t least, std::uint32_t& tokens) {
  const std::int64_t value = parse_integer(trim(field)).value_or(-1);
  if (value < least || value > 1'000'000'000) return false;
  tokens = static_cast<std::uint32_t>(value);
  return true;
}

}  // namespace

bool is_csv_trace(std::string_view text) {
  const auto head = lower(trim(text.substr(0, text.find('\n'))));
  return head == "timestamp,contexttokens,generatedtokens";
}

Result<std::vector<TraceEntry>> parse_csv_trace(std::string_view text, const std::string& name) {
  std::vector<TraceEntry> entries;
  std::vector<double> times;
  const auto lines = split(text, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string_view line = trim(lines[i]);
    if (line.empty()) continue;
    const auto fields = split(line, ',');
    const auto at = seconds_of(trim(fields[0]));
    TraceEntry entry;
    if (!at || fields.size() != 3 || !read_tokens(fields[1], 1, entry.input_tokens) ||
        !read_tokens(fields[2], 0, entry.output_tokens)) {
      return input_error(format("{}:{}: '{}' is no time and two numbers of tokens", name, i + 1,
                                cut_utf8(line, 60)));
    }
    entries.push_back(std::move(entry));
    times.push_back(*at);
  }
  if (entries.empty()) return input_error(format("'{}' has no entries", name));
  // Relative to the first one: seconds since 1970 leave a double no room for nanoseconds.
  const double first = *std::min_element(times.begin(), times.end());
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].due = from_s(times[i] - first);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const TraceEntry& a, const TraceEntry& b) { return a.due < b.due; });
  return entries;
}

}  // namespace tacho
