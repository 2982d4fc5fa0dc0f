#include "report/windows.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/in_flight.h"
#include "report/summary.h"
#include "stats/steady_state.h"

namespace tacho {
namespace {

/// A stretch of time; empty when it ends before it begins.
struct Span {
  Instant from = never, to = never;
};

/// From the first due time to the last end of an answer.
Span whole_of(const CellSummary& cell) {
  Span span{Instant::max(), never};
  for (const Record* record : cell.records) {
    span.from = std::min(span.from, record->due);
    span.to = std::max({span.to, record->done, record->sent});
  }
  return span;
}

/// Work done within the span. A request across its edge counts by the part of its time inside, so
/// that neither the edge's place nor batches that end together move the figure.
Window work_in(const CellSummary& cell, Span span, Instant start) {
  Window window;
  if (!happened(span.from) || !happened(span.to) || span.to <= span.from) return window;
  window.is_known = true;
  window.from_s = to_s(span.from - start);
  window.duration_s = to_s(span.to - span.from);
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (record.outcome != Outcome::ok || !happened(record.sent) || !happened(record.done)) continue;
    const double whole = to_s(record.done - record.sent);
    const double inside = to_s(std::min(record.done, span.to) - std::max(record.sent, span.from));
    const bool is_within = record.done > span.from && record.done <= span.to;
    const double part = whole > 0.0 ? std::clamp(inside / whole, 0.0, 1.0) : is_within ? 1.0 : 0.0;
    window.request_throughput_per_s += part;
    window.input_token_throughput_per_s += part * input_tokens(record).tokens;
    window.output_token_throughput_per_s += part * cell.out_tokens[i];
  }
  window.request_throughput_per_s /= window.duration_s;
  window.input_token_throughput_per_s /= window.duration_s;
  window.output_token_throughput_per_s /= window.duration_s;
  return window;
}

/// The transient's end by the first tokens, in the order of arrival.
std::optional<Instant> settled_ttft(const std::vector<const Record*>& by_due) {
  std::vector<double> series;
  std::vector<Instant> dues;
  for (const Record* record : by_due) {
    const Instant end = happened(first_token(*record)) ? first_token(*record) : record->done;
    if (record->outcome != Outcome::ok || !happened(record->sent) || !happened(end)) continue;
    series.push_back(to_ms(end - record->sent));
    dues.push_back(record->due);
  }
  const auto cut = transient_length(series);
  return cut ? std::optional(dues[*cut]) : std::nullopt;
}

/// And by the answers that end in equal slices of the arrivals' time.
std::optional<Instant> settled_throughput(const std::vector<const Record*>& by_due) {
  const Instant from = by_due.front()->due, to = by_due.back()->due;
  const auto slices = std::clamp<std::size_t>(by_due.size() / 2, 50, 400);
  const double width = to_s(to - from) / static_cast<double>(slices);
  if (width <= 0.0) return std::nullopt;
  std::vector<double> ends(slices, 0.0);
  for (const Record* record : by_due) {
    if (record->outcome != Outcome::ok || record->done < from || record->done >= to) continue;
    const auto slice = static_cast<std::size_t>(to_s(record->done - from) / width);
    ends[std::min(slice, slices - 1)] += 1.0;
  }
  const auto cut = transient_length(ends);
  return cut ? std::optional(from + from_s(static_cast<double>(*cut) * width)) : std::nullopt;
}

void settle_open_loop(const CellSummary& cell, Windows& windows, Span whole) {
  std::vector<const Record*> by_due = cell.records;
  std::stable_sort(by_due.begin(), by_due.end(),
                   [](const Record* a, const Record* b) { return a->due < b->due; });
  const Instant last_due = by_due.back()->due;
  windows.drain = work_in(cell, {last_due, whole.to}, whole.from);
  if (!has_constant_rate(cell.cell)) {
    windows.no_steady_state = "the load is not one constant rate";
    return;
  }
  if (by_due.size() < 50) {
    windows.no_steady_state = format("{} arrivals are too few to find one", by_due.size());
    return;
  }
  const auto ttft = settled_ttft(by_due), throughput = settled_throughput(by_due);
  if (!ttft || !throughput) {
    windows.no_steady_state = format("{} never settled", !ttft ? "TTFT" : "throughput");
    return;
  }
  windows.steady_state = work_in(cell, {std::max(*ttft, *throughput), last_due}, whole.from);
}

void settle_closed_loop(const CellSummary& cell, Windows& windows, Span whole) {
  // Users who think between requests are never all in flight.
  const std::uint32_t streams = cell.cell.load.empty() ? cell.cell.concurrency.value_or(0) : 0;
  const auto plateau = plateau_of(cell.records, streams);
  if (!plateau || plateau->to <= plateau->from) {
    windows.no_steady_state = "the concurrency was never reached";
    return;
  }
  windows.steady_state = work_in(cell, {plateau->from, plateau->to}, whole.from);
  windows.drain = work_in(cell, {plateau->to, whole.to}, whole.from);
}

Json window_json(const Window& window) {
  if (!window.is_known) return nullptr;
  return {{"from_s", window.from_s},
          {"duration_s", window.duration_s},
          {"request_throughput_per_s", window.request_throughput_per_s},
          {"input_token_throughput_per_s", window.input_token_throughput_per_s},
          {"output_token_throughput_per_s", window.output_token_throughput_per_s},
          {"total_token_throughput_per_s", window.total_token_throughput_per_s()}};
}

}  // namespace

Windows windows_of(const CellSummary& cell) {
  Windows windows;
  const Span whole = whole_of(cell);
  windows.whole_run = work_in(cell, whole, whole.from);
  if (!windows.whole_run.is_known || cell.completed == 0) {
    windows.no_steady_state = "nothing was answered";
    return windows;
  }
  cell.cell.is_static ? settle_closed_loop(cell, windows, whole)
                      : settle_open_loop(cell, windows, whole);
  return windows;
}

Json to_json(const Windows& windows) {
  Json json{{"headline", windows.steady_state.is_known ? "steady_state" : "whole_run"},
            {"whole_run", window_json(windows.whole_run)},
            {"steady_state", window_json(windows.steady_state)},
            {"drain", window_json(windows.drain)}};
  if (!windows.no_steady_state.empty()) json["no_steady_state"] = windows.no_steady_state;
  return json;
}

}  // namespace tacho
