// One request as the scheduler sees it: lengths, what of it is computed, and the blocks of the
// cache that it holds. Text and HTTP are others'.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/time.h"

namespace tacho {

/// The blocks of the cache that one sequence holds, in the order of its tokens.
struct KvBlocks {
  std::uint32_t count = 0;
  std::uint32_t published = 0;          ///< The first so many can be found by their hashes.
  std::vector<std::uint32_t> ids = {};  ///< Empty when the pool only counts.
};

/// The index of no replica.
inline constexpr std::uint32_t no_replica = std::numeric_limits<std::uint32_t>::max();

/// One request inside the engine. Its owner sets the first fields before it is submitted.
struct Sequence {
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;  ///< How many it will emit.
  std::int32_t priority = 0;  ///< Lower is more urgent; counts with EngineOptions::by_priority.
  std::uint32_t adapter = 0;  ///< The n-th of EngineOptions::adapter_ranks; 0: the model itself.
  /// One hash for each full block of its tokens, each hash covering all tokens before its end.
  /// Those of the prompt, and as many of the answer as are known. Must outlive the sequence; empty:
  /// nothing of it is found in the prefix cache.
  std::span<const std::uint64_t> block_hashes = {};

  std::uint32_t emitted = 0;
  std::uint32_t following = 0;      ///< Tokens that its step yields after the one that is told of.
  std::uint32_t computed = 0;       ///< Tokens whose keys and values are in the cache.
  std::uint32_t cached_tokens = 0;  ///< Of the prompt, found in the cache when it was first taken.
  std::uint32_t preemptions = 0;
  std::uint32_t loaded = 0;  ///< Tokens whose keys and values another replica has computed.
  Instant queued = never;
  Instant scheduled = never;  ///< When its first step began.
  std::uint64_t number = 0;   ///< In the order of arrival; the scheduler's own.
  KvBlocks kv = {};           ///< The scheduler's own.
  /// Where a cluster has put it, and where its prompt was read if that was elsewhere.
  std::uint32_t replica = no_replica;
  std::uint32_t prefill_replica = no_replica;

  /// Tokens that are there to be computed: the prompt and what has been emitted.
  std::uint32_t tokens() const { return input_tokens + emitted; }
};

}  // namespace tacho
