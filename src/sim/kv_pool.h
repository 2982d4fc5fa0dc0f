// The paged KV cache: blocks of a fixed number of tokens, lent to sequences. With prefix caching a
// block that was given back can still be found by its hash until somebody else needs it: the free
// queue is also the queue of eviction, the least recently used first (vLLM V1's block pool).
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "sim/sequence.h"

namespace tacho {

/// A pool of blocks. Without prefix caching it only counts them.
class KvPool {
 public:
  KvPool(std::uint32_t blocks, bool caches_prefixes);

  std::uint32_t total() const { return total_; }
  /// Blocks that nobody holds; they may still be found by their hashes.
  std::uint32_t free() const { return free_; }

  /// How many of the leading hashes are those of blocks in the cache.
  std::uint32_t count_hits(std::span<const std::uint64_t> hashes) const;

  /// Gives a holder of nothing the blocks of these hashes, all of which must be hits, and new ones
  /// up to `count`. False, and nothing happens, when there are not enough.
  bool adopt(KvBlocks& holder, std::span<const std::uint64_t> hits, std::uint32_t count);

  /// Lends blocks until the holder has `count`. False, and nothing happens, when there are not
  /// enough.
  bool grow(KvBlocks& holder, std::uint32_t count) {
    if (count <= holder.count) return true;
    if (count - holder.count > free_) return false;
    lend(holder, count);
    return true;
  }

  /// Makes the holder's first `full` blocks findable by these hashes, of which there may be fewer.
  void publish(KvBlocks& holder, std::span<const std::uint64_t> hashes, std::uint32_t full);

  /// Takes all blocks back, the last first, so that the end of a sequence is evicted before its
  /// beginning.
  void release(KvBlocks& holder);

  /// What of the pool's books is not in order, or null. Takes time in proportion to the pool.
  const char* broken() const;

 private:
  struct Block {
    std::uint32_t holders = 0;
    std::uint32_t before = 0;  ///< Neighbours in the free queue.
    std::uint32_t after = 0;
    std::uint64_t hash = 0;
    bool is_published = false;
  };
  void lend(KvBlocks& holder, std::uint32_t count);
  void append_free(std::uint32_t id);
  void leave_free(std::uint32_t id);
  void forget_hash(std::uint32_t id);

  std::uint32_t total_;
  std::uint32_t free_;
  bool caches_prefixes_;
  std::vector<Block> blocks_;  ///< One more than there are: the last is the free queue's both ends.
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash_;
};

}  // namespace tacho
