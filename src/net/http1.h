// HTTP/1.1 (RFC 9112) without sockets: bytes in, events out, cut at any byte. Used for both
// directions, so that the stamps of a stream can travel with its bytes, which no library's parser
// lets them do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tacho {

/// The start line and the header fields of a message.
struct HttpHead {
  int status = 0;      ///< Of a response.
  std::string method;  ///< Of a request.
  std::string target;  ///< Of a request.
  int minor_version = 1;
  std::vector<std::pair<std::string, std::string>> fields;

  /// The value of the field, names compared without case; empty when it is not there.
  std::string_view field(std::string_view name) const;
  /// True when the field's comma-separated list holds the token, compared without case.
  bool has_token(std::string_view name, std::string_view token) const;
  /// True when the connection may be used again after this message.
  bool keeps_alive() const;
};

/// Hears what a parser finds. Body pieces are views into the fed bytes.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  /// The head is complete. Interim responses (1xx) are not reported.
  virtual void on_head(HttpHead&& head) = 0;
  /// A piece of the body, framing removed.
  virtual void on_body(std::string_view bytes) = 0;
  /// The message is complete.
  virtual void on_message_end() = 0;
};

/// Takes one message after the other apart.
class HttpParser {
 public:
  enum class Kind { request, response };
  explicit HttpParser(Kind kind) : kind_(kind) {}

  /// Feeds bytes and reports what they complete. Stops after one message: the number of bytes used
  /// is returned, the rest belongs to the next message. On an error 0 is returned and error() says
  /// what was wrong.
  std::size_t feed(std::string_view bytes, HttpSink& sink);
  /// The connection has ended cleanly. True when that completes the message (a body delimited by
  /// the close).
  bool finish(HttpSink& sink);
  /// True between messages: nothing of the next one has come in.
  bool is_idle() const { return state_ == State::head && line_.empty() && !has_start_line_; }
  /// What is wrong with the bytes, or nothing.
  const std::string& error() const { return error_; }

 private:
  enum class State { head, fixed_body, chunk_size, chunk_data, chunk_end, trailer, until_close };

  bool take_line(std::string_view& bytes, std::string_view& line);
  bool on_line(std::string_view line, HttpSink& sink);
  bool on_head_line(std::string_view line, HttpSink& sink);
  bool read_start_line(std::string_view line);
  bool finish_head(HttpSink& sink);
  bool choose_framing(const HttpHead& head);
  bool on_chunk_size(std::string_view line);
  void take_body(std::string_view& bytes, HttpSink& sink);
  void end_message(HttpSink& sink);
  bool fail(std::string what);

  Kind kind_;
  State state_ = State::head;
  HttpHead head_;
  bool has_start_line_ = false;
  bool is_done_ = false;
  std::string line_;            ///< A line that is not complete yet.
  std::size_t line_bytes_ = 0;  ///< Bytes of the head, a chunk-size line or trailers so far.
  std::uint64_t body_left_ = 0;
  std::string error_;
};

/// The usual phrase of a status code, such as "Not Found".
std::string_view status_phrase(int status);

}  // namespace tacho
