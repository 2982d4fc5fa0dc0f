// Records made by hand for the tests of what is folded over them.
#pragma once

#include <vector>

#include "report/summary.h"

namespace tacho {

/// An instant so many milliseconds after the clock's zero.
inline Instant at_ms(double ms) { return instant_from_ns(static_cast<std::int64_t>(ms * 1e6)); }

/// A request that was due and sent at `sent_ms`, with one-token chunks at these times after it, all
/// ok.
inline Record ok_record(double sent_ms, const std::vector<double>& chunks_ms) {
  Record r;
  r.due = r.dialled = r.connected = r.send_started = r.sent = at_ms(sent_ms);
  r.headers = r.sent;
  for (const double ms : chunks_ms) r.chunks.push_back({at_ms(sent_ms + ms), 0, 4, false});
  r.done = chunks_ms.empty() ? r.sent : r.chunks.back().at;
  r.outcome = Outcome::ok;
  r.http_status = 200;
  r.usage.input_tokens = 10;
  r.usage.output_tokens = static_cast<std::uint32_t>(chunks_ms.size());
  r.reads = static_cast<std::uint32_t>(chunks_ms.size());
  return r;
}

/// A request that failed at `failed_ms`; never: it was given up.
inline Record failed_record(double sent_ms, Outcome outcome, double failed_ms) {
  Record r = ok_record(sent_ms, {});
  r.outcome = outcome;
  r.http_status = outcome == Outcome::http_status ? 500 : 0;
  r.usage = {};
  r.done = at_ms(failed_ms);
  return r;
}

/// A run of one closed-loop cell with these records, numbered in their order, each with a prompt of
/// its own.
inline RunData run_of(std::vector<Record> records) {
  RunData data;
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].id = i;
    records[i].prompt = static_cast<std::uint32_t>(i);
  }
  data.manifest.status = "finished";
  Cell cell;
  cell.concurrency = 1;
  cell.requests = static_cast<std::uint32_t>(records.size());
  data.manifest.cells = {cell};
  data.counted.assign(records.size(), 0);
  data.records = std::move(records);
  return data;
}

}  // namespace tacho
