// The tap: arrival times without waking up. A socket filter, which the kernel runs on each segment
// of our own TCP sockets, notes (whose, sequence number, length, time) in a ring that we read when
// we like. Nobody need be awake when a token comes, and a wake-up and a system call a token are
// saved.
//
// The filter takes nothing away from the socket and lives only as long as its descriptors: a crash
// leaves nothing behind. It wakes us for what a waiting client must see at once: the end of an
// answer, an answer that is no "200", the end of the connection.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/time.h"

namespace tacho {

/// What the kernel noted of one segment. Layout shared with the filter program.
struct TapNote {
  std::uint64_t socket = 0;    ///< The kernel's own number of the socket (SO_COOKIE).
  std::uint32_t sequence = 0;  ///< Of its first byte.
  std::uint32_t length = 0;    ///< Bytes of payload.
  std::uint64_t at_ns = 0;     ///< On the monotonic clock.
  std::uint32_t flags = 0;     ///< FIN 1, SYN 2, RST 4.
  std::uint32_t is_urgent = 0;

  Instant at() const { return instant_from_ns(static_cast<std::int64_t>(at_ns)); }
  bool is_start() const { return (flags & 2) != 0; }
  bool is_end() const { return (flags & 5) != 0; }
};

/// One filter program and its ring; serves all sockets of one loop.
class Tap {
 public:
  /// The error says what is missing: a privilege (CAP_BPF) or a kernel that can do it (5.8, and for
  /// bounded ACK delays a recent one).
  static Result<std::unique_ptr<Tap>> create();
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  /// Lets the filter see a socket; to be called before connect(). The socket's number, or 0 when
  /// the kernel refused: the socket is then to be read with stamps of its own.
  std::uint64_t attach(int descriptor) const;
  /// Becomes readable when something urgent is noted.
  int descriptor() const { return ring_; }
  /// Calls `on_note(const TapNote&)` for every note since the last call, in order.
  template <class OnNote>
  void read_notes(OnNote&& on_note) {
    TapNote note;
    while (next(note)) on_note(note);
    release();
  }
  /// Segments for which the ring had no room.
  std::uint64_t lost() const;

 private:
  Tap() = default;
  Status open_maps();
  Status load_program();
  Status map_ring();
  bool next(TapNote& note);
  void release();

  int ring_ = -1;
  int lost_map_ = -1;
  int program_ = -1;
  std::uint64_t* consumer_ = nullptr;
  const std::uint64_t* producer_ = nullptr;
  const char* data_ = nullptr;
  const std::uint64_t* lost_count_ = nullptr;
  std::uint64_t position_ = 0;
  std::size_t page_ = 4096;
};

}  // namespace tacho
