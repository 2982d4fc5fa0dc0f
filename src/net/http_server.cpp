#include "net/http_server.h"

#include "base/text.h"
#include "net/tls.h"

namespace tacho {
namespace {

// A client that is told off in the middle of its request has this long to read why.
constexpr Duration linger_max = std::chrono::seconds(2);

void append_framed(std::string& out, std::string_view bytes) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", bytes.size());
  out += bytes;
  out += "\r\n";
}

}  // namespace

std::string framed_piece(std::string_view bytes) {
  std::string out;
  append_framed(out, bytes);
  return out;
}

/// One connection; used again for the next one after it has ended.
class ServerConnection final : public StreamHandler, public HttpSink, public ServerRequest {
 public:
  explicit ServerConnection(HttpServer& server)
      : server_(server), idle_timer_(server.loop_, [this] { on_idle(); }) {}

  void open(StreamPtr stream) {
    stream_ = std::move(stream);
    parser_ = HttpParser(HttpParser::Kind::request);
    answered_ = 0;
    is_answering_ = is_last_ = is_lingering_ = is_chunked_ = is_too_large_ = false;
    unread_.clear();
    await_request();
  }

  void on_connected() override {}

  void on_bytes(std::string_view bytes, const Receipt& receipt) override {
    if (is_last_) return;  // This connection has had its last request.
    idle_timer_.cancel();
    unread_ += bytes;
    if (is_answering_) {  // The next request may come early; it waits for its turn.
      if (unread_.size() > server_.options_.body_bytes_max) give_up();
      return;
    }
    received_ = receipt.arrived;
    serve();
  }

  void on_closed(const CloseReason&) override {
    if (is_answering_) {
      is_answering_ = false;
      server_.handler_.on_abandoned(*this);
      attachment.reset();
    }
    close();
  }

