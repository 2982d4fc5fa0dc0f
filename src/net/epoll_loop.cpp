#include "net/epoll_loop.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/text.h"
#include "net/source_addresses.h"
#include "net/tap_reader.h"
#include "net/tcp_stream.h"
#include "net/unix_socket.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t buffer_bytes = 64 * 1024;
/// A sleep wakes up late by up to this; the rest before a timer is polled.
constexpr Duration sleep_margin = 60us;
/// The wall clock's offset drifts by less than 0.5 µs in this time, even while it is being slewed.
constexpr Duration wall_offset_lifetime = 1ms;
/// A larger change of the offset between two samples is a step of the wall clock.
constexpr std::int64_t clock_step_ns = 1'000'000;

}  // namespace

/// A descriptor watched for a plain function.
struct EpollLoop::Watch final : EpollLoop::Source {
  Watch(int watched, std::function<void()> on_readable)
      : descriptor(watched), action(std::move(on_readable)) {}
  void on_ready(std::uint32_t) override { action(); }
  int descriptor;
  std::function<void()> action;
};

/// A socket that is bound and does not listen yet; -1 and errno where that fails.
int bind_socket(const Address& address) {
  const int descriptor = open_stream_socket(address.storage.ss_family);
  if (descriptor < 0) return -1;
  ask_for_stamps(descriptor);  // Accepted sockets inherit it.
  const int yes = 1;
  if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0)
    return descriptor;
  const int code = errno;
  ::close(descriptor);
  errno = code;
  return -1;
}

/// A listening socket.
class TcpListener final : public Listener, public EpollLoop::Source {
 public:
  TcpListener(EpollLoop& loop, Address address, AcceptHandler& handler)
      : loop_(loop), address_(std::move(address)), handler_(handler) {}
  ~TcpListener() override { close(); }
  std::uint16_t port() const override { return address_.port(); }

  void pause() override {
    if (!is_listening_) return;
    close();
    // Bound and deaf: nobody can take the port meanwhile, not even a client for its own end.
    descriptor_ = bind_socket(address_);
  }

  Status resume() override {
    if (is_listening_) return Nothing{};
    if (descriptor_ < 0) descriptor_ = bind_socket(address_);
    if (descriptor_ < 0 || ::listen(descriptor_, 4096) != 0) {
      const int code = errno;
      close();
      return world_error(format("cannot listen on {}: {}", address_.text, std::strerror(code)));
    }
    if (unix_path(address_).empty()) {  // Port 0 has become a real one.
      address_.length = sizeof address_.storage;
      getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address_.storage), &address_.length);
    }
    is_listening_ = true;
    loop_.register_source(descriptor_, EPOLLIN, *this);
    return Nothing{};
  }

  void on_ready(std::uint32_t) override {
    // A burst of connections is taken in one turn, so that the last one does not wait for a turn
    // each.
    for (int i = 0; i < 64; ++i) {
      const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0) return;
      auto* stream = new TcpStream(loop_, accepted, false);
      stream->set_handler(handler_.on_accept(StreamPtr(stream)));
    }
  }

 private:
  void close() {
    if (descriptor_ < 0) return;  // Also: the file at the path is not ours.
    if (is_listening_) loop_.forget_source(descriptor_);
    ::close(descriptor_);
    if (const std::string path = unix_path(address_); !path.empty()) ::unlink(path.c_str());
    is_listening_ = false;
    descriptor_ = -1;
  }

  EpollLoop& loop_;
  int descriptor_ = -1;
  Address address_;  ///< Of a UNIX socket, its file goes with it.
  AcceptHandler& handler_;
  bool is_listening_ = false;
};

Result<std::unique_ptr<EpollLoop>> EpollLoop::create() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return world_error(format("cannot make an event loop: {}", std::strerror(errno)));
  return std::unique_ptr<EpollLoop>(new EpollLoop(epoll));
}

EpollLoop::EpollLoop(int epoll) : epoll_(epoll), buffer_(new char[buffer_bytes]) {
  // Timers of this thread are then late by a few microseconds instead of the default slack of 50.
  ::prctl(PR_SET_TIMERSLACK, 1);
  now_ = clock();
}

EpollLoop::~EpollLoop() {
  watches_.clear();
  graveyard_.clear();
  tap_.reset();
  ::close(epoll_);
}

StreamPtr EpollLoop::connect(const Address& address, StreamHandler& handler,
                             const Address* source) {
  const int descriptor = open_stream_socket(address.storage.ss_family);
  const bool is_bound = descriptor >= 0 && (source == nullptr || bind_source(descriptor, *source));
  if (!is_bound) {
    const int code = errno;
    if (descriptor >= 0) ::close(descriptor);
    auto* failed = new TcpStream(*this, -1, true);
    failed->set_handler(handler);
    failed->fail_later(code);
    return StreamPtr(failed);
  }
  const std::uint64_t tapped =
      tap_ != nullptr && address.storage.ss_family != AF_UNIX ? tap_->attach(descriptor) : 0;
  if (tapped == 0) ask_for_stamps(descriptor);
  const int result =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.length);
  auto* stream = new TcpStream(*this, descriptor, true);
  stream->set_handler(handler);
  if (tapped != 0) stream->follow_tap(tapped);
  if (result != 0 && errno != EINPROGRESS) stream->fail_later(errno);
  return StreamPtr(stream);
}

