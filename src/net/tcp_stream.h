// A TCP connection on an EpollLoop: non-blocking, TCP_NODELAY, stamped by the kernel.
#pragma once

#include <string>

#include "net/epoll_loop.h"

namespace tacho {

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
  void on_ready(std::uint32_t events) override;

 private:
  void retire() override;
  void finish_connecting();
  void read_once();
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
  Timer failure_;
  int failure_code_ = 0;
};

/// The time of the control message that SO_TIMESTAMPING left, in wall clock nanoseconds, or 0.
std::int64_t receive_stamp_ns(struct msghdr& message);

/// Makes a non-blocking TCP socket with our options, or -1 with errno.
int open_tcp_socket(int family);

}  // namespace tacho