  void on_head(HttpHead&& head) override {
    head_ = std::move(head);
    body_.clear();
    const auto length = parse_integer(head_.field("content-length"));
    const auto most = static_cast<std::int64_t>(server_.options_.body_bytes_max);
    is_too_large_ = length && *length > most;
    if (is_too_large_) return;
    if (head_.has_token("expect", "100-continue")) stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  void on_body(std::string_view bytes) override { body_ += bytes; }
  void on_message_end() override { is_complete_ = true; }

  const HttpHead& head() const override { return head_; }
  const std::string& body() const override { return body_; }
  Instant received() const override { return received_; }
  void forget_request() override {
    head_ = {};
    body_ = {};
  }

  void reply(int status, std::string_view content_type, std::string_view body,
             std::string_view extra_head_lines) override {
    std::string out = head_lines(status, content_type);
    out += extra_head_lines;
    out += format("content-length: {}\r\n\r\n", body.size());
    out += body;
    hand_over(out);
    finish_answer();
  }

  void begin_stream(std::string_view content_type, BodyFraming framing,
                    std::string_view extra_head_lines) override {
    is_chunked_ = framing == BodyFraming::chunked;
    if (!is_chunked_) is_last_ = true;
    std::string out = head_lines(200, content_type);
    out += "cache-control: no-cache\r\n";
    out += extra_head_lines;
    out += is_chunked_ ? "transfer-encoding: chunked\r\n\r\n" : "\r\n";
    stream_->write(out);
  }

  void send_piece(std::string_view bytes) override {
    scratch_.clear();
    append_chunk(bytes);
    hand_over(scratch_);
  }

  void send_framed(std::string_view framed) override { hand_over(framed); }

  void end_stream(std::string_view last_piece, std::string_view trailers) override {
    scratch_.clear();
    if (!last_piece.empty()) append_chunk(last_piece);
    if (is_chunked_) scratch_ += format("0\r\n{}\r\n", trailers);
    if (!scratch_.empty()) hand_over(scratch_);
    finish_answer();
  }

  HandOver handed_over() const override { return handed_over_; }

  void break_off(bool with_reset) override {
    is_answering_ = false;
    attachment.reset();
    if (with_reset) stream_->abort();
    close();
  }

  void half_close() override {
    is_answering_ = false;
    is_last_ = is_lingering_ = true;
    attachment.reset();
    stream_->shut_down();
  }

  std::uint32_t number() const override { return answered_; }

 private:
  /// Serves what has come in, request by request. A loop, and not a call from the end of one answer
  /// to the next request: a client may send thousands of them at once.
  void serve() {
    if (is_serving_) return;
    is_serving_ = true;
    std::size_t at = 0;
    while (stream_ && !is_answering_ && !is_last_ && at < unread_.size()) {
      at += take(std::string_view(unread_).substr(at));
    }
    is_serving_ = false;
    unread_.erase(0, at);
    if (unread_.empty()) unread_.shrink_to_fit();
  }

  /// Takes at most one request out of the bytes; the number of bytes used.
  std::size_t take(std::string_view bytes) {
    is_complete_ = false;
    const std::size_t used = parser_.feed(bytes, *this);
    is_too_large_ = is_too_large_ || body_.size() > server_.options_.body_bytes_max;
    if (!parser_.error().empty() || is_too_large_) {
      refuse();
      return bytes.size();
    }
    if (!is_complete_) return used;
    idle_timer_.cancel();
    is_answering_ = true;
    ++answered_;
    const auto limit = server_.options_.requests_per_connection_max;
    is_last_ = !head_.keeps_alive() || (limit != 0 && answered_ >= limit);
    server_.handler_.on_request(*this);
    return used;
  }

  /// Says what is wrong with a request that is not whole. Its rest is read and thrown away for a
  /// while: closing with unread bytes would reset the connection under the answer.
  void refuse() {
    const HttpServerOptions& options = server_.options_;
    const int status = is_too_large_ ? 413 : 400;
    const std::string why =
        is_too_large_ ? format("a request may have {} bytes at most", options.body_bytes_max)
                      : parser_.error();
    is_answering_ = is_last_ = is_lingering_ = true;
    reply(status, options.error_type, options.error_body ? options.error_body(status, why) : why,
          "");
  }

  /// A client that sends on and on and never waits for an answer.
  void give_up() {
    stream_->abort();
    on_closed({CloseReason::Kind::reset, ""});
  }

  std::string head_lines(int status, std::string_view content_type) const {
    return format("HTTP/1.1 {} {}\r\nserver: {}\r\ncontent-type: {}\r\n{}", status,
                  status_phrase(status), server_.options_.server_name, content_type,
                  is_last_ ? "connection: close\r\n" : "");
  }

  void hand_over(std::string_view bytes) {
    handed_over_.before = server_.loop_.clock();
    stream_->write(bytes);
    handed_over_.after = stream_->is_flushed() ? server_.loop_.clock() : never;
  }

  void append_chunk(std::string_view bytes) {
    if (is_chunked_) return append_framed(scratch_, bytes);
    scratch_ += bytes;
  }

  void finish_answer() {
    is_answering_ = false;
    attachment.reset();
    if (is_last_) {
      // A half close first: closing with unread bytes would reset the connection under the answer.
      stream_->shut_down();
      if (is_lingering_) {
        idle_timer_.arm(server_.loop_.now() + linger_max);
      } else if (stream_->is_flushed()) {
        close();
      }
      return;
    }
    await_request();
    received_ = server_.loop_.now();
    serve();
  }

  void on_flushed() override {
    if (is_last_ && !is_answering_ && !is_lingering_) close();
  }

  void await_request() {
    if (server_.options_.idle_timeout > Duration(0)) {
      idle_timer_.arm(server_.loop_.now() + server_.options_.idle_timeout);
    }
  }

  void on_idle() {
    // An answer that a slow client is still taking is not idleness.
    if (!stream_->is_flushed() && !is_lingering_) return await_request();
    close();
  }

  void close() {
    if (!stream_) return;
    idle_timer_.cancel();
    stream_.reset();
    server_.free_.push_back(this);
  }

  HttpServer& server_;
  StreamPtr stream_;
  HttpParser parser_{HttpParser::Kind::request};
  HttpHead head_;
  std::string body_;
  std::string unread_;  ///< What has come in and is not read yet: at most one request is.
  std::string scratch_;
  Instant received_ = never;
  HandOver handed_over_;
  Timer idle_timer_;
  std::uint32_t answered_ = 0;
  bool is_complete_ = false;
  bool is_answering_ = false;
  bool is_serving_ = false;
  bool is_last_ = false;
  bool is_lingering_ = false;  ///< Our side has ended; what comes is thrown away.
  bool is_too_large_ = false;
  bool is_chunked_ = false;
};

HttpServer::HttpServer(Loop& loop, RequestHandler& handler, HttpServerOptions options)
    : loop_(loop), handler_(handler), options_(std::move(options)) {
  if (options_.mishap) doorway_.emplace(loop_, *this, options_.mishap);
}

HttpServer::~HttpServer() = default;

Status HttpServer::listen(const Address& address) {
  AcceptHandler& first = doorway_ ? static_cast<AcceptHandler&>(*doorway_) : *this;
  auto listener = loop_.listen(address, first);
  if (!listener) return listener.error();
  listener_ = std::move(*listener);
  return Nothing{};
}

Status HttpServer::refuse(bool is_refusing) {
  if (!listener_) return Nothing{};
  if (!is_refusing) return listener_->resume();
  listener_->pause();
  return Nothing{};
}

StreamHandler& HttpServer::on_accept(StreamPtr stream) {
  if (options_.tls == nullptr) return open(std::move(stream));
  return options_.tls->accept(loop_, std::move(stream), plain_);
}

StreamHandler& HttpServer::open(StreamPtr stream) {
  const std::size_t most = options_.connections_max;
  const bool is_full = most > 0 && connections_.size() - free_.size() >= most;
  if (free_.empty()) {
    connections_.push_back(std::make_unique<ServerConnection>(*this));
    free_.push_back(connections_.back().get());
  }
  ServerConnection* connection = free_.back();
  free_.pop_back();
  connection->open(std::move(stream));
  if (is_full) connection->break_off(true);
  return *connection;
}

}  // namespace tacho
