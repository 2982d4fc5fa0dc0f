#include "sim/prefix_hash.h"

#include "sim/words.h"

namespace tacho {

std::vector<std::uint64_t> block_hashes(std::span<const std::uint32_t> tokens,
                                        std::uint32_t block_size, std::uint64_t salt) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(tokens.size() / block_size);
  std::uint64_t hash = mix_bits(salt, 0);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    hash = mix_bits(hash, tokens[i]);
    if ((i + 1) % block_size == 0) hashes.push_back(hash);
  }
  return hashes;
}

}  // namespace tacho
