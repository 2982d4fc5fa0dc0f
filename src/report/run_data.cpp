#include "report/run_data.h"

#include <algorithm>

namespace tacho {
namespace {

bool needs_count(const Record& record) {
  return !record.usage.output_tokens && !record.text.empty();
}

}  // namespace

bool needs_token_counts(const std::vector<Record>& records) {
  return std::any_of(records.begin(), records.end(), needs_count);
}

Result<RunData> read_run(const std::string& directory, const CountTokens& count_tokens) {
  RunData data;
  data.directory = directory;
  auto manifest = read_manifest(directory);
  if (!manifest) return manifest.error();
  data.manifest = std::move(*manifest);
  auto journal = read_journal(journal_path(directory));
  if (!journal) return journal.error();
  data.records = std::move(journal->records);
  data.torn_lines = journal->torn_lines;
  data.counted.assign(data.records.size(), 0);
  if (!count_tokens) return data;
  for (std::size_t i = 0; i < data.records.size(); ++i) {
    if (!needs_count(data.records[i])) continue;
    data.counted[i] = static_cast<std::uint32_t>(count_tokens(data.records[i].text));
  }
  return data;
}

}  // namespace tacho
