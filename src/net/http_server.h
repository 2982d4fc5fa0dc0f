// An HTTP/1.1 server over a Loop, as much of one as an inference engine needs: whole requests in,
// whole answers or event streams out, and the ways to break an answer that a fault needs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/doorway.h"
#include "net/http1.h"
#include "net/loop.h"

namespace tacho {

/// When bytes were handed to the kernel, as an interval: they left within it.
struct HandOver {
  Instant before = never;  ///< Read just before the call.
  Instant after = never;   ///< Read just after it; never when the kernel did not take all of them.
};

/// How the end of a streamed body is told (RFC 9112, 6).
enum class BodyFraming {
  chunked,
  until_close,  ///< By the end of the connection.
};

/// A request that is being answered. Valid until its answer is complete or it is abandoned.
class ServerRequest {
 public:
  virtual ~ServerRequest() = default;
  virtual const HttpHead& head() const = 0;
  virtual const std::string& body() const = 0;
  /// When the last byte of the request had arrived.
  virtual Instant received() const = 0;
  /// Lets go of head and body, which nobody asks for any more: an answer may take long.
  virtual void forget_request() = 0;

  /// Answers with a whole body.
  virtual void reply(int status, std::string_view content_type, std::string_view body,
                     std::string_view extra_head_lines = "") = 0;
  /// Begins an answer in pieces.
  virtual void begin_stream(std::string_view content_type,
                            BodyFraming framing = BodyFraming::chunked,
                            std::string_view extra_head_lines = "") = 0;
  /// Sends one piece of it.
  virtual void send_piece(std::string_view bytes) = 0;
  /// Sends bytes that are in their framing already (see framed_piece).
  virtual void send_framed(std::string_view framed) = 0;
  /// Ends it, with a last piece if one is given, and with trailer fields, each line ended.
  virtual void end_stream(std::string_view last_piece = "", std::string_view trailers = "") = 0;
  /// When the latest piece or answer went out; still valid right after the call that ended it.
  virtual HandOver handed_over() const = 0;
  /// Breaks the connection: with a reset, or with a clean end in the middle of the answer.
  virtual void break_off(bool with_reset) = 0;
  /// Ends our side in the middle of the answer, and reads on until the client ends its own.
  virtual void half_close() = 0;
  /// Which request of its connection it is; the first one is 1.
  virtual std::uint32_t number() const = 0;

  /// Whatever the application keeps for this request.
  struct Attachment {
    virtual ~Attachment() = default;
  };
  std::unique_ptr<Attachment> attachment;
};

/// A piece as it goes over the wire, for what is sent many times (RFC 9112, 7.1).
std::string framed_piece(std::string_view bytes);

/// The application behind a server.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// A whole request came in.
  virtual void on_request(ServerRequest& request) = 0;
  /// The client went away before its answer was complete; the request ends with this call.
  virtual void on_abandoned(ServerRequest& request) = 0;
};

class TlsContext;

/// How a server treats its connections.
struct HttpServerOptions {
  std::uint32_t requests_per_connection_max =
      0;                                   ///< Closes a connection after so many answers; 0: never.
  Duration idle_timeout{0};                ///< Closes an idle connection after this time; 0: never.
  std::uint32_t connections_max = 0;       ///< Resets connections beyond so many; 0: no bound.
  std::size_t body_bytes_max = 64u << 20;  ///< Larger requests are refused with 413.
  std::string server_name = "tacho";
  std::string error_type = "text/plain";  ///< Of what the server itself refuses.
  /// The body of such an answer; none: the reason alone.
  std::function<std::string(int status, std::string_view why)> error_body = {};
  const TlsContext* tls = nullptr;  ///< Of a server; must outlive it. Null: plain connections.
  /// Asked once for each connection, before TLS; none: no connection meets a mishap.
  std::function<ConnectionMishap()> mishap = {};
};

class ServerConnection;

/// Listens and serves.
class HttpServer final : public AcceptHandler {
 public:
  HttpServer(Loop& loop, RequestHandler& handler, HttpServerOptions options);
  ~HttpServer() override;
  /// Starts to listen; the port is that of the address, or one that the system chooses for 0.
  Status listen(const Address& address);
  std::uint16_t port() const { return listener_->port(); }
  /// Refuses new connections, until told otherwise. Those that are open go on.
  Status refuse(bool is_refusing);
  StreamHandler& on_accept(StreamPtr stream) override;

 private:
  friend class ServerConnection;
  /// Takes streams whose TLS, if any, is taken off.
  struct PlainAcceptor final : public AcceptHandler {
    explicit PlainAcceptor(HttpServer& owner) : server(owner) {}
    StreamHandler& on_accept(StreamPtr stream) override { return server.open(std::move(stream)); }
    HttpServer& server;
  };
  StreamHandler& open(StreamPtr stream);

  Loop& loop_;
  RequestHandler& handler_;
  HttpServerOptions options_;
  PlainAcceptor plain_{*this};
  std::optional<Doorway> doorway_;  ///< Where connections may meet a mishap.
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<ServerConnection>> connections_;  ///< Those in use, and free ones.
  std::vector<ServerConnection*> free_;
};

}  // namespace tacho
