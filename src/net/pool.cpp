#include "net/pool.h"

#include <algorithm>

#include "base/assert.h"

namespace tacho {
namespace {

/// A TLS alert record, which a TLS server sends when it is spoken to in plain HTTP. Its first byte
/// begins no line of HTTP, and the second one may come later.
bool looks_like_tls(std::string_view bytes) { return bytes.starts_with('\x15'); }

}  // namespace

ConnectionPool::ConnectionPool(Loop& loop, std::vector<Line> lines) : loop_(loop) {
  for (Line& line : lines) {
    auto http2 =
        line.http == HttpVersion::http2 ? std::make_unique<Http2Pool>(loop, line) : nullptr;
    endpoints_.push_back({std::move(line), std::move(http2), {}, {}});
  }
}

ConnectionPool::~ConnectionPool() = default;

InFlight& ConnectionPool::submit(std::size_t which, std::string_view request,
                                 ResponseHandler& handler) {
  Endpoint& endpoint = endpoints_[which];
  if (endpoint.http2) return endpoint.http2->submit(request, handler);
  ClientConnection* connection = nullptr;
  if (!endpoint.idle.empty()) {
    connection = endpoint.idle.back();
    endpoint.idle.pop_back();
  } else if (!endpoint.closed.empty()) {
    connection = endpoint.closed.back();
    endpoint.closed.pop_back();
  } else {
    connections_.push_back(std::make_unique<ClientConnection>(*this, which));
    connection = connections_.back().get();
  }
  connection->handler_ = &handler;
  connection->request_ = request;
  connection->has_answer_ = false;
  if (connection->state_ == ClientConnection::State::idle) {
    connection->send();
  } else {
    connection->dial();
  }
  return *connection;
}

void ClientConnection::catch_up() {
  if (stream_) stream_->catch_up();
}

void ClientConnection::cancel() {
  handler_ = nullptr;
  if (stream_) stream_->abort();
  close();
}

std::size_t ConnectionPool::open_count() const {
  std::size_t count = connections_.size();
  for (const Endpoint& endpoint : endpoints_) {
    count -= endpoint.closed.size();
    if (endpoint.http2) count += endpoint.http2->open_count();
  }
  return count;
}

std::size_t ConnectionPool::dialled() const {
  std::size_t count = dialled_;
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.http2) count += endpoint.http2->dialled();
  }
  return count;
}

void ClientConnection::dial() {
  state_ = State::dialing;
  is_reused_ = false;
  receipt_ = Receipt();  // Whatever came in here before was for another request.
  parser_ = HttpParser(HttpParser::Kind::response);
  ++pool_.dialled_;
  dialled_ = pool_.loop_.clock();
  stream_ = pool_.endpoints_[endpoint_].line.dial(*this);
}

void ClientConnection::on_connected() {
  connected_ = pool_.loop_.now();
  send();
}

void ClientConnection::send() {
  state_ = State::busy;
  is_sent_ = false;
  receipt_ = Receipt();
  send_started_ = pool_.loop_.clock();
  stream_->write(request_);
  if (stream_->is_flushed()) report_sent();
}

void ClientConnection::on_flushed() {
  if (state_ == State::busy && !is_sent_) report_sent();
}

void ClientConnection::report_sent() {
  is_sent_ = true;
  const Instant sent = stream_->last_write();
  handler_->on_sent({dialled_, connected_, std::min(send_started_, sent), sent});
}

void ClientConnection::on_bytes(std::string_view bytes, const Receipt& receipt) {
  // A read without a stamp counts as of its end, which may be after the arrival of what is read
  // next.
  const Instant before = receipt_.arrived;
  receipt_ = receipt;
  receipt_.arrived = std::max(receipt_.arrived, before);
  if (state_ !=
      State::busy) {  // An answer that nobody asked for: such a connection is not to be trusted.
    fail({CloseReason::Kind::reset, "bytes between two answers"}, true);
    return;
  }
  if (!has_answer_ && looks_like_tls(bytes)) {
    fail({CloseReason::Kind::not_tls, "the server speaks TLS"}, true);
    return;
  }
  has_answer_ = true;
  const std::size_t used = parser_.feed(bytes, *this);
  if (!parser_.error().empty()) {
    fail({CloseReason::Kind::reset, parser_.error()}, true);
  } else if (used < bytes.size() && stream_ && state_ != State::closed) {
    fail({CloseReason::Kind::reset, "bytes after the end of an answer"}, true);
  }
}

void ClientConnection::on_head(HttpHead&& head) {
  keeps_alive_ = head.keeps_alive();
  if (handler_ != nullptr) handler_->on_head(head, receipt_);
}

void ClientConnection::on_body(std::string_view bytes) {
  if (handler_ != nullptr) handler_->on_body(bytes, receipt_);
}

void ClientConnection::on_message_end() {
  if (state_ != State::busy) return;
  ResponseHandler* handler = std::exchange(handler_, nullptr);
  if (keeps_alive_ && is_sent_) {
    // Idle before the handler hears of it, so that its next request can take this connection.
    state_ = State::idle;
    is_reused_ = true;
    pool_.endpoints_[endpoint_].idle.push_back(this);
  } else {
    close();
  }
  if (handler != nullptr) handler->on_end(receipt_);
}

void ClientConnection::on_closed(const CloseReason& reason) {
  // Only a clean end can complete a body that has no length of its own.
  if (state_ == State::busy && reason.kind == CloseReason::Kind::end) {
    keeps_alive_ = false;
    receipt_.read = receipt_.arrived = pool_.loop_.clock();
    receipt_.stamps = Stamps::read;
    if (parser_.finish(*this)) return;
  }
  // The server closed a kept-alive connection while our request was on its way: it has seen nothing
  // of it.
  if (state_ == State::busy && is_reused_ && !has_answer_) {
    handler_->on_reconnect();
    dial();
    return;
  }
  fail(reason, false);
}

void ClientConnection::fail(const CloseReason& reason, bool is_malformed) {
  ResponseHandler* handler = std::exchange(handler_, nullptr);
  close();
  if (handler != nullptr) handler->on_failure(reason, is_malformed, receipt_);
}

void ClientConnection::close() {
  if (state_ == State::closed) return;
  if (state_ == State::idle) std::erase(pool_.endpoints_[endpoint_].idle, this);
  state_ = State::closed;
  stream_.reset();
  pool_.endpoints_[endpoint_].closed.push_back(this);
}

}  // namespace tacho
