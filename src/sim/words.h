// The engine's voice: words that are one token each for the built-in tokenizer, drawn by a seed, so
// that an answer's text has exactly the tokens that its usage says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

/// Draws words. Immutable.
class Words {
 public:
  /// The words that are part of the binary.
  Words();
  /// The `index`-th word of the answer of that seed, with the space that precedes it.
  std::string_view at(std::uint64_t seed, std::uint32_t index) const;

 private:
  std::vector<std::string> words_;
};

/// Mixes two numbers into one that looks random; for drawing without state.
std::uint64_t mix_bits(std::uint64_t a, std::uint64_t b);

}  // namespace tacho
