// The names of blocks in the prefix cache: each block's hash covers all tokens before its end, so
// that equal hashes mean equal beginnings.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tacho {

/// One hash for each full block of the tokens. Different salts (a LoRA adapter, a tenant) share
/// nothing.
std::vector<std::uint64_t> block_hashes(std::span<const std::uint32_t> tokens,
                                        std::uint32_t block_size, std::uint64_t salt);

}  // namespace tacho
