#include "net/tcp_stream.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "net/tap.h"
#include "net/tap_reader.h"

namespace tacho {
namespace {

constexpr std::size_t receive_bytes_max = 64 * 1024;

void set_option(int descriptor, int level, int name, int value) {
  setsockopt(descriptor, level, name, &value, sizeof value);
}

/// The system's words, and better ones where those mislead.
std::string connect_failure(int code) {
  if (code == EADDRNOTAVAIL) {
    return "no local port is left (EADDRNOTAVAIL); give more addresses with --source-addresses";
  }
  // What connect() says of a UNIX socket whose server does not accept fast enough.
  if (code == EAGAIN) return "the server's queue of new connections is full (EAGAIN)";
  return std::strerror(code);
}

}  // namespace

std::int64_t receive_stamp_ns(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING) continue;
    scm_timestamping stamps;
    std::memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
    return std::int64_t{stamps.ts[0].tv_sec} * 1'000'000'000 + stamps.ts[0].tv_nsec;
  }
  return 0;
}

int open_stream_socket(int family) {
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || family == AF_UNIX) return descriptor;
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  return descriptor;
}

void ask_for_stamps(int descriptor) {
  set_option(descriptor, SOL_SOCKET, SO_TIMESTAMPING,
             SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
}

TcpStream::TcpStream(EpollLoop& loop, int descriptor, bool is_connecting)
    : loop_(loop), descriptor_(descriptor), is_connecting_(is_connecting), failure_(loop, [this] {
        close_with({CloseReason::Kind::refused, connect_failure(failure_code_)});
      }) {
  if (descriptor_ < 0) return;
  watches_writable_ = is_connecting;
  loop_.register_source(descriptor_, EPOLLIN | (is_connecting ? EPOLLOUT : 0u), *this);
}

TcpStream::~TcpStream() { close_descriptor(); }

void TcpStream::fail_later(int code) {
  failure_code_ = code;
  failure_.arm(loop_.now());
}

void TcpStream::write(std::string_view bytes) {
  if (descriptor_ < 0) return;
  TACHO_ASSERT(!is_connecting_);
  if (!pending_.empty()) {
    pending_ += bytes;
    return;
  }
  last_write_ = loop_.clock();
  const ssize_t n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  // A broken connection shows itself to the next read, which also knows the reason.
  if (n < 0 && errno != EAGAIN && errno != EINTR) return;
  const std::size_t taken = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (taken == bytes.size()) return;
  pending_ = bytes.substr(taken);
  watch_writable(true);
}

void TcpStream::flush() {
  last_write_ = loop_.clock();
  const ssize_t n = ::send(descriptor_, pending_.data(), pending_.size(), MSG_NOSIGNAL);
  if (n < 0) return;
  pending_.erase(0, static_cast<std::size_t>(n));
  if (!pending_.empty()) return;
  watch_writable(false);
  if (is_shutting_down_) ::shutdown(descriptor_, SHUT_WR);
  handler_->on_flushed();
}

void TcpStream::shut_down() {
  is_shutting_down_ = true;
  if (descriptor_ >= 0 && pending_.empty()) ::shutdown(descriptor_, SHUT_WR);
}

void TcpStream::abort() {
  if (descriptor_ < 0) return;
  const linger hard{1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close_descriptor();
}

void TcpStream::on_ready(std::uint32_t events) {
  if (descriptor_ < 0) return;
  if (is_connecting_) {
    finish_connecting();
    return;
  }
  if (tapped_) {
    // Not asked for, and told all the same: the connection broke.
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) tapped_->is_ending = true, drain();
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    read_once();
  }
  if (descriptor_ >= 0 && (events & EPOLLOUT) != 0 && !pending_.empty()) flush();
}

void TcpStream::finish_connecting() {
  int code = 0;
  socklen_t size = sizeof code;
  getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) {
    close_with({CloseReason::Kind::refused, connect_failure(code)});
    return;
  }
  is_connecting_ = false;
  watch_writable(false);
  handler_->on_connected();
}

void TcpStream::read_once() {
  iovec piece{loop_.buffer_.get(), receive_bytes_max};
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t n = ::recvmsg(descriptor_, &message, 0);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    close_with({CloseReason::Kind::reset, std::strerror(errno)});
    return;
  }
  if (n == 0) {
    close_with({CloseReason::Kind::end, ""});
    return;
  }
  Receipt receipt;
  receipt.read = loop_.clock();
  const std::int64_t stamp = receive_stamp_ns(message);
  receipt.arrived = stamp != 0 ? loop_.from_wall(stamp) : never;
  const bool by_kernel = happened(receipt.arrived) && receipt.arrived <= receipt.read;
  receipt.stamps = by_kernel ? Stamps::socket : Stamps::read;
  if (!by_kernel) receipt.arrived = receipt.read;
  handler_->on_bytes({loop_.buffer_.get(), static_cast<std::size_t>(n)}, receipt);
}

