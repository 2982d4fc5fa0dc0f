// What every fuzz target stands on: bytes that decide, bytes that are fed, and the ways to cut
// them.
//
// libFuzzer calls LLVMFuzzerTestOneInput with bytes that it has made up; a target ends the process
// when something does not hold, and the bytes are then kept as a finding. The sanitizers watch the
// rest. Only built with the preset `fuzz`; scripts/fuzz.sh builds and runs the targets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

/// libFuzzer's entry into a target; declared here because every target must define it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tacho::fuzz {

/// Ends the process: what was promised does not hold.
[[noreturn]] inline void broken(std::string_view what) {
  std::fprintf(stderr, "\nBROKEN: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

/// Ends the process unless it holds.
inline void expect(bool holds, std::string_view what) {
  if (!holds) broken(what);
}

/// Ends the process unless both are the same; shows both.
inline void expect_same(std::string_view given, std::string_view wanted, std::string_view what) {
  if (given == wanted) return;
  std::fprintf(stderr, "\n--- given\n%.*s\n--- wanted\n%.*s\n---\n", static_cast<int>(given.size()),
               given.data(), static_cast<int>(wanted.size()), wanted.data());
  broken(what);
}

/// The input: its first bytes decide, the rest is what is fed. So a corpus file can be written by
/// hand: a letter, then the bytes as they would come.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  /// The next byte that decides; 0 when there is none left.
  std::uint8_t decide() {
    if (rest_.empty()) return 0;
    const char byte = rest_.front();
    rest_.remove_prefix(1);
    return static_cast<std::uint8_t>(byte);
  }
  /// What is left.
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// The bytes in pieces: of one byte each, whole, or cut at places that a seed draws.
inline std::vector<std::string_view> cut(std::string_view bytes, std::size_t piece_max,
                                         std::uint64_t seed = 0) {
  std::vector<std::string_view> pieces;
  Random random(Seed{seed}, "cuts");
  while (!bytes.empty()) {
    const std::size_t wanted = seed == 0 ? piece_max : 1 + random.below(piece_max);
    pieces.push_back(bytes.substr(0, wanted));
    bytes.remove_prefix(pieces.back().size());
  }
  return pieces;
}

}  // namespace tacho::fuzz
