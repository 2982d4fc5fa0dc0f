// The paged cache: who holds which block, what is found again by its hash, and what is evicted.
#include "sim/kv_pool.h"

#include <doctest/doctest.h>

#include "base/random.h"

namespace tacho {
namespace {

using Hashes = std::vector<std::uint64_t>;

TEST_CASE(
    "blocks are lent as long as there are any, and nothing happens when there are not enough") {
  for (const bool caches : {false, true}) {
    KvPool pool(10, caches);
    KvBlocks a, b;
    CHECK(pool.grow(a, 6));
    CHECK_FALSE(pool.grow(b, 5));
    CHECK(b.count == 0);
    CHECK(pool.grow(b, 4));
    CHECK(pool.grow(a, 3));  // It has more already.
    CHECK(a.count == 6);
    CHECK(pool.free() == 0);
    pool.release(a);
    CHECK(pool.free() == 6);
    CHECK(pool.broken() == nullptr);
  }
}

TEST_CASE("what was given back is found by its hashes until its blocks are needed") {
  KvPool pool(4, true);
  const Hashes hashes{11, 22, 33};
  KvBlocks a;
  CHECK(pool.grow(a, 3));
  pool.publish(a, hashes, 2);  // The third block is not full.
  CHECK(pool.count_hits(hashes) == 2);
  pool.release(a);
  CHECK(pool.free() == 4);
  CHECK(pool.count_hits(hashes) == 2);
  KvBlocks b;
  CHECK(pool.grow(b, 2));  // The block that was never used, and the one that holds no full block.
  CHECK(pool.count_hits(hashes) == 2);
  CHECK(pool.grow(b, 3));  // The end of the sequence goes first.
  CHECK(pool.count_hits(hashes) == 1);
  CHECK(pool.grow(b, 4));
  CHECK(pool.count_hits(hashes) == 0);
  CHECK(pool.broken() == nullptr);
}

TEST_CASE("a hit is shared, is not lent to anybody else, and counts as free only when idle") {
  KvPool pool(5, true);
  const Hashes hashes{1, 2, 3};
  KvBlocks a, b, c;
  CHECK(pool.grow(a, 3));
  pool.publish(a, hashes, 3);
  CHECK(pool.adopt(b, hashes, 4));  // Three of another's, one new.
  CHECK(pool.free() == 1);
  CHECK(std::equal(a.ids.begin(), a.ids.end(), b.ids.begin()));
  pool.release(a);
  CHECK(pool.free() == 1);  // They are still b's.
  pool.release(b);
  CHECK(pool.free() == 5);
  CHECK_FALSE(pool.adopt(c, hashes, 6));
  CHECK(pool.free() == 5);
  CHECK(pool.adopt(c, hashes, 5));
  CHECK(pool.free() == 0);
  CHECK(pool.broken() == nullptr);
}

TEST_CASE("of two copies of a block the second is found when the first is evicted") {
  KvPool pool(3, true);
  const Hashes hashes{7};
  KvBlocks a, b, c;
  CHECK(pool.grow(a, 1));
  CHECK(pool.grow(b, 1));
  pool.publish(a, hashes, 1);
  pool.publish(b, hashes, 1);
  pool.release(a);
  CHECK(pool.grow(c, 2));  // The unused one, and a's.
  CHECK(pool.count_hits(hashes) == 1);
  pool.release(b);
  CHECK(pool.grow(c, 3));
  CHECK(pool.count_hits(hashes) == 0);
  CHECK(pool.broken() == nullptr);
}

TEST_CASE("the books are in order after anything that is asked of the pool") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(Seed{seed}, "kv pool");
    KvPool pool(static_cast<std::uint32_t>(1 + random.below(40)), true);
    std::vector<KvBlocks> holders(6);
    std::vector<Hashes> hashes(6);
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::uint64_t j = 0; j < 12; ++j) hashes[i].push_back(j < 4 ? j : i / 2 * 100 + j);
    }
    for (int turn = 0; turn < 300; ++turn) {
      const std::size_t i = random.below(6);
      KvBlocks& holder = holders[i];
      if (random.below(4) == 0) {
        pool.release(holder);
      } else if (holder.count == 0) {
        const std::span all(hashes[i]);
        const std::uint32_t hits = pool.count_hits(all);
        pool.adopt(holder, all.first(hits), hits + static_cast<std::uint32_t>(random.below(4)));
      } else {
        pool.grow(holder, holder.count + static_cast<std::uint32_t>(random.below(3)));
        pool.publish(holder, hashes[i], holder.count - (random.below(2) == 0 ? 1 : 0));
      }
      REQUIRE(pool.broken() == nullptr);
      REQUIRE(holder.count == holder.ids.size());
    }
    for (KvBlocks& holder : holders) pool.release(holder);
    CHECK(pool.free() == pool.total());
  }
}

}  // namespace
}  // namespace tacho
