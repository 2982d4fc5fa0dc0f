#include "monitor/snapshot_json.h"

#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

Json labels_json(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) json[name] = value;
  return json;
}

Labels read_labels(const Json& json) {
  Labels labels;
  if (!json.is_object()) return labels;
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) labels.emplace_back(name, value.get<std::string>());
  }
  return labels;
}

Json sample_json(const Reading& reading) {
  Json json = Json::object();
  json["metric"] = reading.quantity->name;
  if (!reading.labels.empty()) json["labels"] = labels_json(reading.labels);
  const bool has_value = reading.missing.empty() && std::isfinite(reading.value);
  json["value"] = has_value ? Json(reading.value) : Json(nullptr);
  if (!reading.missing.empty()) json["missing"] = reading.missing;
  return json;
}

Json histogram_json(const HistogramReading& reading) {
  Json json = Json::object();
  json["metric"] = reading.quantity->name;
  if (!reading.labels.empty()) json["labels"] = labels_json(reading.labels);
  json["bounds"] = reading.bounds;
  json["cumulative"] = reading.cumulative;
  json["count"] = reading.count;
  json["sum"] = reading.sum;
  return json;
}

Json subject_json(const Subject& subject, Instant now) {
  Json json = Json::object();
  json["kind"] = subject_kind_name(subject.kind);
  json["id"] = subject.id;
  json["labels"] = labels_json(subject.labels);
  json["age_s"] = happened(subject.at) ? Json(to_s(now - subject.at)) : Json(nullptr);
  if (!subject.trouble.empty()) json["trouble"] = subject.trouble;
  json["readings"] = Json::array();
  for (const Reading& reading : subject.readings) json["readings"].push_back(sample_json(reading));
  if (!subject.histograms.empty()) json["histograms"] = Json::array();
  for (const HistogramReading& reading : subject.histograms) {
    json["histograms"].push_back(histogram_json(reading));
  }
  return json;
}

std::vector<double> numbers(const Json& json, const char* key) {
  std::vector<double> values;
  if (!json.contains(key) || !json[key].is_array()) return values;
  for (const Json& value : json[key]) {
    if (value.is_number()) values.push_back(value.get<double>());
  }
  return values;
}

void read_sample(const Json& json, Subject& subject) {
  const Quantity* quantity = find_quantity(json_string(json, "metric"));
  if (quantity == nullptr) return;
  Reading reading{quantity, {}, 0.0, json_string(json, "missing")};
  if (json.contains("labels")) reading.labels = read_labels(json["labels"]);
  const bool has_value = json.contains("value") && json["value"].is_number();
  if (has_value) reading.value = json["value"].get<double>();
  if (!has_value && reading.missing.empty()) reading.missing = "no number";
  subject.readings.push_back(std::move(reading));
}

void read_histogram(const Json& json, Subject& subject) {
  HistogramReading reading;
  reading.quantity = find_quantity(json_string(json, "metric"));
  if (reading.quantity == nullptr) return;
  if (json.contains("labels")) reading.labels = read_labels(json["labels"]);
  reading.bounds = numbers(json, "bounds");
  reading.cumulative = numbers(json, "cumulative");
  reading.count = json_number(json, "count");
  reading.sum = json_number(json, "sum");
  if (reading.bounds.size() == reading.cumulative.size()) subject.histograms.push_back(reading);
}

std::optional<Subject> read_subject(const Json& json, Instant now) {
  if (!json.is_object()) return std::nullopt;
  Subject subject;
  const std::string kind = json_string(json, "kind");
  bool is_known = false;
  for (const SubjectKind candidate :
       {SubjectKind::device, SubjectKind::process, SubjectKind::host, SubjectKind::engine,
        SubjectKind::canary, SubjectKind::monitor}) {
    if (subject_kind_name(candidate) != kind) continue;
    subject.kind = candidate;
    is_known = true;
  }
  if (!is_known) return std::nullopt;
  subject.id = json_string(json, "id");
  subject.trouble = json_string(json, "trouble");
  if (json.contains("labels")) subject.labels = read_labels(json["labels"]);
  subject.at = now - from_s(json_number(json, "age_s"));
  const auto each = [&](const char* key, auto&& read) {
    if (!json.contains(key) || !json[key].is_array()) return;
    for (const Json& item : json[key]) {
      if (item.is_object()) read(item, subject);
    }
  };
  each("readings", read_sample);
  each("histograms", read_histogram);
  return subject;
}

}  // namespace

Json snapshot_json(const Snapshot& snapshot) {
  Json json = Json::object();
  json["schema"] = 1;
  json["wall_ns"] = snapshot.wall_ns;
  json["subjects"] = Json::array();
  for (const Subject& subject : snapshot.subjects) {
    json["subjects"].push_back(subject_json(subject, snapshot.at));
  }
  return json;
}

Result<Snapshot> read_snapshot(std::string_view text, std::string_view what) {
  const auto json = parse_json(text, what);
  if (!json) return json.error();
  if (!json->is_object() || !json->contains("subjects") || !(*json)["subjects"].is_array()) {
    return input_error(format("{} is no snapshot of tacho monitor", what));
  }
  Snapshot snapshot;
  snapshot.at = monotonic_now();
  snapshot.wall_ns = static_cast<std::int64_t>(json_number(*json, "wall_ns"));
  for (const Json& item : (*json)["subjects"]) {
    if (auto subject = read_subject(item, snapshot.at)) {
      snapshot.subjects.push_back(std::move(*subject));
    }
  }
  return snapshot;
}

}  // namespace tacho
