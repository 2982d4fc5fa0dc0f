// A TCP connection on an EpollLoop: non-blocking, TCP_NODELAY, stamped by the kernel.
#pragma once

#include <memory>
#include <string>

#include "net/epoll_loop.h"
#include "net/tap_timeline.h"

namespace tacho {

struct TapNote;

/// One TCP connection. Owned by the loop's graveyard once it is retired.
class TcpStream final : public Stream, public EpollLoop::Source {
 public:
  /// Starts to connect, or (address null) takes over an accepted descriptor.
  TcpStream(EpollLoop& loop, int descriptor, bool is_connecting);
  ~TcpStream() override;

  void set_handler(StreamHandler& handler) { handler_ = &handler; }
  /// Reports a failure to connect in a later turn.
  void fail_later(int code);

  void write(std::string_view bytes) override;
  bool is_flushed() const override { return pending_.empty(); }
  Instant last_write() const override { return last_write_; }
  void shut_down() override;
  void abort() override;
  void catch_up() override;
  void on_ready(std::uint32_t events) override;

  /// From here on the tap notes its arrivals under this number, and it is read by drain().
  void follow_tap(std::uint64_t socket);
  /// Takes a note of the tap. True when notes were waiting already.
  bool take_note(const TapNote& note);
  /// True when bytes have arrived that are not read.
  bool is_waiting() const { return tapped_ && tapped_->is_waiting; }
  /// True when unread segments came so close together that their ACKs must not wait for long.
  bool is_dense() const;
  /// Segments that the peer sent again.
  std::uint64_t duplicates() const { return tapped_ ? tapped_->timeline.duplicates() : 0; }
  /// Reads all that has arrived, each byte with the time that the tap noted for it. False when more
  /// was noted than could be read: a segment is noted a moment before its bytes are there.
  bool drain();

 private:
  /// What a stream keeps for the tap.
  struct Tapped {
    std::uint64_t socket = 0;
    TapTimeline timeline;
    bool is_waiting = false;
    bool is_ending = false;  ///< The peer's end was noted: read until it shows.
  };

  void retire() override;
  void finish_connecting();
  void read_once();
  void read_all();
  void hand_over(std::size_t bytes);
  std::uint32_t events_wanted() const;
  void flush();
  void watch_writable(bool is_wanted);
  void close_with(CloseReason reason);
  void close_descriptor();

  EpollLoop& loop_;
  int descriptor_;
  StreamHandler* handler_ = nullptr;
  std::string pending_;
  Instant last_write_ = never;
  bool is_connecting_;
  bool is_shutting_down_ = false;
  bool watches_writable_ = false;
  std::unique_ptr<Tapped> tapped_;  ///< Null when read eagerly, with the socket's own stamps.
  Timer failure_;
  int failure_code_ = 0;
};

/// The time of the control message that SO_TIMESTAMPING left, in wall clock nanoseconds, or 0.
std::int64_t receive_stamp_ns(struct msghdr& message);

/// Has the kernel stamp what this socket receives.
void ask_for_stamps(int descriptor);

/// Makes a non-blocking stream socket (TCP, or UNIX for that family) with our options, or -1 with
/// errno.
int open_stream_socket(int family);

}  // namespace tacho
