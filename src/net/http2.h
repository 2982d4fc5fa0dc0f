// HTTP/2 (RFC 9113) without sockets: bytes in, events out, for the client's side of one connection.
// nghttp2 does the framing, the header compression and the flow control; it is fed by us, so that
// the stamps of a stream can travel with its bytes as they do in HTTP/1.1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/http1.h"

struct nghttp2_session;

namespace tacho {

/// How a stream came to an end that was not its answer's.
struct Http2Failure {
  enum class Kind {
    reset,        ///< The server broke it off.
    unprocessed,  ///< The server says that it has done nothing about it: it may be asked again.
    malformed,    ///< The server's frames were not HTTP.
  };
  Kind kind = Kind::reset;
  std::string detail;
};

/// Hears what becomes of one request. Body pieces are views into the fed bytes.
class Http2StreamSink {
 public:
  virtual ~Http2StreamSink() = default;
  /// The last byte of the request is among those that output() gives.
  virtual void on_serialized() = 0;
  virtual void on_head(HttpHead&& head) = 0;
  virtual void on_body(std::string_view bytes) = 0;
  /// The answer is complete; no further call follows.
  virtual void on_end() = 0;
  /// There will be no answer, or no more of it; no further call follows.
  virtual void on_failure(const Http2Failure& failure) = 0;
};

/// Hears what concerns the whole connection.
class Http2SessionSink {
 public:
  virtual ~Http2SessionSink() = default;
  /// The server says how many requests it takes at a time; it may say so again.
  virtual void on_streams_max(std::size_t streams) = 0;
  /// The server takes no further request on this connection.
  virtual void on_going_away() = 0;
};

/// The client's side of one connection. Sinks may submit and cancel within their calls, but must
/// not destroy the session.
class Http2Session {
 public:
  /// `is_tls` decides the scheme that requests name.
  Http2Session(Http2SessionSink& sink, bool is_tls);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  /// Begins a request, given as the text of the same one in HTTP/1.1, which must live until
  /// on_serialized or the last call. Its stream's number, or 0 when this connection takes no more.
  std::int32_t submit(std::string_view request, Http2StreamSink& sink);
  /// Gives a stream up; its sink hears no more.
  void cancel(std::int32_t stream);
  /// Takes in what the server sent. Then take output(), and see whether it is fine.
  void feed(std::string_view bytes);
  /// What is to be sent now; valid until the next call. Not within a sink's call.
  std::string_view output();
  /// False when the connection is of no more use; error() says why. An error in the server's
  /// frames is known here once output() has told the server of it.
  bool is_fine();
  const std::string& error() const { return error_; }

 private:
  friend struct Http2Callbacks;
  struct OpenStream {
    Http2StreamSink* sink = nullptr;  ///< Null once it has heard its last call.
    HttpHead head;
    std::size_t head_bytes = 0;
    bool has_head = false;
    bool is_serialized = false;
    bool is_ended_by_peer = false;  ///< By a reset or a farewell.
    std::string_view body;          ///< What is left of the request's.
  };

  OpenStream* find(std::int32_t stream);
  void add_field(OpenStream& stream, std::string_view name, std::string_view value);
  void end_answer(std::int32_t id, OpenStream& stream);
  void fail(OpenStream& stream, Http2Failure failure);

  Http2SessionSink& sink_;
  bool is_tls_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<OpenStream>> streams_;
  bool has_farewell_ = false;  ///< The server's GOAWAY has come in.
  std::string output_;
  std::string error_;
  std::string last_words_;  ///< nghttp2's own of what it found wrong last.
};

}  // namespace tacho
