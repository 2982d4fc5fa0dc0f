#include "report/summary.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "base/text.h"
#include "report/verdict.h"

namespace tacho {
namespace {

TokenSource combine(TokenSource so_far, TokenSource next) {
  if (so_far == TokenSource::none || so_far == next) return next;
  return next == TokenSource::none ? so_far : TokenSource::mixed;
}

std::string outcome_label(const Record& record) {
  const std::string name(outcome_name(record.outcome));
  if (is_planned_cancel(record)) return format("{} by plan", name);
  return record.outcome == Outcome::http_status ? format("{} {}", name, record.http_status) : name;
}

/// Adds the gaps between a request's chunks, in ms: spread over tokens, and as they are.
void add_gaps(const Record& record, std::uint32_t out_tokens, Clusters& itl, Clusters& raw) {
  if (record.chunks.size() < 2 || record.chunks_folded > 0) return;
  const auto tokens = tokens_per_chunk(record, out_tokens);
  const std::size_t before = itl.values.size();
  for (std::size_t i = 1; i < record.chunks.size(); ++i) {
    const double gap = to_ms(record.chunks[i].at - record.chunks[i - 1].at);
    raw.values.push_back(gap);
    itl.values.insert(itl.values.end(), tokens[i], gap / tokens[i]);
  }
  itl.size.push_back(static_cast<std::uint32_t>(itl.values.size() - before));
  raw.size.push_back(static_cast<std::uint32_t>(record.chunks.size() - 1));
}

/// True when the metric speaks of the instrument: then failed requests count too.
bool is_of_instrument(Metric metric) {
  return metric == Metric::client_lag || metric == Metric::send_lag;
}

/// Places in the cell's list in the order in which the requests were sent: what follows one another
/// there is correlated.
std::vector<std::size_t> order_sent(const CellSummary& cell) {
  std::vector<std::size_t> order(cell.records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return cell.records[a]->sent < cell.records[b]->sent;
  });
  return order;
}

/// The gaps of all requests: of those that were kept, and of those that were folded.
void add_folded(CellSummary& cell, Metric metric, const Clusters& kept, RunningSample sample) {
  for (const double gap : kept.values) sample.add(gap);
  const auto m = static_cast<std::size_t>(metric);
  cell.metrics[m] = summarize(sample);
  cell.confidences[m] = confidence_of(kept, cell.metrics[m]);
}

void fill_metrics(CellSummary& cell, const FoldedGaps* folded) {
  std::array<Clusters, metric_count> samples;
  const auto of = [&](Metric m) -> Clusters& { return samples[static_cast<std::size_t>(m)]; };
  for (const std::size_t i : order_sent(cell)) {
    const Record& record = *cell.records[i];
    const bool is_ok = record.outcome == Outcome::ok;
    for (const MetricInfo& m : metric_infos()) {
      if (m.metric == Metric::itl || m.metric == Metric::chunk_gap) continue;
      if (!is_ok && !is_of_instrument(m.metric)) continue;
      if (const auto value = value_of(m.metric, record, cell.out_tokens[i])) {
        of(m.metric).values.push_back(*value);
      }
    }
    if (is_ok) add_gaps(record, cell.out_tokens[i], of(Metric::itl), of(Metric::chunk_gap));
  }
  for (std::size_t m = 0; m < metric_count; ++m) {
    const auto metric = static_cast<Metric>(m);
    if (folded != nullptr && (metric == Metric::itl || metric == Metric::chunk_gap)) {
      add_folded(cell, metric, samples[m], metric == Metric::itl ? folded->itl : folded->chunk_gap);
      continue;
    }
    cell.metrics[m] = summarize(samples[m].values);
    if (!is_of_instrument(metric) && !cell.metrics[m].empty()) {
      cell.confidences[m] = confidence_of(samples[m], cell.metrics[m].ascending);
    }
  }
}

void count_outcomes(CellSummary& cell) {
  std::size_t timeouts = 0;
  for (const Record* record : cell.records) {
    ++cell.offered;
    if (happened(record->sent)) ++cell.sent;
    ++(is_failure(*record)              ? cell.failed
       : record->outcome == Outcome::ok ? cell.completed
                                        : cell.cancelled);
    if (record->outcome == Outcome::timeout) ++timeouts;
    ++cell.outcomes[outcome_label(*record)];
  }
  for (const Record* record : cell.retried) ++cell.retried_outcomes[outcome_label(*record)];
  const std::size_t judged = cell.offered - cell.cancelled;
  if (judged == 0) return;
  cell.error_rate = static_cast<double>(cell.failed) / static_cast<double>(judged);
  cell.timeout_rate = static_cast<double>(timeouts) / static_cast<double>(judged);
}

/// Throughputs over the whole cell: from the first due time to the end of the last answer.
void fill_throughput(CellSummary& cell) {
  Instant first = Instant::max();
  Instant last = never;
  double in_tokens = 0.0, tokens = 0.0, characters = 0.0, busy_s = 0.0;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    first = std::min(first, record.due);
    last = std::max({last, record.done, record.sent});
    if (happened(record.sent) && happened(record.done)) busy_s += to_s(record.done - record.sent);
    if (record.outcome != Outcome::ok) continue;
    const TokenCount input = input_tokens(record);
    cell.input_source = combine(cell.input_source, input.source);
    in_tokens += input.tokens;
    tokens += cell.out_tokens[i];
    characters += record.output_characters;
  }
  if (!happened(last) || last <= first) return;
  cell.duration_s = to_s(last - first);
  cell.request_throughput_per_s = static_cast<double>(cell.completed) / cell.duration_s;
  cell.input_token_throughput_per_s = in_tokens / cell.duration_s;
  cell.output_token_throughput_per_s = tokens / cell.duration_s;
  cell.characters_per_s = characters / cell.duration_s;
  cell.concurrency_little = busy_s / cell.duration_s;
  cell.concurrency_mean = mean_in_flight(cell.records, first, last);
}

