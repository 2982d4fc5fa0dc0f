// A run directory, read: the manifest, the records, and the tokens of answers that the server did
// not count.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "record/journal.h"
#include "record/manifest.h"
#include "record/readings.h"
#include "report/folded_gaps.h"

namespace tacho {

/// Counts the tokens of a text; handed down by the command line, which knows the run's tokenizer.
using CountTokens = std::function<std::size_t(std::string_view)>;

/// Everything that a report is a fold over.
struct RunData {
  std::string directory;
  Manifest manifest;
  std::vector<Record> records;  ///< Warm-up included; ascending by id.
  std::vector<std::uint32_t>
      counted;  ///< For each record: its answer's tokens by the tokenizer; 0 if not counted.
  std::map<std::uint32_t, FoldedGaps>
      folded;         ///< By cell: the gaps of records whose chunks are not kept.
  Readings readings;  ///< Of engines, devices and the host; none without --monitor.
  std::size_t torn_lines = 0;
};

/// Chunks of which each is kept: 192 MB. Gaps of later requests go into a histogram.
inline constexpr std::size_t chunks_kept_max = 8'000'000;

/// Reads a run. `count_tokens` may be empty; answers without usage are then counted in chunks.
Result<RunData> read_run(const std::string& directory, const CountTokens& count_tokens,
                         std::size_t chunks_max = chunks_kept_max);

/// True when some answer has no usage and its text waits to be counted.
bool needs_token_counts(const std::vector<Record>& records);

}  // namespace tacho
