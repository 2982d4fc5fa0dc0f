// Counting a dataset's tokens once. ShareGPT has a hundred thousand prompts and takes a tokenizer
// minutes of processor time; the counts are kept in a small file, keyed by both fingerprints, and
// read back in milliseconds by the next run.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/result.h"
#include "workload/dataset.h"
#include "workload/tokenizer.h"

namespace tacho {

/// Told now and then how many of all prompts are done; may be empty. Called from the calling
/// thread.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

/// Fills in `input_tokens` of every prompt, and `output_tokens` where it is 0 and there is a reply
/// to count.
///
/// The counts are kept beside the dataset as `<path>.tacho-tokens`, or, when there is no path or
/// its folder cannot be written, in $XDG_CACHE_HOME/tacho (~/.cache/tacho). A cache that cannot be
/// read or written is no error: the counting is only done again. Uses all cores when it does count.
Status count_tokens(Dataset& dataset, const Tokenizer& tokenizer, const std::string& path,
                    const Progress& progress);

}  // namespace tacho
