// Reads a loop's tapped streams lazily: their arrivals are noted by the kernel, so they are drained
// a few at a time, when enough has come together, when it has waited long enough, or at once when
// the tap calls something urgent.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "net/epoll_loop.h"
#include "net/tap.h"

namespace tacho {

/// The tap of one loop with the streams that it serves.
class TapReader final : public EpollLoop::Source {
 public:
  /// `hold` is how long what has arrived may lie unread; it costs no accuracy, only memory and
  /// news.
  static Result<std::unique_ptr<TapReader>> create(EpollLoop& loop, Duration hold);
  ~TapReader() override;

  /// Taps a socket before it connects; 0 when it is to be read with stamps of its own: because the
  /// kernel refused, or because the tap has shown that it cannot be trusted here.
  std::uint64_t attach(int descriptor);
  /// Says whose notes these are.
  void follow(std::uint64_t socket, TcpStream& stream) { streams_[socket] = &stream; }
  /// Says that the stream is gone; `duplicates` are the segments its peer sent twice.
  void forget(std::uint64_t socket, std::uint64_t duplicates);
  /// Moves the notes out of the ring to their streams.
  void read_notes();
  /// When step() is due next.
  Instant next_step() const { return next_step_; }
  /// Drains a few streams: those that the tap called for, then those whose bytes have waited long
  /// enough. A few, because other events must not wait for all of them; what comes due meanwhile is
  /// fired in between.
  void step();
  /// The tap called: something urgent was noted.
  void on_ready(std::uint32_t events) override;
  TapCounts counts() const;

 private:
  TapReader(EpollLoop& loop, std::unique_ptr<Tap> tap, Duration hold);
  /// A stream with unread bytes since then.
  struct Wait {
    std::uint64_t socket = 0;
    Instant since = never;
  };
  TcpStream* waiting(std::uint64_t socket) const;
  void drain(TcpStream& stream, std::uint64_t socket);
  int sweep(int drains_left);

  EpollLoop& loop_;
  std::unique_ptr<Tap> tap_;
  Duration hold_;
  Instant next_step_ = never;
  Instant next_sweep_ = never;
  std::unordered_map<std::uint64_t, TcpStream*> streams_;
  std::deque<std::uint64_t> urgent_;  ///< Sockets to be read at once.
  // Every waiting stream is in one of these: new ones in `young_` until it is known whether they
  // are dense, the others then in `old_`. Both are in the order of time.
  std::deque<Wait> young_;
  std::deque<Wait> old_;
  std::vector<std::uint64_t> unfinished_;  ///< Noted, and could not be read yet.
  int quick_steps_ = 0;
  TapCounts counts_;
};

}  // namespace tacho
