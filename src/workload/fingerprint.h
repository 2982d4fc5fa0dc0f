// Names for bytes: two files with the same fingerprint are taken to be the same. Used to know
// counted datasets again and to record what a run was made of; it is no protection against forgery.
#pragma once

#include <cstdint>
#include <string_view>

namespace tacho {

/// FNV-1a, 64 bits (Fowler, Noll, Vo 1991).
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325ULL) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace tacho
