// Which byte had arrived when: in order, after a hole, sent twice, across the wrap-around.
#include "net/tap_timeline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace tacho {
namespace {

Instant at(std::int64_t ns) { return instant_from_ns(ns); }

/// Everything that can be taken, byte by byte: the time of each.
std::vector<std::int64_t> times_of(TapTimeline& timeline) {
  std::vector<std::int64_t> times;
  for (auto piece = timeline.take(SIZE_MAX); piece.bytes > 0; piece = timeline.take(SIZE_MAX)) {
    times.insert(times.end(), piece.bytes, to_ns(piece.at));
  }
  return times;
}

TEST_CASE("segments in order keep their times") {
  TapTimeline t;
  t.begin(100);
  t.add(100, 2, at(10));
  t.add(102, 3, at(20));
  CHECK(t.unread_pieces() == 2);
  CHECK(t.oldest_unread() == at(10));
  CHECK(times_of(t) == std::vector<std::int64_t>{10, 10, 20, 20, 20});
  CHECK(t.unread_pieces() == 0);
  CHECK_FALSE(happened(t.oldest_unread()));
}

TEST_CASE("a read may end in the middle of a segment") {
  TapTimeline t;
  t.begin(0);
  t.add(0, 10, at(5));
  const auto first = t.take(4);
  CHECK(first.bytes == 4);
  CHECK(first.at == at(5));
  CHECK(t.take(100).bytes == 6);
  CHECK(t.take(100).bytes == 0);
}

TEST_CASE("bytes behind a hole arrive when the hole is closed") {
  TapTimeline t;
  t.begin(0);
  t.add(0, 1, at(10));
  t.add(2, 2, at(20));
  CHECK(times_of(t) == std::vector<std::int64_t>{10});
  t.add(1, 1, at(30));
  CHECK(times_of(t) == std::vector<std::int64_t>{30, 30, 30});
  CHECK(t.duplicates() == 0);
}

TEST_CASE("what is sent again changes no time and is counted") {
  TapTimeline t;
  t.begin(0);
  t.add(0, 4, at(10));
  t.add(0, 4, at(50));
  t.add(2, 4, at(60));  // Half of it is new.
  CHECK(times_of(t) == std::vector<std::int64_t>{10, 10, 10, 10, 60, 60});
  CHECK(t.duplicates() == 1);
}

TEST_CASE("sequence numbers wrap around") {
  TapTimeline t;
  t.begin(0xFFFFFFFE);
  t.add(0xFFFFFFFE, 2, at(1));
  t.add(0, 2, at(2));
  t.add(4, 1, at(3));
  t.add(2, 2, at(4));
  CHECK(times_of(t) == std::vector<std::int64_t>{1, 1, 2, 2, 4, 4, 4});
}

TEST_CASE("bytes read before their note are passed over") {
  TapTimeline t;
  t.begin(0);
  t.skip(5);
  t.add(0, 5, at(10));
  CHECK(t.take(10).bytes == 0);
  t.add(5, 1, at(20));
  CHECK(times_of(t) == std::vector<std::int64_t>{20});
}

TEST_CASE("any order of any segments gives each byte the time at which it could first be read") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(Seed{seed}, "tap");
    const std::uint32_t start = static_cast<std::uint32_t>(random.below(UINT32_MAX));
    const std::uint32_t total = 40;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> segments;  // Begin and length.
    for (std::uint32_t begin = 0; begin < total;) {
      const std::uint32_t length =
          std::min(total - begin, 1 + static_cast<std::uint32_t>(random.below(7)));
      segments.emplace_back(begin, length);
      begin += length;
    }
    for (int again = 0; again < 3; ++again)
      segments.push_back(segments[random.below(segments.size())]);
    for (std::size_t i = segments.size(); i > 1; --i)
      std::swap(segments[i - 1], segments[random.below(i)]);

    // The slow and obvious way: when did all bytes up to this one have arrived?
    std::vector<std::int64_t> arrived(total, INT64_MAX);
    TapTimeline t;
    t.begin(start);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const auto now = static_cast<std::int64_t>(i + 1);
      t.add(start + segments[i].first, segments[i].second, at(now));
      for (std::uint32_t b = 0; b < segments[i].second; ++b) {
        std::int64_t& when = arrived[segments[i].first + b];
        when = std::min(when, now);
      }
    }
    for (std::size_t b = 1; b < total; ++b) arrived[b] = std::max(arrived[b], arrived[b - 1]);
    CAPTURE(seed);
    CHECK(times_of(t) == arrived);
    CHECK(t.duplicates() == 3);
  }
}

}  // namespace
}  // namespace tacho
