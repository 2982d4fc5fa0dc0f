// Synthetic datasets: prompts of real text whose lengths follow a law that the user states. What
// production traffic looks like is often known only as a few figures (at least, at most, on
// average, how spread out), and this turns them into prompts, and into a file that anyone can use
// again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "workload/shape.h"

namespace tacho {

/// Lengths in tokens: normal with this mean and standard deviation, clipped to the bounds.
///
/// What lies outside becomes the bound itself, so a narrow pair of bounds shifts the average; it is
/// printed as it came out.
struct LengthLaw {
  std::uint32_t minimum = 1;
  std::uint32_t maximum = 1;
  double mean = 1.0;
  double deviation = 0.0;
};

/// One length of the law.
std::uint32_t draw_length(const LengthLaw& law, Random& random);

/// What to generate.
struct GenerateOptions {
  LengthLaw input;
  LengthLaw output;
  std::size_t count = 1;
  Seed seed = {};
  Progress progress = {};
};

/// An Error when the bounds are 0 or the wrong way round, or the mean lies outside. `what` names
/// the law.
Status check_law(const LengthLaw& law, const std::string& what);

/// The lengths of the prompts. Input and output come from streams of their own: changing one law
/// leaves the other's lengths as they were.
std::vector<PromptLengths> draw_lengths(const GenerateOptions& options);

/// Prompts of exactly the drawn lengths, cut out of the corpus (see shape.h).
Result<std::vector<Prompt>> generate_prompts(const Dataset& corpus, const Tokenizer& tokenizer,
                                             const GenerateOptions& options);

/// The prompts as a JSON list of {"prompt", "input_tokens", "output_tokens"}, one entry a line; a
/// system message is a "system" key. It is what the dataset type "custom" reads.
std::string prompts_json(const std::vector<Prompt>& prompts);

/// Writes that list into a file.
Status write_prompts(const std::string& path, const std::vector<Prompt>& prompts);

}  // namespace tacho
