#include "sim/kv_pool.h"

#include "base/assert.h"

namespace tacho {

KvPool::KvPool(std::uint32_t blocks, bool caches_prefixes)
    : total_(blocks), free_(0), caches_prefixes_(caches_prefixes) {
  if (!caches_prefixes_) {
    free_ = total_;
    return;
  }
  blocks_.resize(std::size_t{total_} + 1);
  blocks_[total_].before = blocks_[total_].after = total_;
  for (std::uint32_t id = 0; id < total_; ++id) append_free(id);
}

void KvPool::append_free(std::uint32_t id) {
  Block& end = blocks_[total_];
  blocks_[id].before = end.before;
  blocks_[id].after = total_;
  blocks_[end.before].after = id;
  end.before = id;
  ++free_;
}

void KvPool::leave_free(std::uint32_t id) {
  const Block& block = blocks_[id];
  blocks_[block.before].after = block.after;
  blocks_[block.after].before = block.before;
  --free_;
}

void KvPool::forget_hash(std::uint32_t id) {
  Block& block = blocks_[id];
  if (!block.is_published) return;
  block.is_published = false;
  const auto [first, last] = by_hash_.equal_range(block.hash);
  for (auto it = first; it != last; ++it) {
    if (it->second != id) continue;
    by_hash_.erase(it);
    return;
  }
  TACHO_ASSERT(false);
}

std::uint32_t KvPool::count_hits(std::span<const std::uint64_t> hashes) const {
  if (!caches_prefixes_) return 0;
  std::uint32_t hits = 0;
  for (const std::uint64_t hash : hashes) {
    if (!by_hash_.contains(hash)) break;
    ++hits;
  }
  return hits;
}

bool KvPool::adopt(KvBlocks& holder, std::span<const std::uint64_t> hits, std::uint32_t count) {
  TACHO_ASSERT(holder.count == 0 && hits.size() <= count);
  const auto hit_count = static_cast<std::uint32_t>(hits.size());
  std::uint32_t idle = 0;  // Hits that nobody holds leave the free queue too.
  for (const std::uint64_t hash : hits) {
    const auto found = by_hash_.find(hash);
    TACHO_ASSERT(found != by_hash_.end());
    holder.ids.push_back(found->second);
    if (blocks_[found->second].holders == 0) ++idle;
  }
  if (count - hit_count + idle > free_) {
    holder.ids.clear();
    return false;
  }
  // Before new ones are taken, so that those do not evict them.
  for (const std::uint32_t id : holder.ids) {
    if (blocks_[id].holders++ == 0) leave_free(id);
  }
  holder.count = holder.published = hit_count;
  if (count > hit_count) lend(holder, count);
  return true;
}

void KvPool::lend(KvBlocks& holder, std::uint32_t count) {
  if (!caches_prefixes_) {
    free_ -= count - holder.count;
    holder.count = count;
    return;
  }
  for (; holder.count < count; ++holder.count) {
    const std::uint32_t id = blocks_[total_].after;
    leave_free(id);
    forget_hash(id);
    blocks_[id].holders = 1;
    holder.ids.push_back(id);
  }
}

void KvPool::publish(KvBlocks& holder, std::span<const std::uint64_t> hashes, std::uint32_t full) {
  if (!caches_prefixes_) return;
  for (; holder.published < full && holder.published < hashes.size(); ++holder.published) {
    const std::uint32_t id = holder.ids[holder.published];
    blocks_[id].hash = hashes[holder.published];
    blocks_[id].is_published = true;
    by_hash_.emplace(blocks_[id].hash, id);
  }
}

void KvPool::release(KvBlocks& holder) {
  if (!caches_prefixes_) {
    free_ += holder.count;
  } else {
    for (auto id = holder.ids.rbegin(); id != holder.ids.rend(); ++id) {
      TACHO_ASSERT(blocks_[*id].holders > 0);
      if (--blocks_[*id].holders == 0) append_free(*id);
    }
  }
  holder.ids.clear();
  holder.count = holder.published = 0;
}

const char* KvPool::broken() const {
  if (free_ > total_) return "more blocks are free than there are";
  if (!caches_prefixes_) return nullptr;
  std::uint32_t queued = 0, idle = 0, published = 0;
  for (auto id = blocks_[total_].after; id != total_; id = blocks_[id].after) {
    if (blocks_[id].holders != 0) return "a block that is held is in the free queue";
    if (++queued > total_) return "the free queue is a circle";
  }
  for (std::uint32_t id = 0; id < total_; ++id) {
    idle += blocks_[id].holders == 0 ? 1 : 0;
    published += blocks_[id].is_published ? 1 : 0;
  }
  if (queued != free_ || idle != free_) return "the free queue is not the blocks that nobody holds";
  if (published != by_hash_.size()) return "the index is not the blocks that have a hash";
  return nullptr;
}

}  // namespace tacho
