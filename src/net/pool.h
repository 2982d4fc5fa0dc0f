// The connections of one worker: dialled when needed, kept alive, used again, replaced when the
// server closes them. An HTTP/1.1 connection carries one exchange at a time; there is no
// pipelining. Those of HTTP/2 carry many, and live in http2_pool.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/client.h"
#include "net/http1.h"
#include "net/http2_pool.h"
#include "net/loop.h"

namespace tacho {

class ConnectionPool;

/// One connection of a pool. The object outlives its sockets and is used again for the next one.
class ClientConnection final : public StreamHandler, public HttpSink, public InFlight {
 public:
  ClientConnection(ConnectionPool& pool, std::size_t endpoint) : pool_(pool), endpoint_(endpoint) {}

  void cancel() override;
  void catch_up() override;
  bool is_dialling() const override { return state_ == State::dialing; }

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
  std::size_t endpoint_;  ///< Which of the pool's it is connected to.
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

/// All connections of one worker.
class ConnectionPool {
 public:
  /// One line for each endpoint.
  ConnectionPool(Loop& loop, std::vector<Line> lines);
  ~ConnectionPool();

  /// Sends the request to that endpoint on an idle connection or a new one. Request and handler
  /// must live until the handler's last call.
  InFlight& submit(std::size_t endpoint, std::string_view request, ResponseHandler& handler);
  /// Connections that are open or being opened.
  std::size_t open_count() const;
  /// Connections dialled so far.
  std::size_t dialled() const;

 private:
  friend class ClientConnection;
  struct Endpoint {
    Line line;
    std::unique_ptr<Http2Pool> http2;  ///< Null where HTTP/1.1 is spoken.
    std::vector<ClientConnection*>
        idle;  ///< The one used last is used next, so that the rest can time out.
    std::vector<ClientConnection*> closed;  ///< Objects without a socket.
  };
  Loop& loop_;
  std::vector<Endpoint> endpoints_;
  std::size_t dialled_ = 0;
  std::vector<std::unique_ptr<ClientConnection>> connections_;
};

}  // namespace tacho
