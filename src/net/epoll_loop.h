// The loop on real sockets: level-triggered epoll, one receive buffer a loop, and the kernel's own
// receive stamps.
//
// Why our own: every library's read path hides recvmsg, and with it SO_TIMESTAMPING, which says
// when bytes arrived however late this thread woke up (docs/adr/0001-own-event-loop.md has the
// measurements).
#pragma once

#include <memory>
#include <vector>

#include "net/loop.h"

namespace tacho {

class TapReader;
class TcpStream;

/// What a loop's tap has seen.
struct TapCounts {
  std::uint64_t tapped = 0;      ///< Connections read through the tap.
  std::uint64_t untapped = 0;    ///< Those that were to be and could not.
  std::uint64_t notes = 0;       ///< Segments noted.
  std::uint64_t lost = 0;        ///< Segments for which the ring had no room.
  std::uint64_t duplicates = 0;  ///< Segments that the peer sent again.

  TapCounts& operator+=(const TapCounts& other) {
    tapped += other.tapped;
    untapped += other.untapped;
    notes += other.notes;
    lost += other.lost;
    duplicates += other.duplicates;
    return *this;
  }
};

/// A Loop over epoll. Sleeps to 60 µs before the next timer and polls the rest, which releases
/// requests within a fraction of a microsecond instead of the 50 µs that a sleep is late by.
class EpollLoop final : public Loop {
 public:
  /// Fails when the process is out of descriptors.
  static Result<std::unique_ptr<EpollLoop>> create();
  ~EpollLoop() override;

  Instant clock() override { return monotonic_now(); }
  StreamPtr connect(const Address& address, StreamHandler& handler,
                    const Address* source = nullptr) override;
  Result<std::unique_ptr<Listener>> listen(const Address& address, AcceptHandler& handler) override;
  void run() override;
  double busy_share() const override;
  std::uint64_t clock_steps() const override { return clock_steps_; }

  /// Reads the connections made from here on through the tap (net/tap.h), letting bytes lie for
  /// `hold` at most. The error says why this machine does not let us.
  Status use_tap(Duration hold);
  /// What the tap has seen; zeros without one.
  TapCounts tap_counts() const;

  /// Calls `action` when the descriptor is readable, until unwatch. For signals and pipes.
  void watch(int descriptor, std::function<void()> action);
  void unwatch(int descriptor);

 private:
  friend class TapReader;
  friend class TcpStream;
  friend class TcpListener;

  /// Anything that epoll reports on.
  struct Source {
    virtual ~Source() = default;
    virtual void on_ready(std::uint32_t events) = 0;
  };
  struct Watch;

  explicit EpollLoop(int epoll);
  void wait_and_dispatch();
  /// Fires the timers that came due while something else was handled: what is to be sent at an
  /// instant does not wait for a batch of reads.
  void fire_meanwhile();
  void register_source(int descriptor, std::uint32_t events, Source& source);
  void modify_source(int descriptor, std::uint32_t events, Source& source);
  void forget_source(int descriptor);
  Instant from_wall(std::int64_t wall_ns);
  void sample_wall_offset();

  int epoll_ = -1;
  std::unique_ptr<TapReader> tap_;
  std::unique_ptr<char[]> buffer_;
  std::vector<std::unique_ptr<Watch>> watches_;
  std::vector<std::unique_ptr<Watch>> ended_watches_;  ///< Freed at the turn's end.
  std::size_t open_sources_ = 0;
  std::int64_t wall_offset_ns_ = 0;
  Instant wall_offset_at_ = never;
  std::uint64_t clock_steps_ = 0;
  Duration waited_{0};
  Instant started_ = never;
};

}  // namespace tacho
