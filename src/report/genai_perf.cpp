// A cell as GenAI-Perf writes it under artifacts/: profile_export_genai_perf.json and .csv with its
// statistics, and profile_export.json with every request's times. Inter-token time is (request -
// first token) / (tokens - 1), as there.
#include <cmath>

#include "base/text.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// One of its metrics.
struct Entry {
  const char* key;
  const char* title;
  const char* unit;
  Distribution samples;
};

std::vector<Entry> entries(const CellSummary& cell) {
  std::vector<double> itl, per_user;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    const auto ttft = value_of(Metric::ttft, record, cell.out_tokens[i]);
    const auto e2e = value_of(Metric::e2e, record, cell.out_tokens[i]);
    if (record.outcome != Outcome::ok || !ttft || !e2e || cell.out_tokens[i] < 2) continue;
    itl.push_back((*e2e - *ttft) / (cell.out_tokens[i] - 1));
    if (itl.back() > 0) per_user.push_back(1000.0 / itl.back());
  }
  std::vector<Entry> all;
  const auto add = [&](const char* key, const char* title, const char* unit,
                       const Distribution& d) {
    if (!d.empty()) all.push_back({key, title, unit, d});
  };
  add("time_to_first_token", "Time To First Token (ms)", "ms", cell.of(Metric::ttft));
  add("inter_token_latency", "Inter Token Latency (ms)", "ms", summarize(std::move(itl)));
  add("output_token_throughput_per_user", "Output Token Throughput Per User (tokens/sec/user)",
      "tokens/sec/user", summarize(std::move(per_user)));
  add("request_latency", "Request Latency (ms)", "ms", cell.of(Metric::e2e));
  if (cell.of(Metric::output_tokens).max > 0) {
    add("output_sequence_length", "Output Sequence Length (tokens)", "tokens",
        cell.of(Metric::output_tokens));
  }
  add("input_sequence_length", "Input Sequence Length (tokens)", "tokens",
      cell.of(Metric::input_tokens));
  return all;
}

}  // namespace

Json genai_perf_json(const CellSummary& cell, const RunData& data) {
  Json json;
  json["request_throughput"] = {{"unit", "requests/sec"}, {"avg", cell.request_throughput_per_s}};
  json["output_token_throughput"] = {{"unit", "tokens/sec"},
                                     {"avg", cell.output_token_throughput_per_s}};
  json["request_count"] = {{"unit", "requests"}, {"avg", cell.completed}};
  for (const Entry& entry : entries(cell)) {
    const Distribution& d = entry.samples;
    Json stats{{"unit", entry.unit}, {"avg", d.mean}};
    for (const double percent : {25.0, 50.0, 75.0, 90.0, 95.0, 99.0}) {
      stats[format("p{:g}", percent)] = d.percentile(percent);
    }
    stats["min"] = d.min;
    stats["max"] = d.max;
    stats["std"] = d.std_dev;
    json[entry.key] = std::move(stats);
  }
  json["input_config"] = {{"model", Json::array({data.manifest.model})},
                          {"endpoint_type", data.manifest.endpoint},
                          {"service_kind", "openai"},
                          {"tokenizer", data.manifest.tokenizer},
                          {"u", data.manifest.url},
                          {"concurrency", cell.cell.concurrency.value_or(0)}};
  return json;
}

std::string genai_perf_csv(const CellSummary& cell) {
  std::string out = "Metric,avg,min,max,p99,p95,p90,p75,p50,p25\n";
  for (const Entry& entry : entries(cell)) {
    const Distribution& d = entry.samples;
    out += format("{},{:.2f},{:.2f},{:.2f}", csv_field(entry.title), d.mean, d.min, d.max);
    for (const double percent : {99.0, 95.0, 90.0, 75.0, 50.0, 25.0}) {
      out += format(",{:.2f}", d.percentile(percent));
    }
    out += '\n';
  }
  out += format(
      "\nMetric,Value\nOutput Token Throughput (tokens/sec),{:.2f}\n"
      "Request Throughput (per sec),{:.2f}\nRequest Count (count),{}\n",
      cell.output_token_throughput_per_s, cell.request_throughput_per_s, cell.completed);
  return out;
}

Json genai_perf_profile(const CellSummary& cell, const RunData& data) {
  Json requests = Json::array();
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (!happened(record.sent)) continue;
    Json arrivals = Json::array();
    for (const Chunk& chunk : record.chunks) arrivals.push_back(to_ns(chunk.at));
    if (record.chunks.empty() && happened(record.done)) arrivals.push_back(to_ns(record.done));
    requests.push_back({{"timestamp", to_ns(record.sent)},
                        {"response_timestamps", std::move(arrivals)},
                        {"success", record.outcome == Outcome::ok},
                        {"input_tokens", input_tokens(record).tokens},
                        {"output_tokens", cell.out_tokens[i]}});
  }
  const bool is_rate = cell.cell.request_rate && !std::isinf(*cell.cell.request_rate);
  const Json experiment{
      {"mode", is_rate ? "request_rate" : "concurrency"},
      {"value",
       is_rate ? *cell.cell.request_rate : static_cast<double>(cell.cell.concurrency.value_or(0))}};
  return {{"service_kind", "openai"},
          {"endpoint", data.manifest.endpoint},
          {"experiments", Json::array({{{"experiment", experiment}, {"requests", requests}}})},
          {"version", format("tacho {}", data.manifest.tacho_version)}};
}

}  // namespace tacho
