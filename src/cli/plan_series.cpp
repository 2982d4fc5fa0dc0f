#include "cli/plan_series.h"

#include <algorithm>
#include <optional>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/flags.h"

namespace tacho {
namespace {

/// A rate that is a number of at least 0.
std::optional<double> rate_of(std::string_view text) {
  const auto rate = parse_number(trim(text));
  return rate && *rate >= 0.0 ? rate : std::nullopt;
}

/// A time of more than 0 seconds.
std::optional<double> time_of(std::string_view text) {
  const auto seconds = parse_seconds(trim(text));
  return seconds && *seconds > 0.0 ? std::optional(*seconds) : std::nullopt;
}

/// One entry of a file: a rate, with how long it holds or when it is reached.
struct SeriesEntry {
  std::optional<double> rate, duration_s, time_s;
};

Result<RateSeries> checked(RateSeries series, const std::string& what) {
  if (series.pieces.empty()) return input_error(format("{}: no rates", what));
  if (arrivals_of(series) > 0.0) return series;
  return input_error(format("{}: no request is ever due; every rate is 0", what));
}

/// Steps one after the other, or straight lines between points.
Result<RateSeries> series_of(const std::vector<SeriesEntry>& entries, const std::string& path) {
  RateSeries series;
  const bool has_points = !entries.empty() && entries[0].time_s.has_value();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const SeriesEntry& e = entries[i];
    const bool is_whole =
        e.rate && *e.rate >= 0.0 &&
        (has_points ? e.time_s && *e.time_s >= 0.0 : e.duration_s && *e.duration_s > 0.0);
    if (!is_whole) {
      return input_error(format(
          "'{}', entry {}: a rate of at least 0 and a duration_s above 0 are wanted, or a qps and "
          "a time_s",
          path, i + 1));
    }
    if (!has_points) {
      series.pieces.push_back({*e.duration_s, *e.rate, *e.rate});
      continue;
    }
    // Until the first point, its own rate.
    const double before_s = i == 0 ? 0.0 : *entries[i - 1].time_s;
    const double before = i == 0 ? *e.rate : *entries[i - 1].rate;
    if (*e.time_s < before_s)
      return input_error(format("'{}', entry {}: its time is before the last one's", path, i + 1));
    if (*e.time_s > before_s) series.pieces.push_back({*e.time_s - before_s, before, *e.rate});
  }
  return checked(std::move(series), format("'{}'", path));
}

void take(SeriesEntry& entry, std::string_view key, double value) {
  if (key == "rate" || key == "qps" || key == "rps" || key == "request_rate") entry.rate = value;
  if (key == "duration" || key == "duration_s") entry.duration_s = value;
  if (key == "time" || key == "time_s" || key == "t") entry.time_s = value;
}

Result<RateSeries> series_from_json(const std::string& content, const std::string& path) {
  auto json = parse_json(content, format("'{}'", path));
  if (!json) return json.error();
  const Json list = json->is_object() ? json->value("points", Json()) : *json;
  if (!list.is_array()) {
    return input_error(format("'{}': neither a list of rates nor one under \"points\"", path));
  }
  std::vector<SeriesEntry> entries;
  for (const Json& item : list) {
    SeriesEntry& entry = entries.emplace_back();
    if (!item.is_object()) continue;  // Refused as not whole.
    for (const auto& [key, value] : item.items()) {
      if (value.is_number()) take(entry, key, value.get<double>());
    }
  }
  return series_of(entries, path);
}

Result<RateSeries> series_from_csv(const std::string& content, const std::string& path) {
  std::vector<SeriesEntry> entries;
  std::vector<std::string> columns{"rate", "duration"};
  bool is_first = true;
  for (const std::string_view line : split(content, '\n')) {
    if (trim(line).empty() || trim(line).starts_with('#')) continue;
    const auto fields = split(trim(line), ',');
    const bool is_header = is_first && !parse_number(trim(fields[0]));
    if (is_header) columns.clear();
    if (!is_header) entries.emplace_back();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (is_header) {
        columns.push_back(lower(trim(fields[i])));
      } else if (i < columns.size()) {
        const auto value =
            columns[i].starts_with("duration") ? time_of(fields[i]) : parse_number(trim(fields[i]));
        if (value) take(entries.back(), columns[i], *value);
      }
    }
    is_first = false;
  }
  return series_of(entries, path);
}

}  // namespace

