#include "sim/words.h"

#include "base/assert.h"
#include "base/embedded.h"
#include "base/text.h"

namespace tacho {

TACHO_EMBEDDED(sim_words)

Words::Words() {
  for (const auto line : split(sim_words(), '\n')) {
    if (!trim(line).empty()) words_.push_back(format(" {}", trim(line)));
  }
  TACHO_ASSERT(!words_.empty());
}

std::uint64_t mix_bits(std::uint64_t a, std::uint64_t b) {
  // The finalizer of splitmix64 over a combination of both.
  std::uint64_t z = a + 0x9e3779b97f4a7c15u * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace tacho
