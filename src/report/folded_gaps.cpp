#include "report/folded_gaps.h"

#include <algorithm>

#include "report/metrics.h"

namespace tacho {

void fold_chunks(Record& record, std::uint32_t output_tokens, FoldedGaps* gaps) {
  if (record.chunks.size() < 4) return;  // Nothing would be saved.
  const auto tokens = tokens_per_chunk(record, output_tokens);
  if (gaps != nullptr) {
    ++gaps->requests;
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const double gap = to_ms(record.chunks[i].at - record.chunks[i - 1].at);
      gaps->chunk_gap.add(gap);
      gaps->itl.add(gap / tokens[i], tokens[i]);
      ++gaps->chunks;
      if (tokens[i] > 1) ++gaps->multi_chunks;
    }
  }
  const auto spoken = std::find_if(record.chunks.begin(), record.chunks.end(),
                                   [](const Chunk& chunk) { return !chunk.is_reasoning; });
  std::vector<std::size_t> kept{0, record.chunks.size() - 1};
  if (spoken != record.chunks.end())
    kept.push_back(static_cast<std::size_t>(spoken - record.chunks.begin()));
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  std::vector<Chunk> chunks;
  for (const std::size_t i : kept) {
    chunks.push_back(record.chunks[i]);
    chunks.back().tokens = tokens[i];  // What the first one holds is no longer to be worked out.
  }
  record.chunks_folded = static_cast<std::uint32_t>(record.chunks.size() - chunks.size());
  record.chunks = std::move(chunks);
}

}  // namespace tacho
