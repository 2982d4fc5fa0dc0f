#include "report/run_data.h"

#include <algorithm>

#include "report/metrics.h"

namespace tacho {
namespace {

bool needs_count(const Record& record) {
  return !record.usage.output_tokens && !record.text.empty();
}

}  // namespace

bool needs_token_counts(const std::vector<Record>& records) {
  return std::any_of(records.begin(), records.end(), needs_count);
}

Result<RunData> read_run(const std::string& directory, const CountTokens& count_tokens,
                         std::size_t chunks_max) {
  RunData data;
  data.directory = directory;
  auto manifest = read_manifest(directory);
  if (!manifest) return manifest.error();
  data.manifest = std::move(*manifest);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> counted;
  std::size_t chunks = 0;
  const auto torn = read_journal(journal_path(directory), [&](Record&& record) {
    const bool is_counted = count_tokens && needs_count(record);
    counted.emplace_back(record.id,
                         is_counted ? static_cast<std::uint32_t>(count_tokens(record.text)) : 0);
    chunks += record.chunks.size();
    if (chunks > chunks_max) {
      const bool speaks = record.outcome == Outcome::ok && record.stage == Stage::measure;
      fold_chunks(record, output_tokens(record, counted.back().second).tokens,
                  speaks ? &data.folded[record.cell] : nullptr);
    }
    data.records.push_back(std::move(record));
  });
  if (!torn) return torn.error();
  data.torn_lines = *torn;
  // Both by id, and both stable, so that each count stays with its record.
  std::stable_sort(data.records.begin(), data.records.end(),
                   [](const Record& a, const Record& b) { return a.id < b.id; });
  std::stable_sort(counted.begin(), counted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [id, tokens] : counted) data.counted.push_back(tokens);
  auto readings = read_readings(readings_path(directory));
  if (!readings) return readings.error();
  data.readings = std::move(*readings);
  return data;
}

}  // namespace tacho