void fill_goodput(CellSummary& cell, const std::vector<Slo>& slos) {
  Goodput& goodput = cell.goodput;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (record.outcome != Outcome::ok) continue;
    bool is_good = true;
    for (const Slo& slo : slos) {
      const auto metric = slo_metric(slo.metric);
      if (!metric) continue;
      const auto value = value_of(*metric, record, cell.out_tokens[i]);
      if (!value || *value <= slo.limit) continue;  // Without a value it neither passes nor fails.
      is_good = false;
      ++goodput.failed_by[slo.metric];
    }
    if (is_good) ++goodput.good;
  }
  if (cell.offered > cell.cancelled) {
    goodput.share =
        static_cast<double>(goodput.good) / static_cast<double>(cell.offered - cell.cancelled);
  }
  if (cell.duration_s > 0) goodput.per_s = static_cast<double>(goodput.good) / cell.duration_s;
}

/// One source's name, or what the mixture means for trust: times of both kernel sources are good.
std::string source_name(const std::array<std::size_t, 3>& by_source) {
  const auto [read, socket, tap] = by_source;
  if (read > 0) return socket + tap > 0 ? "mixed" : "read";
  if (tap > 0) return socket > 0 ? "tap+socket" : "tap";
  return "socket";
}

void fill_instrument(CellSummary& cell, const Manifest& manifest, const FoldedGaps* folded) {
  Instrument& instrument = cell.instrument;
  std::size_t reads = 0, shared = 0, chunks = 0, multi = 0;
  std::size_t answers = 0, all_chunks = 0, late_firsts = 0, late_chunks = 0;
  std::array<std::size_t, 3> by_source{};
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    reads += record.reads;
    shared += record.shared_reads;
    if (!record.chunks.empty()) {
      ++answers;
      all_chunks += record.chunks.size() + record.chunks_folded;
      late_firsts += record.is_first_late ? 1 : 0;
      late_chunks += record.late_chunks;
    }
    instrument.reconnects += record.reconnects;
    if (record.reads > 0) ++by_source[static_cast<std::size_t>(record.stamps)];
    if (record.chunks.size() < 2 || record.chunks_folded > 0) continue;
    const auto tokens = tokens_per_chunk(record, cell.out_tokens[i]);
    chunks += tokens.size() - 1;
    multi += static_cast<std::size_t>(
        std::count_if(tokens.begin() + 1, tokens.end(), [](std::uint32_t n) { return n > 1; }));
  }
  if (folded != nullptr) {
    chunks += folded->chunks;
    multi += folded->multi_chunks;
  }
  const auto ratio = [](std::size_t part, std::size_t all) {
    return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0.0;
  };
  instrument.stamps = source_name(by_source);
  instrument.coalesced_read_share = ratio(shared, reads);
  instrument.late_first_share = ratio(late_firsts, answers);
  instrument.late_chunk_share = ratio(late_chunks, all_chunks);
  instrument.multi_token_chunk_share = ratio(multi, chunks);
  const std::string key = std::to_string(cell.cell.id);
  if (!manifest.instrument.contains(key)) return;
  const Json& own = manifest.instrument[key];
  instrument.loop_busy_share = json_number(own, "loop_busy_share");
  instrument.clock_steps = static_cast<std::size_t>(json_number(own, "clock_steps"));
  instrument.connections = static_cast<std::size_t>(json_number(own, "connections"));
  if (!own.is_object() || !own.contains("tap")) return;
  const Json& tap = own["tap"];
  instrument.tap_segments = static_cast<std::size_t>(json_number(tap, "segments"));
  instrument.tap_lost = static_cast<std::size_t>(json_number(tap, "lost"));
  instrument.tap_sent_again = static_cast<std::size_t>(json_number(tap, "sent_again"));
}

