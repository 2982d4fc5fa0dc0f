#include "net/http2_pool.h"

#include <algorithm>

#include "base/assert.h"

namespace tacho {
namespace {

// What RFC 9113 (6.5.2) asks servers to take at least.
constexpr std::size_t streams_usual = 100;

}  // namespace

// ── One exchange ──

ResponseHandler* Http2Exchange::take_leave() {
  ResponseHandler* handler = std::exchange(handler_, nullptr);
  if (connection_ != nullptr) connection_->forget(*this);
  connection_ = nullptr;
  pool_.free_.push_back(this);
  return handler;
}

void Http2Exchange::cancel() {
  Http2Connection* connection = connection_;
  if (connection == nullptr) {
    std::erase(pool_.waiting_, this);
  } else {
    connection->session_->cancel(stream_);
  }
  take_leave();
  if (connection == nullptr) return;
  connection->flush();
  connection->close_if_done();
  pool_.pump();
}

void Http2Exchange::catch_up() {
  if (connection_ != nullptr) connection_->stream_->catch_up();
}

void Http2Exchange::on_serialized() { connection_->serialized_.push_back(this); }

void Http2Exchange::on_head(HttpHead&& head) {
  has_answer_ = true;
  handler_->on_head(head, connection_->receipt_);
}

void Http2Exchange::on_body(std::string_view bytes) {
  handler_->on_body(bytes, connection_->receipt_);
}

void Http2Exchange::on_end() {
  const Receipt receipt = connection_->receipt_;
  connection_->is_reused_ = true;
  // Its place is free before the handler hears of it, so that its next request can take that.
  ResponseHandler* handler = take_leave();
  handler->on_end(receipt);
  pool_.pump();
}

void Http2Exchange::on_failure(const Http2Failure& failure) {
  // The server let a connection that it had kept open go while our request was on its way.
  const bool is_stale = failure.kind == Http2Failure::Kind::unprocessed &&
                        connection_->state_ == Http2Connection::State::leaving &&
                        connection_->is_reused_ && !has_answer_;
  if (is_stale) {
    pool_.retry(*this);
  } else {
    fail({CloseReason::Kind::reset, failure.detail}, failure.kind == Http2Failure::Kind::malformed);
  }
}

void Http2Exchange::fail(const CloseReason& reason, bool is_malformed) {
  const Receipt receipt = connection_->receipt_;
  take_leave()->on_failure(reason, is_malformed, receipt);
}

// ── One connection ──

void Http2Connection::dial() {
  state_ = State::dialing;
  receipt_ = Receipt();
  streams_max_ = 0;
  has_bytes_ = has_carried_ = is_reused_ = false;
  connected_ = never;
  dialled_ = pool_.loop_.clock();
  stream_ = pool_.line_.dial(*this);
}

void Http2Connection::on_connected() {
  session_ = std::make_unique<Http2Session>(*this, pool_.line_.is_tls);
  flush();
}

/// The connection counts as up when the server has said how many requests it takes: sending before
/// that may be refused, which would be our fault.
void Http2Connection::on_streams_max(std::size_t streams) {
  streams_max_ = streams;
  if (state_ != State::dialing) return;
  state_ = State::up;
  connected_ = receipt_.arrived;
  if (streams > 0) pool_.streams_expected_ = streams;
}

void Http2Connection::on_going_away() {
  if (state_ == State::dialing) connected_ = receipt_.arrived;
  state_ = State::leaving;
}

bool Http2Connection::start(Http2Exchange& exchange) {
  exchange.send_started_ = pool_.loop_.clock();
  exchange.stream_ = session_->submit(exchange.request_, exchange);
  if (exchange.stream_ == 0) {  // Its numbers are used up.
    state_ = State::leaving;
    return false;
  }
  exchange.connection_ = this;
  active_.push_back(&exchange);
  has_carried_ = true;
  flush();
  return true;
}

void Http2Connection::flush() {
  if (is_feeding_ || !session_ || !stream_) return;
  for (;;) {
    is_feeding_ = true;
    const std::string_view bytes = session_->output();
    is_feeding_ = false;
    if (bytes.empty()) break;
    stream_->write(bytes);
  }
  if (stream_->is_flushed()) report_sent();
}

void Http2Connection::on_flushed() { report_sent(); }

void Http2Connection::report_sent() {
  const Instant sent = serialized_.empty() ? never : stream_->last_write();
  while (!serialized_.empty()) {
    Http2Exchange& exchange = *serialized_.back();
    serialized_.pop_back();
    exchange.is_sent_ = true;
    // The connection may have come up after the exchange began to wait for it.
    exchange.handler_->on_sent(
        {dialled_, connected_, std::min(exchange.send_started_, sent), sent});
  }
}

void Http2Connection::on_bytes(std::string_view bytes, const Receipt& receipt) {
  // As in ClientConnection: a read without a stamp counts as of its end.
  const Instant before = receipt_.arrived;
  receipt_ = receipt;
  receipt_.arrived = std::max(receipt_.arrived, before);
  if (!has_bytes_ && bytes.starts_with("HTTP/")) {
    fail_all({CloseReason::Kind::not_http2, "the server speaks HTTP/1.1 only"}, true);
    return;
  }
  has_bytes_ = true;
  is_feeding_ = true;
  session_->feed(bytes);
  is_feeding_ = false;
  flush();
  if (!session_) return;
  if (!session_->is_fine()) {
    fail_all({CloseReason::Kind::reset, "not HTTP/2: " + session_->error()}, true);
    return;
  }
  if (state_ == State::up && streams_max_ == 0 && active_.empty()) {
    fail_all({CloseReason::Kind::reset, "the server takes no requests on this connection"}, false);
    return;
  }
  close_if_done();
  pool_.pump();
}

void Http2Connection::on_closed(const CloseReason& reason) {
  // As with HTTP/1.1: a lone request that met the end of a kept connection has not been seen.
  if (active_.size() == 1 && is_reused_ && !active_[0]->has_answer_ && state_ != State::dialing) {
    Http2Exchange& exchange = *active_[0];
    state_ = State::leaving;
    pool_.retry(exchange);
    close();
    pool_.pump();
    return;
  }
  fail_all(reason, false);
}

void Http2Connection::forget(Http2Exchange& exchange) {
  std::erase(active_, &exchange);
  std::erase(serialized_, &exchange);
}

/// Ends the connection and everything that it carried; if that was nothing, also what waited for
/// it: another connection would fare no better.
void Http2Connection::fail_all(const CloseReason& reason, bool is_malformed) {
  const Receipt receipt = receipt_;
  const std::vector<Http2Exchange*> given_up = active_;
  state_ = State::leaving;
  for (Http2Exchange* exchange : given_up) {
    // An earlier one's handler may have cancelled it.
    if (exchange->connection_ == this) exchange->fail(reason, is_malformed);
  }
  close();
  if (!has_carried_) pool_.fail_waiting(reason, is_malformed, receipt);
  pool_.pump();
}

void Http2Connection::close_if_done() {
  if (state_ != State::leaving || !active_.empty() || is_feeding_) return;
  if (has_carried_) return close();
  fail_all({CloseReason::Kind::reset, "the server took no request on this connection (GOAWAY)"},
           false);
}

void Http2Connection::close() {
  TACHO_ASSERT(active_.empty() && !is_feeding_);
  state_ = State::closed;
  session_.reset();
  stream_.reset();
}

// ── All of them ──

Http2Pool::Http2Pool(Loop& loop, Line line)
    : loop_(loop), line_(std::move(line)), streams_expected_(streams_usual) {}

Http2Pool::~Http2Pool() = default;

InFlight& Http2Pool::submit(std::string_view request, ResponseHandler& handler) {
  if (free_.empty()) {
    exchanges_.push_back(std::make_unique<Http2Exchange>(*this));
    free_.push_back(exchanges_.back().get());
  }
  Http2Exchange& exchange = *free_.back();
  free_.pop_back();
  exchange.handler_ = &handler;
  exchange.request_ = request;
  exchange.connection_ = nullptr;
  exchange.is_sent_ = exchange.has_answer_ = false;
  waiting_.push_back(&exchange);
  pump();
  return exchange;
}

std::size_t Http2Pool::open_count() const {
  return static_cast<std::size_t>(std::count_if(
      connections_.begin(), connections_.end(),
      [](const auto& connection) { return connection->state_ != Http2Connection::State::closed; }));
}

/// Gives waiting exchanges to connections with room, and dials for those that are left.
void Http2Pool::pump() {
  if (is_pumping_) return;
  is_pumping_ = true;
  place_waiting();
  std::size_t room = 0;
  for (const auto& connection : connections_) {
    if (connection->state_ == Http2Connection::State::dialing) room += streams_expected_;
  }
  for (; room < waiting_.size(); room += streams_expected_) dial_one();
  is_pumping_ = false;
}

void Http2Pool::place_waiting() {
  while (!waiting_.empty()) {
    const auto found = std::find_if(connections_.begin(), connections_.end(),
                                    [](const auto& c) { return c->has_room(); });
    if (found == connections_.end()) return;
    Http2Exchange* exchange = waiting_.front();
    waiting_.pop_front();
    if (!(*found)->start(*exchange)) waiting_.push_front(exchange);
  }
}

void Http2Pool::dial_one() {
  ++dialled_;
  for (const auto& connection : connections_) {
    if (connection->state_ == Http2Connection::State::closed) return connection->dial();
  }
  connections_.push_back(std::make_unique<Http2Connection>(*this));
  connections_.back()->dial();
}

/// The request goes out again, on another connection than before.
void Http2Pool::retry(Http2Exchange& exchange) {
  exchange.connection_->forget(exchange);
  exchange.connection_ = nullptr;
  exchange.is_sent_ = false;
  exchange.handler_->on_reconnect();
  waiting_.push_back(&exchange);
}

void Http2Pool::fail_waiting(const CloseReason& reason, bool is_malformed, const Receipt& receipt) {
  // Only those that this connection was dialled for; others wait for others.
  const std::size_t count = std::min(waiting_.size(), streams_expected_);
  std::vector<Http2Exchange*> failed(waiting_.begin(), waiting_.begin() + static_cast<long>(count));
  for (Http2Exchange* exchange : failed) {
    if (std::erase(waiting_, exchange) == 0) continue;  // Cancelled meanwhile.
    exchange->take_leave()->on_failure(reason, is_malformed, receipt);
  }
}

}  // namespace tacho
