// Prompts of exactly the length that was asked for, made of real text.
//
// Random tokens are how most load tests make prompts of a given length, but they are not text:
// servers tokenize them otherwise than they were drawn, drafts of speculative decoding never match,
// and answers are nonsense. Here each prompt is a stretch of a dataset's own text, from a place
// where no other prompt begins, cut so that the tokenizer counts exactly what was asked for; every
// prompt is counted to prove it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "workload/dataset.h"
#include "workload/token_counts.h"
#include "workload/tokenizer.h"

namespace tacho {

/// The lengths of one prompt, in tokens of the tokenizer at hand.
struct PromptLengths {
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
};

/// `count` prompts of one length.
struct ShapeOptions {
  std::uint32_t input_tokens = 512;
  std::uint32_t output_tokens = 128;
  std::size_t count = 1;
  Seed seed = {};
  Progress progress = {};
};

/// Cuts `count` prompts out of the corpus, each of exactly `input_tokens` tokens (text alone).
///
/// The first ones begin where a message begins, in random order; when those are used up they begin
/// at any word. No two of them begin with the same 16 tokens, so that a server's prefix cache
/// cannot help. A prompt that is longer than the whole corpus repeats it. An error says that the
/// corpus has too few places to begin at. The result depends on the arguments alone, not on the
/// number of cores.
Result<std::vector<Prompt>> shape_prompts(const Dataset& corpus, const Tokenizer& tokenizer,
                                          const ShapeOptions& options);

/// Cuts prompts out of a corpus, batch after batch, no two of them from the same place.
class PromptShaper {
 public:
  /// Both must outlive the shaper.
  PromptShaper(const Dataset& corpus, const Tokenizer& tokenizer, Seed seed);
  ~PromptShaper();

  /// The next prompts, each with its own lengths. What it gave before begins otherwise. The error
  /// is about lengths of 0, or a corpus that is used up; after it, nothing more can be made.
  Result<std::vector<Prompt>> make(const std::vector<PromptLengths>& lengths,
                                   const Progress& progress);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// The same, each prompt with its own lengths.
Result<std::vector<Prompt>> shape_prompts(const Dataset& corpus, const Tokenizer& tokenizer,
                                          const std::vector<PromptLengths>& lengths, Seed seed,
                                          const Progress& progress);

}  // namespace tacho
