// The gaps between chunks of requests whose chunks are not kept: a million requests have more of
// them than memory holds, and one figure at the end.
#pragma once

#include "record/record.h"
#include "stats/running_sample.h"

namespace tacho {

/// The gaps of a cell's folded requests, in ms.
struct FoldedGaps {
  RunningSample itl, chunk_gap;
  std::size_t requests = 0;
  std::size_t chunks = 0;        ///< After the first of each.
  std::size_t multi_chunks = 0;  ///< Of them, those with several tokens.
};

/// Takes the record's chunks into `gaps` (null: they count for nothing), and leaves in the record
/// only those that its own times need: the first, the first without reasoning, the last.
void fold_chunks(Record& record, std::uint32_t output_tokens, FoldedGaps* gaps);

}  // namespace tacho