Result<RateSeries> parse_rate_series_file(const std::string& content, const std::string& path) {
  const std::string_view text = trim(content);
  const bool is_json = text.starts_with('{') || text.starts_with('[');
  return is_json ? series_from_json(content, path) : series_from_csv(content, path);
}

Result<RateSeries> parse_rate_series(const std::string& text) {
  if (text.ends_with(".json") || text.ends_with(".csv") || exists(text)) {
    auto content = read_file(text);
    if (!content) return input_error(format("--rate-series: {}", content.error().message));
    auto series = parse_rate_series_file(*content, text);
    if (!series) return input_error(format("--rate-series: {}", series.error().message));
    return series;
  }
  RateSeries series;
  for (const std::string_view item : split(text, ',')) {
    const auto parts = split(item, ':');
    const auto rate = parts.size() == 2 ? rate_of(parts[0]) : std::nullopt;
    const auto seconds = parts.size() == 2 ? time_of(parts[1]) : std::nullopt;
    if (!rate || !seconds) {
      return input_error(format(
          "--rate-series '{}': write RATE:TIME,RATE:TIME…, such as 10:60s,50:30s, or name a .json "
          "or .csv file",
          text));
    }
    series.pieces.push_back({*seconds, *rate, *rate});
  }
  return checked(std::move(series), format("--rate-series '{}'", text));
}

Result<RateSeries> parse_ramp(const std::string& text) {
  const auto parts = split(text, ':');
  const bool has_law = parts.size() == 4;
  const bool is_exponential =
      has_law && std::string_view("exponential").starts_with(parts[3]) && parts[3].size() >= 3;
  const bool is_linear = !has_law || parts[3] == "linear";
  if ((parts.size() == 3 || has_law) && (is_exponential || is_linear)) {
    const auto from = rate_of(parts[0]), to = rate_of(parts[1]), seconds = time_of(parts[2]);
    if (from && to && seconds && is_exponential && (*from == 0.0 || *to == 0.0))
      return input_error(format("--ramp '{}': no factor leads from or to a rate of 0", text));
    if (from && to && seconds) {
      return checked({{{*seconds, *from, *to, is_exponential}}, false},
                     format("--ramp '{}'", text));
    }
  }
  return input_error(format(
      "--ramp '{}': write FROM:TO:TIME, such as 1:50:60s, with :exponential behind it if wanted",
      text));
}

Result<RateSeries> parse_on_off(const std::string& text, double rate_per_s) {
  const auto parts = split(text, ':');
  const auto on = parts.size() == 2 ? time_of(parts[0]) : std::nullopt;
  const auto off = parts.size() == 2 ? time_of(parts[1]) : std::nullopt;
  if (!on || !off)
    return input_error(format("--on-off '{}': write ON:OFF, two times such as 10s:5s", text));
  return RateSeries{{{*on, rate_per_s, rate_per_s}, {*off, 0.0, 0.0}}, true};
}

Result<ThinkTime> parse_think_time(const std::string& text) {
  const auto wrong = input_error(
      format("--think-time '{}': write a time such as 2s, a range such as 1s:3s, or exp:2s", text));
  const auto parts = split(text, ':');
  if (parts.size() == 2 && parts[0] == "exp") {
    const auto mean = time_of(parts[1]);
    if (!mean) return wrong;
    return ThinkTime{ThinkTime::Law::exponential, *mean, 0.0};
  }
  const auto low = parse_seconds(parts.empty() ? "" : trim(parts[0]));
  if (!low || parts.size() > 2) return wrong;
  if (parts.size() == 1) return ThinkTime{ThinkTime::Law::constant, *low, *low};
  const auto high = parse_seconds(trim(parts[1]));
  if (!high || *high < *low) return wrong;
  return ThinkTime{ThinkTime::Law::uniform, *low, *high};
}

}  // namespace tacho