/// The cell with the fewest requests in flight: what others are compared with.
const CellSummary* lightest_of(const RunSummary& run) {
  const CellSummary* lightest = nullptr;
  for (const CellSummary& cell : run.cells) {
    if (cell.completed == 0 || cell.of(Metric::ttft).empty()) continue;
    if (lightest == nullptr || cell.concurrency_mean < lightest->concurrency_mean) {
      lightest = &cell;
    }
  }
  return lightest;
}

/// What was read meanwhile, and what it says.
void explain(const RunData& data, RunSummary& run) {
  const CellSummary* lightest = lightest_of(run);
  for (CellSummary& cell : run.cells) {
    cell.monitored = monitored_of(cell, data.readings);
    cell.findings = diagnose(situation_of(cell, data, lightest));
  }
}

}  // namespace

std::optional<Metric> slo_metric(std::string_view key) {
  for (const MetricInfo& m : metric_infos()) {
    const bool is_per_request = m.metric != Metric::itl && m.metric != Metric::chunk_gap;
    if (m.key == key && is_per_request && !is_of_instrument(m.metric)) return m.metric;
  }
  return std::nullopt;
}

void fill_stop(CellSummary& cell, const Manifest& manifest) {
  const std::string key = std::to_string(cell.cell.id);
  if (!manifest.stops.contains(key)) return;
  cell.stopped_by = json_string(manifest.stops[key], "by");
  cell.stop_detail = json_string(manifest.stops[key], "detail");
}

/// The ids of the tries that another one followed: the journal says of each retry what it is of.
std::unordered_set<std::uint64_t> ids_tried_again(const std::vector<Record>& records) {
  std::unordered_set<std::uint64_t> ids;
  for (const Record& record : records) {
    if (record.attempt == 0) continue;
    ids.insert(record.retry_of + (record.attempt - 1) * retry_id_step);
  }
  return ids;
}

RunSummary summarize(const RunData& data) {
  RunSummary run;
  const auto tried_again = ids_tried_again(data.records);
  for (const Cell& cell : data.manifest.cells) {
    CellSummary summary;
    summary.cell = cell;
    for (std::size_t i = 0; i < data.records.size(); ++i) {
      const Record& record = data.records[i];
      if (record.cell != cell.id || record.stage != Stage::measure) continue;
      if (tried_again.contains(record.id)) {
        summary.retried.push_back(&record);
        continue;
      }
      const TokenCount output = output_tokens(record, data.counted[i]);
      summary.records.push_back(&record);
      summary.out_tokens.push_back(output.tokens);
      if (record.outcome == Outcome::ok) {
        summary.output_source = combine(summary.output_source, output.source);
      }
    }
    count_outcomes(summary);
    fill_throughput(summary);
    summary.windows = windows_of(summary);
    summary.arrivals = count_arrivals(summary);
    summary.queue = queue_trend(summary);
    const auto found = data.folded.find(cell.id);
    const FoldedGaps* folded = found != data.folded.end() ? &found->second : nullptr;
    fill_metrics(summary, folded);
    fill_goodput(summary, data.manifest.slos);
    summary.slos = judge_slos(summary, data.manifest.cell_slos);
    fill_instrument(summary, data.manifest, folded);
    fill_stop(summary, data.manifest);
    summary.verdict = judge(summary, data.manifest);
    run.completed += summary.completed;
    run.failed += summary.failed;
    run.cells.push_back(std::move(summary));
  }
  if (!data.readings.empty()) explain(data, run);
  return run;
}

}  // namespace tacho
