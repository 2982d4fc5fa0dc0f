#include "record/manifest.h"

#include <time.h>

#include <cmath>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

Json rate_to_json(double rate) { return std::isinf(rate) ? Json("inf") : Json(rate); }

template <class T>
Json optional_to_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const Cell& cell) {
  Json json;
  json["id"] = cell.id;
  json["label"] = cell_label(cell);
  json["kind"] = cell.is_static ? "static" : "dynamic";
  json["concurrency"] = optional_to_json(cell.concurrency);
  json["request_rate"] = cell.request_rate ? rate_to_json(*cell.request_rate) : Json(nullptr);
  json["ramp_start_rate"] = optional_to_json(cell.ramp_start_rate);
  json["load_label"] = cell.load;
  json["shape"] = cell.shape;
  json["input_tokens"] = optional_to_json(cell.input_tokens);
  json["output_tokens"] = optional_to_json(cell.output_tokens);
  json["length_label"] = cell.lengths;
  json["requests"] = cell.requests;
  json["warmup_requests"] = cell.warmup_requests;
  json["ignore_eos"] = cell.ignore_eos;
  json["started_after_s"] = to_s(cell.started_after);
  return json;
}

template <class T>
std::optional<T> optional_number(const Json& object, const char* key) {
  if (!object.contains(key) || !object[key].is_number()) return std::nullopt;
  return object[key].get<T>();
}

Cell cell_from_json(const Json& json) {
  Cell cell;
  cell.id = static_cast<std::uint32_t>(json_number(json, "id"));
  cell.is_static = json_string(json, "kind") == "static";
  cell.concurrency = optional_number<std::uint32_t>(json, "concurrency");
  cell.request_rate = optional_number<double>(json, "request_rate");
  cell.ramp_start_rate = optional_number<double>(json, "ramp_start_rate");
  if (json_string(json, "request_rate") == "inf") cell.request_rate = INFINITY;
  cell.load = json_string(json, "load_label");
  cell.shape = json_string(json, "shape");
  cell.input_tokens = optional_number<std::uint32_t>(json, "input_tokens");
  cell.output_tokens = optional_number<std::uint32_t>(json, "output_tokens");
  cell.lengths = json_string(json, "length_label");
  cell.requests = static_cast<std::uint32_t>(json_number(json, "requests"));
  cell.warmup_requests = static_cast<std::uint32_t>(json_number(json, "warmup_requests"));
  cell.ignore_eos = json.contains("ignore_eos") && json["ignore_eos"] == true;
  cell.started_after = from_s(json_number(json, "started_after_s"));
  return cell;
}

Json object_at(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_object() ? json[key] : Json::object();
}

Manifest manifest_from_json(const Json& json) {
  Manifest manifest;
  manifest.tacho_version = json_string(json, "tacho_version");
  manifest.command = json_string(json, "command");
  manifest.started_at = json_string(json, "started_at");
  manifest.status = json_string(json, "status");
  // Not by way of a double, which does not hold all of its 64 bits.
  if (const auto seed = json.find("seed"); seed != json.end() && seed->is_number_unsigned()) {
    manifest.seed = seed->get<std::uint64_t>();
  }
  manifest.model = json_string(json, "model");
  manifest.url = json_string(json, "url");
  manifest.endpoint = json_string(json, "endpoint");
  manifest.tokenizer = json_string(json, "tokenizer");
  for (const auto& cell : json.value("cells", Json::array())) {
    if (cell.is_object()) manifest.cells.push_back(cell_from_json(cell));
  }
  for (const auto& slo : json.value("slos", Json::array())) {
    manifest.slos.push_back({json_string(slo, "metric"), json_number(slo, "limit")});
  }
  for (const auto& slo : json.value("cell_slos", Json::array())) {
    if (auto bound = cell_slo_from_json(slo)) manifest.cell_slos.push_back(std::move(*bound));
  }
  for (const auto& note : json.value("notes", Json::array())) {
    if (note.is_string()) manifest.notes.push_back(note.get<std::string>());
  }
  manifest.config = object_at(json, "config");
  manifest.environment = object_at(json, "environment");
  manifest.server = object_at(json, "server");
  manifest.instrument = object_at(json, "instrument");
  manifest.stops = object_at(json, "stops");
  manifest.truth = object_at(json, "truth");
  manifest.summary = object_at(json, "summary");
  return manifest;
}

}  // namespace

