// The engine's voice: words that are one token each for the built-in tokenizer, so that an answer's
// text has exactly the tokens that its usage says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

/// The words. Immutable.
class Words {
 public:
  /// The words that are part of the binary.
  Words();
  /// All of them, each with the space that precedes it.
  const std::vector<std::string>& all() const { return words_; }

 private:
  std::vector<std::string> words_;
};

/// A number from 0 to 1, without 1, made of random-looking bits.
inline double uniform_of(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

/// Mixes two numbers into one that looks random; for drawing without state.
std::uint64_t mix_bits(std::uint64_t a, std::uint64_t b);

}  // namespace tacho
