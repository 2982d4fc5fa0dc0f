// Traces: files that say when real requests came, and how long they were or what they said.
// Replayed with their own times, they keep what no process has: the hours, the bursts, and which
// lengths come together.
//
// The form is Mooncake's, one JSON object a line (or a JSON list of them): {"timestamp": 1200,
// "input_length": 6755, "output_length": 500}, times in milliseconds. Azure's CSV is read as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tacho {

/// One request of a trace.
struct TraceEntry {
  Duration due{0};                  ///< In the file's own time; after cut_trace, from the start.
  std::uint32_t input_tokens = 0;   ///< 0 when it has a text.
  std::uint32_t output_tokens = 0;  ///< 0: the trace doesn't say.
  std::string text;                 ///< What it said; empty where only its length is known.
};

/// Which part of a trace is replayed, and how fast.
struct TraceCut {
  double speedup = 1.0;                ///< 2: in half the time.
  std::optional<double> start_s = {};  ///< From this time on, in the file's own time.
  std::optional<double> end_s = {};    ///< Until before this time.
  std::size_t count_max = SIZE_MAX;    ///< The first so many.
};

/// Reads a trace, in the order of its times. An entry has `timestamp` (ms) or `delay` (ms after the
/// entry before), and `input_length` or a text (`text_input`, `prompt`, `text`). The error names
/// the file and the entry.
Result<std::vector<TraceEntry>> read_trace(const std::string& path);

/// The same for bytes that are already here; `name` stands for the path.
Result<std::vector<TraceEntry>> parse_trace(std::string text, const std::string& name);

/// The wanted part. Its times begin at `start_s`, or else with its first entry at 0, so that a
/// trace of the afternoon does not wait for half a day.
std::vector<TraceEntry> cut_trace(std::vector<TraceEntry> entries, const TraceCut& cut);

}  // namespace tacho
