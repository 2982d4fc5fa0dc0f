// The HTTP/1.1 connections of one worker: dialled when needed, kept alive, used again, replaced
// when the server closes them. A connection carries one exchange at a time; there is no pipelining.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

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

/// Starts a connection whose events go to the handler.
using Dial = std::function<StreamPtr(StreamHandler&)>;

class ConnectionPool;

/// One connection of a pool. The object outlives its sockets and is used again for the next one.
class ClientConnection final : public StreamHandler, public HttpSink {
 public:
  explicit ClientConnection(ConnectionPool& pool) : pool_(pool) {}

  /// True while the connection is being made.
  bool is_dialling() const { return state_ == State::dialing; }

  void on_connected() override;
  void on_bytes(std::string_view bytes, const Receipt& receipt) override;
  void on_flushed() override;
  void on_closed(const CloseReason& reason) override;
  void on_head(HttpHead&& head) override;
  void on_body(std::string_view bytes) override;
  void on_message_end() override;

 private:
  friend class ConnectionPool;
  enum class State { closed, dialing, idle, busy };

  void dial();
  void send();
  void report_sent();
  void fail(const CloseReason& reason, bool is_malformed);
  void close();

  ConnectionPool& pool_;
  StreamPtr stream_;
  HttpParser parser_{HttpParser::Kind::response};
  State state_ = State::closed;
  ResponseHandler* handler_ = nullptr;
  std::string_view request_;
  Receipt receipt_;
  Instant dialled_ = never;
  Instant connected_ = never;
  Instant send_started_ = never;
  bool is_sent_ = false;
  bool is_reused_ = false;   ///< An exchange has already ended on this socket.
  bool has_answer_ = false;  ///< Bytes of the current answer have come in.
  bool keeps_alive_ = false;
};

/// All connections of one worker to one target.
class ConnectionPool {
 public:
  ConnectionPool(Loop& loop, Dial dial) : loop_(loop), dial_(std::move(dial)) {}

  /// Sends the request on an idle connection or a new one. Both arguments must live until the
  /// handler's last call.
  ClientConnection& submit(std::string_view request, ResponseHandler& handler);
  /// Takes in what has arrived on the connection and lies unread; the exchange may end by it.
  void catch_up(ClientConnection& connection);
  /// Gives the exchange on this connection up: the connection is broken off and the handler hears
  /// no more of it.
  void cancel(ClientConnection& connection);
  /// Connections that are open or being opened.
  std::size_t open_count() const;
  /// Connections dialled so far.
  std::size_t dialled() const { return dialled_; }

 private:
  friend class ClientConnection;
  Loop& loop_;
  Dial dial_;
  std::size_t dialled_ = 0;
  std::vector<std::unique_ptr<ClientConnection>> connections_;
  std::vector<ClientConnection*>
      idle_;  ///< The one used last is used next, so that the rest can time out.
  std::vector<ClientConnection*> closed_;  ///< Objects without a socket.
};

}  // namespace tacho