Result<std::unique_ptr<Listener>> EpollLoop::listen(const Address& address,
                                                    AcceptHandler& handler) {
  remove_stale_socket(address);
  auto listener = std::make_unique<TcpListener>(*this, address, handler);
  if (auto status = listener->resume(); !status) return status.error();
  return std::unique_ptr<Listener>(std::move(listener));
}

Status EpollLoop::use_tap(Duration hold) {
  auto reader = TapReader::create(*this, hold);
  if (!reader) return reader.error();
  tap_ = std::move(*reader);
  return Nothing{};
}

TapCounts EpollLoop::tap_counts() const { return tap_ ? tap_->counts() : TapCounts{}; }

void EpollLoop::watch(int descriptor, std::function<void()> action) {
  watches_.push_back(std::make_unique<Watch>(descriptor, std::move(action)));
  register_source(descriptor, EPOLLIN, *watches_.back());
}

void EpollLoop::unwatch(int descriptor) {
  const auto found = std::find_if(watches_.begin(), watches_.end(),
                                  [&](const auto& w) { return w->descriptor == descriptor; });
  if (found == watches_.end()) return;
  forget_source(descriptor);
  ended_watches_.push_back(std::move(*found));
  watches_.erase(found);
}

void EpollLoop::register_source(int descriptor, std::uint32_t events, Source& source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  TACHO_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0);
  ++open_sources_;
}

void EpollLoop::modify_source(int descriptor, std::uint32_t events, Source& source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  TACHO_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event) == 0);
}

void EpollLoop::forget_source(int descriptor) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  --open_sources_;
}

void EpollLoop::run() {
  is_stopping_ = false;
  started_ = clock();
  waited_ = Duration(0);
  while (!is_stopping_) {
    now_ = clock();
    timers_.fire_due(now_);
    graveyard_.clear();
    ended_watches_.clear();
    if (is_stopping_ || (open_sources_ == (tap_ ? 1u : 0u) && timers_.empty())) break;
    wait_and_dispatch();
  }
  graveyard_.clear();
}

void EpollLoop::wait_and_dispatch() {
  epoll_event events[256];
  const Instant before = clock();
  timespec limit{};
  timespec* timeout = nullptr;
  if (!timers_.empty()) {
    const Duration left = std::max(Duration(0), timers_.earliest() - before - sleep_margin);
    limit = {left / 1s, (left % 1s).count()};
    timeout = &limit;
  }
  if (tap_ && (timeout == nullptr || tap_->next_step() < timers_.earliest())) {
    // A step may be late: no margin to poll away.
    const Duration left = std::max(Duration(0), tap_->next_step() - before);
    limit = {left / 1s, (left % 1s).count()};
    timeout = &limit;
  }
  // By number, because older C libraries have no wrapper for it.
  const long n = ::syscall(SYS_epoll_pwait2, epoll_, events, 256, timeout, nullptr, 0);
  now_ = clock();
  // Polling the last microseconds before a timer is waiting too: that time is free for anything
  // that comes in.
  if (n == 0 || timeout == nullptr || limit.tv_sec != 0 || limit.tv_nsec != 0)
    waited_ += now_ - before;
  for (long i = 0; i < n; ++i) {
    static_cast<Source*>(events[i].data.ptr)->on_ready(events[i].events);
    fire_meanwhile();
  }
  if (tap_ && now_ >= tap_->next_step()) tap_->step();
}

void EpollLoop::fire_meanwhile() {
  if (timers_.empty()) return;
  const Instant now = clock();
  if (now < timers_.earliest()) return;
  now_ = now;
  timers_.fire_due(now_);
}

double EpollLoop::busy_share() const {
  const Duration total = now_ - started_;
  if (!happened(started_) || total <= Duration(0)) return 0.0;
  return std::clamp(1.0 - to_s(waited_) / to_s(total), 0.0, 1.0);
}

void EpollLoop::sample_wall_offset() {
  // The two reads around the middle one bound the error; the mean of them is off by half their
  // distance at most.
  const Instant before = clock();
  const std::int64_t wall = wall_clock_ns();
  const Instant after = clock();
  const std::int64_t offset = wall - (to_ns(before) + to_ns(after)) / 2;
  const bool stepped =
      happened(wall_offset_at_) && std::abs(offset - wall_offset_ns_) > clock_step_ns;
  if (stepped) ++clock_steps_;
  wall_offset_ns_ = offset;
  wall_offset_at_ = after;
}

Instant EpollLoop::from_wall(std::int64_t wall_ns) {
  if (!happened(wall_offset_at_) || now_ - wall_offset_at_ > wall_offset_lifetime) {
    const std::uint64_t steps_before = clock_steps_;
    sample_wall_offset();
    if (clock_steps_ != steps_before) return never;
  }
  return instant_from_ns(wall_ns - wall_offset_ns_);
}

}  // namespace tacho
