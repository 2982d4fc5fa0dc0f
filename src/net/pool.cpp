#include "net/pool.h"

#include <algorithm>

#include "base/assert.h"

namespace tacho {
namespace {

/// A TLS alert record, which a TLS server sends when it is spoken to in plain HTTP. Its first byte
/// begins no line of HTTP, and the second one may come later.
bool looks_like_tls(std::string_view bytes) { return bytes.starts_with('\x15'); }

}  // namespace

ClientConnection& ConnectionPool::submit(std::string_view request, ResponseHandler& handler) {
  ClientConnection* connection = nullptr;
  if (!idle_.empty()) {
    connection = idle_.back();
    idle_.pop_back();
  } else if (!closed_.empty()) {
    connection = closed_.back();
    closed_.pop_back();
  } else {
    connections_.push_back(std::make_unique<ClientConnection>(*this));
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

void ConnectionPool::catch_up(ClientConnection& connection) {
  if (connection.stream_) connection.stream_->catch_up();
}

void ConnectionPool::cancel(ClientConnection& connection) {
  connection.handler_ = nullptr;
  if (connection.stream_) connection.stream_->abort();
  connection.close();
}

std::size_t ConnectionPool::open_count() const { return connections_.size() - closed_.size(); }

void ClientConnection::dial() {
  state_ = State::dialing;
  is_reused_ = false;
  receipt_ = Receipt();  // Whatever came in here before was for another request.
  parser_ = HttpParser(HttpParser::Kind::response);
  ++pool_.dialled_;
  dialled_ = pool_.loop_.clock();
  stream_ = pool_.dial_(*this);
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
    pool_.idle_.push_back(this);
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
  if (state_ == State::idle) std::erase(pool_.idle_, this);
  state_ = State::closed;
  stream_.reset();
  pool_.closed_.push_back(this);
}

}  // namespace tacho