void TcpStream::follow_tap(std::uint64_t socket) {
  tapped_ = std::make_unique<Tapped>();
  tapped_->socket = socket;
  loop_.tap_->follow(socket, *this);
}

bool TcpStream::take_note(const TapNote& note) {
  const bool is_to_be_read = note.length > 0 || note.is_end();
  const bool was_waiting = tapped_->is_waiting || !is_to_be_read;
  tapped_->is_waiting = tapped_->is_waiting || is_to_be_read;
  if (note.is_start() && !tapped_->timeline.has_begun()) tapped_->timeline.begin(note.sequence + 1);
  if (note.is_end()) tapped_->is_ending = true;
  if (note.length > 0) tapped_->timeline.add(note.sequence, note.length, note.at());
  return was_waiting;
}

bool TcpStream::is_dense() const {
  // Closer than this, two segments are on their way before our delayed ACK (two jiffies, 8 ms at
  // 250 Hz) answers the first, and the peer's tail loss probe may be quicker. Measured at a gap of
  // 7 ms: one probe in 70 segments when drained every 200 ms, none in 428 at 20 ms.
  constexpr Duration dense = std::chrono::milliseconds(12);
  return tapped_->timeline.mean_gap() < dense;
}

bool TcpStream::drain() {
  if (is_connecting_) return true;
  tapped_->is_waiting = false;
  read_all();
  if (descriptor_ < 0) return true;
  if (tapped_->timeline.unread_pieces() == 0 && !tapped_->is_ending) return true;
  tapped_->is_waiting = true;
  return false;
}

void TcpStream::read_all() {
  while (descriptor_ >= 0) {
    const ssize_t n = ::recv(descriptor_, loop_.buffer_.get(), receive_bytes_max, 0);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR)
        close_with({CloseReason::Kind::reset, std::strerror(errno)});
      return;
    }
    if (n == 0) {
      close_with({CloseReason::Kind::end, ""});
      return;
    }
    hand_over(static_cast<std::size_t>(n));
    const bool may_be_more = static_cast<std::size_t>(n) == receive_bytes_max || tapped_->is_ending;
    if (!may_be_more) return;
  }
}

/// Passes on what lies in the loop's buffer, cut where the arrival changes.
void TcpStream::hand_over(std::size_t bytes) {
  const Instant read = loop_.clock();
  bool has_asked = false;
  for (std::size_t at = 0; at < bytes && descriptor_ >= 0;) {
    auto piece = tapped_->timeline.take(bytes - at);
    if (piece.bytes == 0 && !has_asked) {
      // A segment is noted before its bytes can be read: the note is in the ring by now.
      has_asked = true;
      loop_.tap_->read_notes();
      continue;
    }
    const bool is_known = piece.bytes > 0;
    if (!is_known) {
      piece = {bytes - at, read};
      tapped_->timeline.skip(piece.bytes);
    }
    const std::string_view view(loop_.buffer_.get() + at, piece.bytes);
    at += piece.bytes;
    handler_->on_bytes(view, {piece.at, read, is_known ? Stamps::tap : Stamps::read});
  }
}

void TcpStream::catch_up() {
  if (tapped_ && descriptor_ >= 0) drain();
}

std::uint32_t TcpStream::events_wanted() const {
  return (tapped_ && !is_connecting_ ? 0u : EPOLLIN) | (watches_writable_ ? EPOLLOUT : 0u);
}

void TcpStream::watch_writable(bool is_wanted) {
  if (is_wanted == watches_writable_) return;
  watches_writable_ = is_wanted;
  loop_.modify_source(descriptor_, events_wanted(), *this);
}

void TcpStream::close_with(CloseReason reason) {
  close_descriptor();
  handler_->on_closed(reason);
}

void TcpStream::close_descriptor() {
  failure_.cancel();
  if (descriptor_ < 0) return;
  loop_.forget_source(descriptor_);
  if (tapped_) loop_.tap_->forget(tapped_->socket, tapped_->timeline.duplicates());
  ::close(descriptor_);
  descriptor_ = -1;
}

void TcpStream::retire() {
  // What was written must not be lost when the owner drops the stream right after writing: the
  // kernel sends what it took; what it did not take is gone, as with any close.
  close_descriptor();
  loop_.bury(std::unique_ptr<Stream>(this));
}

}  // namespace tacho
