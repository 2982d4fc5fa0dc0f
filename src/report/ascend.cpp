// The CSV that users of the Ascend benchmark suite expect beside their runs (--benchmark-csv). The
// suite's own column names survive only in pictures, so these are ours: each in Chinese and
// English, listed in docs/outputs.md.
#include <cmath>

#include "base/text.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// A column: its title and the cell's value as text.
struct Column {
  const char* title;
  std::string (*value)(const CellSummary&);
};

std::string number(double value) { return format("{:.2f}", value); }

template <Metric metric>
std::string mean(const CellSummary& cell) {
  const Distribution& d = cell.of(metric);
  return d.empty() ? "" : number(d.mean);
}

template <Metric metric, int percent>
std::string percentile(const CellSummary& cell) {
  const Distribution& d = cell.of(metric);
  return d.empty() ? "" : number(d.percentile(percent));
}

template <Metric metric>
std::string largest(const CellSummary& cell) {
  const Distribution& d = cell.of(metric);
  return d.empty() ? "" : number(d.max);
}

std::string load(const CellSummary& cell) {
  const auto& rate = cell.cell.request_rate;
  if (!rate) return "";
  return std::isinf(*rate) ? "inf" : format_significant(*rate, 6);
}

const std::vector<Column>& columns() {
  static const std::vector<Column> all{
      {"测试类型 (kind)",
       [](const CellSummary& c) -> std::string { return c.cell.is_static ? "static" : "dynamic"; }},
      {"并发数 (parallel_num)",
       [](const CellSummary& c) {
         return c.cell.concurrency ? std::to_string(*c.cell.concurrency) : "";
       }},
      {"请求频率 (request_rate, req/s)", load},
      {"输入长度 (prompt_tokens)",
       [](const CellSummary& c) {
         return c.cell.input_tokens ? std::to_string(*c.cell.input_tokens)
                                    : mean<Metric::input_tokens>(c);
       }},
      {"输出长度 (output_tokens)",
       [](const CellSummary& c) {
         return c.cell.output_tokens ? std::to_string(*c.cell.output_tokens)
                                     : mean<Metric::output_tokens>(c);
       }},
      {"请求总数 (num_prompts)", [](const CellSummary& c) { return std::to_string(c.offered); }},
      {"成功数 (success)", [](const CellSummary& c) { return std::to_string(c.completed); }},
      {"失败数 (failed)", [](const CellSummary& c) { return std::to_string(c.failed); }},
      {"总耗时 (duration, s)", [](const CellSummary& c) { return number(c.duration_s); }},
      {"请求吞吐 (request_throughput, req/s)",
       [](const CellSummary& c) { return number(c.request_throughput_per_s); }},
      {"输出吞吐 (output_throughput, tokens/s)",
       [](const CellSummary& c) { return number(c.output_token_throughput_per_s); }},
      {"总吞吐 (total_throughput, tokens/s)",
       [](const CellSummary& c) {
         return number(c.input_token_throughput_per_s + c.output_token_throughput_per_s);
       }},
      {"平均首token时延 (mean_ttft, ms)", mean<Metric::ttft>},
      {"首token时延P50 (p50_ttft, ms)", percentile<Metric::ttft, 50>},
      {"首token时延P90 (p90_ttft, ms)", percentile<Metric::ttft, 90>},
      {"首token时延P99 (p99_ttft, ms)", percentile<Metric::ttft, 99>},
      {"最大首token时延 (max_ttft, ms)", largest<Metric::ttft>},
      {"平均增量token时延 (mean_tpot, ms)", mean<Metric::tpot>},
      {"增量token时延P50 (p50_tpot, ms)", percentile<Metric::tpot, 50>},
      {"增量token时延P90 (p90_tpot, ms)", percentile<Metric::tpot, 90>},
      {"增量token时延P99 (p99_tpot, ms)", percentile<Metric::tpot, 99>},
      {"最大增量token时延 (max_tpot, ms)", largest<Metric::tpot>},
      {"平均请求时延 (mean_e2e, ms)", mean<Metric::e2e>},
      {"请求时延P90 (p90_e2e, ms)", percentile<Metric::e2e, 90>},
      {"请求时延P99 (p99_e2e, ms)", percentile<Metric::e2e, 99>},
      {"有效 (valid)",
       [](const CellSummary& c) -> std::string { return c.verdict.is_valid() ? "yes" : "no"; }},
  };
  return all;
}

}  // namespace

std::string ascend_csv(const RunSummary& run, const Manifest&) {
  // A byte order mark, without which spreadsheets on Windows show the Chinese titles as rubbish.
  std::string out = "\xEF\xBB\xBF";
  std::vector<std::string> fields;
  for (const Column& column : columns()) fields.push_back(csv_field(column.title));
  out += join(fields, ",") + "\n";
  for (const CellSummary& cell : run.cells) {
    fields.clear();
    for (const Column& column : columns()) fields.push_back(csv_field(column.value(cell)));
    out += join(fields, ",") + "\n";
  }
  return out;
}

}  // namespace tacho
