// requests.csv and summary.csv: a row each, keys with units as column names, empty where there is
// no value.
#include <cmath>

#include "base/text.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// Builds one CSV row.
class Row {
 public:
  void text(std::string_view value) { add(csv_field(value)); }
  void integer(std::uint64_t value) { add(std::to_string(value)); }
  void number(double value) { add(std::isfinite(value) ? format("{:.6g}", value) : ""); }
  void number(const std::optional<double>& value) { value ? number(*value) : add(""); }
  std::string line() { return std::move(line_) + "\n"; }

 private:
  void add(std::string_view field) {
    if (!is_first_) line_ += ',';
    line_ += field;
    is_first_ = false;
  }
  std::string line_;
  bool is_first_ = true;
};

constexpr std::array summary_percentiles{50.0, 90.0, 95.0, 99.0};

std::string load_text(const Cell& cell) {
  if (!cell.request_rate) return "";
  return std::isinf(*cell.request_rate) ? "inf" : format("{:.6g}", *cell.request_rate);
}

Instant run_start(const RunSummary& run) {
  Instant start = Instant::max();
  for (const CellSummary& cell : run.cells) {
    for (const Record* record : cell.records) start = std::min(start, record->due);
  }
  return start;
}

/// One try of one request.
std::string request_row(const CellSummary& cell, const Record& record, std::uint32_t out_tokens,
                        Instant start) {
  Row row;
  row.integer(record.id);
  row.integer(record.cell);
  row.text(cell_label(cell.cell));
  row.number(to_s(record.due - start));
  row.number(happened(record.sent) ? std::optional(to_s(record.sent - start)) : std::nullopt);
  row.text(outcome_name(record.outcome));
  row.integer(record.http_status);
  row.text(record.detail);
  row.text(record.finish_reason);
  row.text(record.response_id);
  for (const Metric m : {Metric::ttft, Metric::ttft_from_due, Metric::ttfo, Metric::tpot,
                         Metric::e2e, Metric::e2e_from_due}) {
    row.number(value_of(m, record, out_tokens));
  }
  row.integer(input_tokens(record).tokens);
  row.integer(out_tokens);
  row.text(record.usage.output_tokens ? "usage" : record.text.empty() ? "chunks" : "tokenizer");
  row.integer(record.chunks.size() + record.chunks_folded);
  row.number(record.usage.cached_tokens ? std::optional<double>(*record.usage.cached_tokens)
                                        : std::nullopt);
  row.number(value_of(Metric::send_lag, record, out_tokens));
  row.number(value_of(Metric::client_lag, record, out_tokens));
  row.integer(record.reconnects);
  row.number(record.server.queue_ms);
  row.number(record.server.prefill_ms);
  row.number(record.server.decode_per_token_ms);
  row.number(record.server.total_ms);
  row.integer(record.attempt);
  row.text(record.attempt > 0 ? std::to_string(record.retry_of) : "");
  return row.line();
}

}  // namespace

std::string requests_csv(const RunSummary& run) {
  std::string out =
      "id,cell,load,due_s,sent_s,outcome,http_status,detail,finish_reason,response_id,ttft_ms,"
      "ttft_from_due_ms,ttfo_ms,tpot_ms,e2e_ms,e2e_from_due_ms,input_tokens,output_tokens,"
      "output_token_source,chunks,cached_tokens,send_lag_ms,client_lag_ms,reconnects,"
      "server_queue_ms,server_prefill_ms,server_decode_per_token_ms,server_total_ms,attempt,retry_"
      "of\n";
  const Instant start = run_start(run);
  for (const CellSummary& cell : run.cells) {
    for (std::size_t i = 0; i < cell.records.size(); ++i) {
      out += request_row(cell, *cell.records[i], cell.out_tokens[i], start);
    }
    for (const Record* record : cell.retried) out += request_row(cell, *record, 0, start);
  }
  return out;
}

std::string summary_csv(const RunSummary& run, const Manifest& manifest) {
  std::string out =
      "cell,kind,concurrency,request_rate,lengths,planned,completed,failed,duration_s,"
      "request_throughput_per_s,input_token_throughput_per_s,output_token_throughput_per_s,"
      "goodput_per_s,goodput_share,error_rate";
  for (const MetricInfo& m : metric_infos()) {
    out += format(",{}_mean", m.key);
    for (const double percent : summary_percentiles) out += format(",{}_p{:g}", m.key, percent);
    out += format(",{}_max", m.key);
  }
  out += ",valid,reasons\n";
  for (const CellSummary& cell : run.cells) {
    Row row;
    row.integer(cell.cell.id);
    row.text(cell.cell.is_static ? "static" : "dynamic");
    row.text(cell.cell.concurrency ? std::to_string(*cell.cell.concurrency) : "");
    row.text(load_text(cell.cell));
    row.text(cell.cell.lengths);
    row.integer(cell.cell.requests);
    row.integer(cell.completed);
    row.integer(cell.failed);
    row.number(cell.duration_s);
    row.number(cell.request_throughput_per_s);
    row.number(cell.input_token_throughput_per_s);
    row.number(cell.output_token_throughput_per_s);
    const bool has_slos = !manifest.slos.empty();
    row.number(has_slos ? std::optional(cell.goodput.per_s) : std::nullopt);
    row.number(has_slos ? std::optional(cell.goodput.share) : std::nullopt);
    row.number(cell.error_rate);
    for (const MetricInfo& m : metric_infos()) {
      const Distribution& d = cell.of(m.metric);
      const auto value = [&](double v) { return d.empty() ? std::nullopt : std::optional(v); };
      row.number(value(d.mean));
      for (const double percent : summary_percentiles) {
        row.number(d.empty() ? std::nullopt : std::optional(d.percentile(percent)));
      }
      row.number(value(d.max));
    }
    row.text(cell.verdict.is_valid() ? "yes" : "no");
    row.text(join(cell.verdict.reasons, "; "));
    out += row.line();
  }
  return out;
}

}  // namespace tacho
