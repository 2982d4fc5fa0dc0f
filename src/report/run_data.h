// A run directory, read: the manifest, the records, and the tokens of answers that the server did
// not count.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "record/journal.h"
#include "record/manifest.h"

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
  std::size_t torn_lines = 0;
};

/// Reads a run. `count_tokens` may be empty; answers without usage are then counted in chunks.
Result<RunData> read_run(const std::string& directory, const CountTokens& count_tokens);

/// True when some answer has no usage and its text waits to be counted.
bool needs_token_counts(const std::vector<Record>& records);

}  // namespace tacho
