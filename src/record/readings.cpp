#include "record/readings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

namespace tacho {
namespace {

/// Series by what they are of.
class Collector {
 public:
  explicit Collector(Readings& readings) : readings_(readings) {}

  void take(const Json& line) {
    const std::string kind = json_string(line, "kind"), id = json_string(line, "id");
    const bool is_sound = line.contains("at") && line["at"].is_number_integer() && !kind.empty();
    if (!is_sound) {
      ++readings_.torn_lines;
      return;
    }
    const Instant at = instant_from_ns(line["at"].get<std::int64_t>());
    if (const std::string trouble = json_string(line, "trouble"); !trouble.empty()) {
      note_trouble(format("{} {}: {}", kind, id, trouble));
    }
    if (!line.contains("values") || !line["values"].is_object()) return;
    for (const auto& [name, value] : line["values"].items()) {
      if (value.is_number()) add({kind, id, name}, {at, value.get<double>()});
    }
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;

  void add(const Key& key, ReadingPoint point) {
    const auto [found, is_new] = places_.try_emplace(key, readings_.series.size());
    if (is_new) {
      readings_.series.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), {}});
    }
    auto& points = readings_.series[found->second].points;
    if (points.empty() || points.back().at < point.at) points.push_back(point);
  }

  void note_trouble(std::string trouble) {
    auto& all = readings_.troubles;
    if (std::find(all.begin(), all.end(), trouble) == all.end()) all.push_back(std::move(trouble));
  }

  Readings& readings_;
  std::map<Key, std::size_t> places_;
};

}  // namespace

std::string readings_path(const std::string& run_directory) {
  return run_directory + "/readings.jsonl";
}

void append_reading_line(std::string& out, const ReadingLine& line) {
  Json json = Json::object();
  json["at"] = to_ns(line.at);
  json["kind"] = line.kind;
  json["id"] = line.id;
  if (!line.trouble.empty()) json["trouble"] = line.trouble;
  json["values"] = Json::object();
  for (const auto& [name, value] : line.values) {
    if (std::isfinite(value)) json["values"][name] = value;
  }
  out += dump_json(json) + "\n";
}

std::vector<ReadingPoint> ReadingSeries::between(Instant from, Instant to) const {
  const auto first = std::lower_bound(points.begin(), points.end(), from,
                                      [](const ReadingPoint& p, Instant t) { return p.at < t; });
  const auto last = std::upper_bound(first, points.end(), to,
                                     [](Instant t, const ReadingPoint& p) { return t < p.at; });
  return {first, last};
}

std::vector<ReadingPoint> ReadingSeries::around(Instant from, Instant to) const {
  auto first = std::upper_bound(points.begin(), points.end(), from,
                                [](Instant t, const ReadingPoint& p) { return t < p.at; });
  auto last = std::lower_bound(points.begin(), points.end(), to,
                               [](const ReadingPoint& p, Instant t) { return p.at < t; });
  if (first != points.begin()) --first;
  if (last != points.end()) ++last;
  return {first, last};
}

double growth(const std::vector<ReadingPoint>& points) {
  double sum = 0.0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double step = points[i].value - points[i - 1].value;
    sum += step >= 0.0 ? step : points[i].value;
  }
  return sum;
}

std::vector<const ReadingSeries*> Readings::of(std::string_view kind, std::string_view name) const {
  std::vector<const ReadingSeries*> found;
  for (const ReadingSeries& one : series) {
    if (one.kind == kind && one.name == name) found.push_back(&one);
  }
  return found;
}

Result<Readings> read_readings(const std::string& path) {
  Readings readings;
  if (!exists(path)) return readings;
  Collector collector(readings);
  const Status status = for_each_line(path, [&](std::string_view line, bool is_whole) {
    const auto json = parse_json(line, "");
    if (is_whole && json.ok() && json->is_object()) {
      collector.take(*json);
    } else if (!trim(line).empty()) {
      ++readings.torn_lines;
    }
  });
  if (!status) return status.error();
  return readings;
}

}  // namespace tacho
