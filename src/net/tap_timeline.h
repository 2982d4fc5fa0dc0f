// When each byte of one TCP stream had arrived in order, from notes of single segments. Pure
// arithmetic on sequence numbers (RFC 9293, 3.4: modulo 2^32), so that loss, reordering, overlap
// and wrap-around can be tested without a network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.h"

namespace tacho {

/// One stream's arrivals. A byte has arrived in order at the moment when the last segment up to and
/// including it was there: only then could any reader have seen it.
class TapTimeline {
 public:
  /// Bytes whose arrival is one instant.
  struct Piece {
    std::size_t bytes = 0;
    Instant at = never;
  };

  /// Begins with the sequence number of the first byte of the stream's data.
  void begin(std::uint32_t first_byte);
  bool has_begun() const { return has_begun_; }
  /// A segment of `length` bytes came in. Times must not decrease.
  void add(std::uint32_t sequence, std::uint32_t length, Instant at);
  /// The next unread bytes that share an arrival, at most `most`; 0 bytes when nothing is known of
  /// them. They count as read.
  Piece take(std::size_t most);
  /// Passes over bytes that were read and of whose arrival nothing is known.
  void skip(std::size_t bytes);
  /// Pieces that have arrived and are not read.
  std::size_t unread_pieces() const { return pieces_.size(); }
  /// When the oldest unread bytes arrived, or `never`.
  Instant oldest_unread() const { return pieces_.empty() ? never : pieces_.front().at; }
  /// The mean time between the unread arrivals; a year when there are fewer than two.
  Duration mean_gap() const;
  /// Segments that brought nothing new: the peer sent them again.
  std::uint64_t duplicates() const { return duplicates_; }

 private:
  struct Segment {
    std::uint64_t begin = 0, end = 0;
  };
  struct Mark {
    std::uint64_t end = 0;
    Instant at = never;
  };
  std::uint64_t unwrap(std::uint32_t sequence) const;
  void advance(std::uint64_t end, Instant at);

  bool has_begun_ = false;
  std::uint64_t read_ = 0;   ///< Unwrapped position of the next unread byte.
  std::uint64_t front_ = 0;  ///< Everything before it has arrived.
  std::deque<Mark> pieces_;
  std::vector<Segment> early_;  ///< Arrived beyond a hole.
  std::uint64_t duplicates_ = 0;
};

}  // namespace tacho
