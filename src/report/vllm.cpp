// A cell as `vllm bench serve --save-result` writes it, by vLLM's definitions: tpot = (last -
// first) / (n - 1), ITL is the raw gap between chunks, standard deviations are of the population,
// failures are left out of all times.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// Times of the ok requests, in ms.
struct Times {
  std::vector<double> ttft, tpot, e2el;
};

Times collect(const CellSummary& cell) {
  Times times;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (record.outcome != Outcome::ok) continue;
    const auto ttft = value_of(Metric::ttft, record, cell.out_tokens[i]);
    const auto e2e = value_of(Metric::e2e, record, cell.out_tokens[i]);
    if (ttft) times.ttft.push_back(*ttft);
    if (e2e) times.e2el.push_back(*e2e);
    if (ttft && e2e && cell.out_tokens[i] > 1) {
      times.tpot.push_back((*e2e - *ttft) / (cell.out_tokens[i] - 1));
    }
  }
  return times;
}

void add_metric(Json& json, const std::string& name, const Distribution& d,
                const VllmOptions& options) {
  const double n = static_cast<double>(std::max<std::size_t>(d.n, 1));
  json[format("mean_{}_ms", name)] = d.mean;
  json[format("median_{}_ms", name)] = d.empty() ? 0.0 : d.percentile(50);
  json[format("std_{}_ms", name)] = d.std_dev * std::sqrt((n - 1) / n);
  for (const double percent : options.percentiles) {
    json[format("p{:g}_{}_ms", percent, name)] = d.empty() ? 0.0 : d.percentile(percent);
  }
}

/// Most chunks that arrived within one of the seconds counted from the start.
double peak_chunks_per_s(const CellSummary& cell, Instant start) {
  std::map<std::int64_t, double> per_second;
  for (const Record* record : cell.records) {
    if (record->outcome != Outcome::ok) continue;
    for (const Chunk& chunk : record->chunks) {
      ++per_second[static_cast<std::int64_t>(to_s(chunk.at - start))];
    }
  }
  double peak = 0.0;
  for (const auto& [second, count] : per_second) peak = std::max(peak, count);
  return peak;
}

std::size_t peak_in_flight(const CellSummary& cell) {
  std::vector<std::pair<Instant, int>> events;
  for (const Record* record : cell.records) {
    if (!happened(record->sent) || !happened(record->done)) continue;
    events.emplace_back(record->sent, 1);
    events.emplace_back(record->done, -1);
  }
  std::sort(events.begin(), events.end());
  int now = 0, peak = 0;
  for (const auto& event : events) peak = std::max(peak, now += event.second);
  return static_cast<std::size_t>(peak);
}

void add_details(Json& json, const CellSummary& cell, Instant start) {
  for (const char* key : {"input_lens", "output_lens", "ttfts", "itls", "start_times", "errors"}) {
    json[key] = Json::array();
  }
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    const auto ttft = value_of(Metric::ttft, record, cell.out_tokens[i]);
    json["input_lens"].push_back(input_tokens(record).tokens);
    json["output_lens"].push_back(record.outcome == Outcome::ok ? cell.out_tokens[i] : 0);
    json["ttfts"].push_back(ttft.value_or(0.0) / 1e3);
    Json gaps = Json::array();
    for (std::size_t c = 1; c < record.chunks.size(); ++c) {
      gaps.push_back(to_s(record.chunks[c].at - record.chunks[c - 1].at));
    }
    json["itls"].push_back(std::move(gaps));
    json["start_times"].push_back(happened(record.sent) ? Json(to_s(record.sent - start))
                                                        : Json(nullptr));
    const bool is_ok = record.outcome == Outcome::ok;
    json["errors"].push_back(is_ok ? ""
                                   : format("{}: {}", outcome_name(record.outcome), record.detail));
  }
}

}  // namespace

Json vllm_result(const CellSummary& cell, const RunData& data, const VllmOptions& options) {
  const Manifest& manifest = data.manifest;
  Instant start = Instant::max();
  for (const Record* record : cell.records) start = std::min(start, record->due);
  std::uint64_t in_tokens = 0, tokens = 0;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    if (cell.records[i]->outcome != Outcome::ok) continue;
    in_tokens += input_tokens(*cell.records[i]).tokens;
    tokens += cell.out_tokens[i];
  }
  std::string date = manifest.started_at;  // 2026-11-21T08:00:00Z becomes 20261121-080000.
  std::erase_if(date, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
  std::replace(date.begin(), date.end(), 'T', '-');
  const bool is_inf = !cell.cell.request_rate || std::isinf(*cell.cell.request_rate);
  const std::string api = manifest.endpoint == "chat" ? "openai-chat" : "openai";
  Json json{{"date", date},
            {"endpoint_type", api},
            {"backend", api},
            {"label", nullptr},
            {"model_id", manifest.model},
            {"tokenizer_id", manifest.tokenizer},
            {"num_prompts", cell.cell.requests}};
  json["request_rate"] = is_inf ? Json("inf") : Json(*cell.cell.request_rate);
  json["burstiness"] = json_number(manifest.config, "burstiness", 1.0);
  json["max_concurrency"] = cell.cell.concurrency ? Json(*cell.cell.concurrency) : Json(nullptr);
  json["duration"] = cell.duration_s;
  json["completed"] = cell.completed;
  json["failed"] = cell.failed;
  json["total_input_tokens"] = in_tokens;
  json["total_output_tokens"] = tokens;
  json["request_throughput"] = cell.request_throughput_per_s;
  json["request_goodput"] = manifest.slos.empty() ? Json(nullptr) : Json(cell.goodput.per_s);
  json["output_throughput"] = cell.output_token_throughput_per_s;
  json["total_token_throughput"] =
      cell.input_token_throughput_per_s + cell.output_token_throughput_per_s;
  json["max_output_tokens_per_s"] = cell.records.empty() ? 0.0 : peak_chunks_per_s(cell, start);
  json["max_concurrent_requests"] = peak_in_flight(cell);
  const Times times = collect(cell);
  for (const std::string& metric : options.metrics) {
    add_metric(json, metric,
               metric == "ttft"   ? summarize(times.ttft)
               : metric == "tpot" ? summarize(times.tpot)
               : metric == "itl"  ? cell.of(Metric::chunk_gap)
                                  : summarize(times.e2el),
               options);
  }
  if (options.is_detailed) add_details(json, cell, start);
  return json;
}

}  // namespace tacho
