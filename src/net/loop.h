// The loop: one thread's clock, timers and byte streams. Everything above sees only this interface,
// so that the same generator and the same engine run on real sockets (EpollLoop) and in a seeded
// virtual world (WorldLoop).
//
// Lives on one thread; nothing here is thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/stamps.h"
#include "base/time.h"
#include "net/address.h"

namespace tacho {

class Loop;
class Stream;

/// When a piece of bytes came in.
struct Receipt {
  Instant arrived =
      never;  ///< When the last of the bytes had arrived: the kernel's stamp if it gave one.
  Instant read = never;          ///< When we read them.
  Stamps stamps = Stamps::read;  ///< Who said so.
};

/// Why a stream ended.
struct CloseReason {
  enum class Kind {
    end,        ///< The peer closed its side.
    reset,      ///< The peer or the network broke the connection.
    refused,    ///< No connection could be made.
    not_tls,    ///< TLS was spoken to a peer that does not speak it, or the reverse.
    untrusted,  ///< The TLS handshake failed: we do not trust the peer's certificate.
    not_http2,  ///< HTTP/2 was asked for and the peer does not speak it.
    denied,     ///< The peer does not accept us in TLS: our certificate, our versions.
  };
  Kind kind = Kind::end;
  std::string detail;  ///< The system's or library's words; empty for a clean end.
};

/// What happens on a stream. Within any of these calls the stream may be written to, closed or
/// retired.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  /// The connection is up; bytes may be written.
  virtual void on_connected() = 0;
  /// Bytes have come in; they are valid during the call only.
  virtual void on_bytes(std::string_view bytes, const Receipt& receipt) = 0;
  /// All bytes written so far have been handed to the kernel.
  virtual void on_flushed() {}
  /// The stream is over; no further call follows.
  virtual void on_closed(const CloseReason& reason) = 0;
};

/// A connected (or connecting) byte stream.
class Stream {
 public:
  virtual ~Stream() = default;
  /// What the two sides agreed on in the TLS handshake (ALPN), such as h2; empty where nothing was.
  virtual std::string_view application_protocol() const { return {}; }
  /// Hands the bytes to the kernel, or keeps what it does not take and goes on when it does.
  virtual void write(std::string_view bytes) = 0;
  /// True when nothing written is waiting to be handed to the kernel.
  virtual bool is_flushed() const = 0;
  /// When the latest bytes were handed to the kernel: read before the call, so no answer can
  /// precede it.
  virtual Instant last_write() const = 0;
  /// Says that no more bytes will come from us, after those written have gone out. Reading goes on.
  virtual void shut_down() = 0;
  /// Breaks the connection at once, with a reset instead of a clean end.
  virtual void abort() = 0;
  /// Hands over what has arrived and lies unread, where a stream is not read at once. To be called
  /// before an exchange is given up.
  virtual void catch_up() {}

 private:
  friend struct StreamRetirer;
  /// Ends the stream; the object itself lives until the turn's end, so that its own callbacks may
  /// retire it.
  virtual void retire() = 0;
};

/// Lets a StreamPtr end its stream through the loop.
struct StreamRetirer {
  void operator()(Stream* stream) const { stream->retire(); }
};

/// Owns a stream. Dropping it closes the connection; no handler call follows.
using StreamPtr = std::unique_ptr<Stream, StreamRetirer>;

/// Takes the connections that a listener accepts, and names the handler of each.
class AcceptHandler {
 public:
  virtual ~AcceptHandler() = default;
  /// A connection came in. The returned handler must outlive the stream.
  virtual StreamHandler& on_accept(StreamPtr stream) = 0;
};

/// An open listening socket; dropping it stops listening.
class Listener {
 public:
  virtual ~Listener() = default;
  /// The port it listens on, which the system chose if 0 was asked for.
  virtual std::uint16_t port() const = 0;
  /// Refuses connections until resume(); those that wait to be accepted are reset. The port stays
  /// taken.
  virtual void pause() = 0;
  /// Takes connections again. Fails when somebody else has taken the port after all.
  virtual Status resume() = 0;
};

/// One thing that is to happen at a point in time. Cancelled when dropped.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> action);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Lets the action happen at `when`, once; an earlier arming is forgotten.
  void arm(Instant when);
  /// Forgets the arming.
  void cancel();
  /// True while armed.
  bool is_armed() const { return position_ != not_armed; }
  /// The instant it was armed for.
  Instant when() const { return when_; }

 private:
  friend class TimerHeap;
  static constexpr std::size_t not_armed = SIZE_MAX;
  Loop& loop_;
  std::function<void()> action_;
  Instant when_ = never;
  std::uint64_t order_ = 0;
  std::size_t position_ = not_armed;
};

/// The armed timers of a loop, earliest first; equal instants fire in the order of arming.
class TimerHeap {
 public:
  /// Adds a timer that is not armed.
  void push(Timer& timer);
  /// Takes an armed timer out.
  void remove(Timer& timer);
  bool empty() const { return heap_.empty(); }
  /// The earliest armed instant. Must not be empty.
  Instant earliest() const { return heap_.front()->when_; }
  /// Fires every timer due at `now`, also those armed meanwhile for instants not after `now`.
  bool fire_due(Instant now);

 private:
  bool precedes(const Timer& a, const Timer& b) const;
  void place(std::size_t position, Timer* timer);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);
  std::vector<Timer*> heap_;
  std::uint64_t next_order_ = 0;
};

/// The loop of one thread.
class Loop {
 public:
  virtual ~Loop() = default;

  /// The time of this turn: read once, shared by everything that happens in it.
  Instant now() const { return now_; }
  /// The time right now, read anew.
  virtual Instant clock() = 0;
  /// Starts to connect, from the address `source` where one is given. The handler hears of success
  /// or failure later, never within this call.
  virtual StreamPtr connect(const Address& address, StreamHandler& handler,
                            const Address* source = nullptr) = 0;
  /// Opens a listening socket.
  virtual Result<std::unique_ptr<Listener>> listen(const Address& address,
                                                   AcceptHandler& handler) = 0;
  /// Runs turns until stop() is called, or nothing is left that could ever happen.
  virtual void run() = 0;
  /// Ends run() after the current turn.
  void stop() { is_stopping_ = true; }
  /// Keeps an ended stream until the turn's end, so that its own callbacks may be what ended it.
  void bury(std::unique_ptr<Stream> stream) { graveyard_.push_back(std::move(stream)); }
  /// Share of the time in run() that was not spent waiting, from 0 to 1.
  virtual double busy_share() const = 0;
  /// Jumps of the wall clock against the monotonic one that were seen; kernel stamps near one are
  /// not used.
  virtual std::uint64_t clock_steps() const { return 0; }

 protected:
  friend class Timer;
  Instant now_ = never;
  bool is_stopping_ = false;
  TimerHeap timers_;
  std::vector<std::unique_ptr<Stream>> graveyard_;
};

}  // namespace tacho
