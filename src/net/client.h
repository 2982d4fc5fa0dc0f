// The seam between a request and the connection that carries it, whichever version of HTTP that
// speaks: what a requester hears, what it holds, and how connections come about.
#pragma once

#include <functional>
#include <string_view>

#include "net/http1.h"
#include "net/loop.h"

namespace tacho {

/// When a request went out.
struct SendTimes {
  Instant dialled =
      never;  ///< When its connection was begun; before the request was due if it was reused.
  Instant connected = never;  ///< When that was up.
  Instant started = never;    ///< When the first byte was handed to the kernel.
  Instant sent = never;       ///< When the last byte was.
};

/// Hears what becomes of a request.
class ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  /// The whole request has been handed to the kernel.
  virtual void on_sent(const SendTimes& times) = 0;
  /// A kept-alive connection turned out closed before any answer; the request goes out again on a
  /// fresh one.
  virtual void on_reconnect() = 0;
  virtual void on_head(const HttpHead& head, const Receipt& receipt) = 0;
  virtual void on_body(std::string_view bytes, const Receipt& receipt) = 0;
  /// The answer is complete. The handler may submit its next request within this call.
  virtual void on_end(const Receipt& receipt) = 0;
  /// The connection failed; `is_malformed` when it was the server's bytes that were wrong.
  virtual void on_failure(const CloseReason& reason, bool is_malformed, const Receipt& receipt) = 0;
};

/// A request that is under way, from its submission to its handler's last call.
class InFlight {
 public:
  /// Gives it up: its handler hears no more of it.
  virtual void cancel() = 0;
  /// Takes in what has arrived for it and lies unread; it may end by that.
  virtual void catch_up() = 0;
  /// True while its connection is being made.
  virtual bool is_dialling() const = 0;

 protected:
  ~InFlight() = default;
};

/// Starts a connection whose events go to the handler.
using Dial = std::function<StreamPtr(StreamHandler&)>;

/// The versions of HTTP that are spoken here.
enum class HttpVersion { http1, http2 };

/// How one endpoint is connected to.
struct Line {
  Dial dial;
  HttpVersion http = HttpVersion::http1;
  bool is_tls = false;
};

}  // namespace tacho