std::string cell_label(const Cell& cell) {
  std::string load = cell.load;
  if (!load.empty()) {
    // Said already.
  } else if (cell.ramp_start_rate) {
    load = format("{:g}…{:g} req/s", *cell.ramp_start_rate, cell.request_rate.value_or(0));
  } else if (cell.request_rate) {
    load = std::isinf(*cell.request_rate) ? "inf req/s" : format("{:g} req/s", *cell.request_rate);
  } else {
    load = format("c={}", cell.concurrency.value_or(1));
  }
  if (cell.request_rate && cell.concurrency) load += format(" cap {}", *cell.concurrency);
  return format("{} {}", load, cell.lengths);
}

Json to_json(const Manifest& manifest) {
  Json json;
  json["schema"] = manifest_schema;
  json["tacho_version"] = manifest.tacho_version;
  json["command"] = manifest.command;
  json["started_at"] = manifest.started_at;
  json["status"] = manifest.status;
  json["seed"] = manifest.seed;
  json["model"] = manifest.model;
  json["url"] = manifest.url;
  json["endpoint"] = manifest.endpoint;
  json["tokenizer"] = manifest.tokenizer;
  json["cells"] = Json::array();
  for (const auto& cell : manifest.cells) json["cells"].push_back(to_json(cell));
  json["slos"] = Json::array();
  for (const auto& slo : manifest.slos) {
    json["slos"].push_back({{"metric", slo.metric}, {"limit", slo.limit}});
  }
  json["cell_slos"] = Json::array();
  for (const auto& slo : manifest.cell_slos) json["cell_slos"].push_back(to_json(slo));
  json["notes"] = manifest.notes;
  json["config"] = manifest.config;
  json["server"] = manifest.server;
  json["environment"] = manifest.environment;
  json["instrument"] = manifest.instrument;
  json["stops"] = manifest.stops;
  json["truth"] = manifest.truth;
  json["summary"] = manifest.summary;
  return json;
}

Result<Manifest> read_manifest(const std::string& run_directory) {
  if (!exists(run_directory))
    return input_error(format("no such run directory: '{}'", run_directory));
  if (!exists(manifest_path(run_directory))) {
    return input_error(format("'{}' is no run directory: it holds no run.json", run_directory));
  }
  auto json = read_json_file(manifest_path(run_directory));
  if (!json) return json.error();
  if (!json->is_object() || json_number(*json, "schema") < 1) {
    return input_error(format("{}: not a manifest of tacho", manifest_path(run_directory)));
  }
  if (json_number(*json, "schema") > manifest_schema) {
    return input_error(format("{}: written by a newer tacho ({}); update this one ({})",
                              manifest_path(run_directory), json_string(*json, "tacho_version"),
                              TACHO_VERSION));
  }
  Manifest manifest = manifest_from_json(*json);
  // Records name their cell by its place in the list.
  bool is_whole = !manifest.cells.empty();
  for (std::size_t i = 0; i < manifest.cells.size(); ++i)
    is_whole = is_whole && manifest.cells[i].id == i;
  if (!is_whole)
    return input_error(format("{}: its list of cells is damaged", manifest_path(run_directory)));
  return manifest;
}

Status write_manifest(const std::string& run_directory, const Manifest& manifest) {
  Json json = to_json(manifest);
  json["journal_schema"] = 1;
  return write_file(manifest_path(run_directory), dump_json(json, 1) + "\n");
}

std::string iso_time(std::int64_t wall_ns) {
  const time_t seconds = wall_ns / 1'000'000'000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string journal_path(const std::string& run_directory) {
  return run_directory + "/requests.jsonl";
}

std::string manifest_path(const std::string& run_directory) { return run_directory + "/run.json"; }

}  // namespace tacho
