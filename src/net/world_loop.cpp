#include "net/world_loop.h"

#include <algorithm>
#include <deque>

#include "base/assert.h"
#include "base/text.h"

namespace tacho {
namespace {

/// Where the clock of every world begins; not at zero, so that a time that was never set is seen.
constexpr Instant world_start = instant_from_ns(1'000'000'000);
constexpr std::size_t read_bytes_max = 64 * 1024;
constexpr std::uint16_t first_free_port = 20'000;

}  // namespace

/// What travels towards one end of a connection.
struct Segment {
  enum class Kind { data, end, reset };
  Kind kind = Kind::data;
  std::string bytes;
  Instant arrival = never;
};

/// One end of a connection. Every event of its life is one firing of `wake_`.
class WorldStream final : public Stream {
 public:
  enum class State { connecting, awaiting_accept, open, closed };

  WorldStream(WorldLoop& loop, State state, std::uint16_t port, StreamHandler* handler)
      : loop_(loop),
        state_(state),
        port_(port),
        handler_(handler),
        wake_(loop, [this] { on_wake(); }),
        flush_(loop, [this] { flush(); }) {
    wake_.arm(loop_.present() + loop_.draw_delay());
  }

  void write(std::string_view bytes) override;
  bool is_flushed() const override { return pending_.empty(); }
  Instant last_write() const override { return last_write_; }
  void shut_down() override;
  void abort() override;

 private:
  friend class WorldListener;
  void retire() override;
  void on_wake();
  void finish_connecting();
  void accept();
  void read_once();
  void wake_for_next();
  void acknowledge();
  std::size_t transmit(std::string_view bytes);
  void flush();
  void send_end();
  void receive(Segment::Kind kind, std::string_view bytes);
  void break_connection();
  void close(Segment::Kind last_word);
  bool has_unread() const;

  WorldLoop& loop_;
  State state_;
  std::uint16_t port_;
  StreamHandler* handler_;
  WorldStream* peer_ =
      nullptr;  ///< Null before the connection is made, and once either end has closed.
  std::deque<Segment> inbox_;  ///< On its way here or arrived, and not read yet.
  std::size_t inbox_bytes_ = 0;
  Instant last_arrival_ = never;
  std::string pending_;
  Instant last_write_ = never;
  bool is_shutting_down_ = false;
  bool has_sent_end_ = false;
  bool is_doomed_ = false;  ///< Has written to a peer that is gone; the answer to that is a reset.
  Timer wake_;
  Timer flush_;
};

/// A port that can be connected to.
class WorldListener final : public Listener {
 public:
  WorldListener(WorldLoop& loop, std::uint16_t port, AcceptHandler& handler)
      : loop_(loop), port_(port), handler_(handler) {
    loop_.listeners_[port_] = this;
  }
  ~WorldListener() override { pause(); }
  std::uint16_t port() const override { return port_; }
  void pause() override {
    const auto ours = loop_.listeners_.find(port_);
    if (ours != loop_.listeners_.end() && ours->second == this) loop_.listeners_.erase(ours);
    for (WorldStream* stream : std::exchange(pending_, {})) {
      stream->abort();
      StreamPtr(stream).reset();
    }
  }
  Status resume() override {
    const auto [place, is_free] = loop_.listeners_.try_emplace(port_, this);
    if (is_free || place->second == this) return Nothing{};
    return world_error(format("cannot listen on port {}: Address already in use", port_));
  }

 private:
  friend class WorldStream;
  WorldLoop& loop_;
  std::uint16_t port_;
  AcceptHandler& handler_;
  std::vector<WorldStream*> pending_;  ///< Connected, but not accepted yet.
};

void WorldStream::write(std::string_view bytes) {
  if (state_ == State::closed || is_shutting_down_) return;
  TACHO_ASSERT(state_ == State::open);
  if (!pending_.empty()) {
    pending_ += bytes;
    return;
  }
  last_write_ = loop_.clock();
  pending_ = bytes.substr(transmit(bytes));
}

/// Sends what there is room for, cut as it falls; returns how much that was.
std::size_t WorldStream::transmit(std::string_view bytes) {
  if (peer_ == nullptr) {
    if (!is_doomed_) receive(Segment::Kind::reset, "");
    is_doomed_ = true;
    return bytes.size();
  }
  const WorldOptions& options = loop_.options_;
  if (options.room > 0) {
    bytes = bytes.substr(0, options.room - std::min(options.room, peer_->inbox_bytes_));
  }
  const std::size_t most =
      options.segment_bytes_max > 0 ? options.segment_bytes_max : read_bytes_max;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    if (loop_.draw(options.reset_probability)) {
      break_connection();
      return bytes.size();
    }
    std::size_t size = std::min(rest.size(), most);
    if (size > 1 && loop_.draw(options.cut_probability)) size = 1 + loop_.random_.below(size - 1);
    peer_->receive(Segment::Kind::data, rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return bytes.size();
}

void WorldStream::flush() {
  last_write_ = loop_.clock();
  pending_.erase(0, transmit(pending_));
  if (!pending_.empty()) return;
  if (is_shutting_down_) send_end();
  handler_->on_flushed();
}

void WorldStream::shut_down() {
  if (state_ == State::closed) return;
  is_shutting_down_ = true;
  if (pending_.empty()) send_end();
}

void WorldStream::send_end() {
  if (peer_ != nullptr && !has_sent_end_) peer_->receive(Segment::Kind::end, "");
  has_sent_end_ = true;
}

void WorldStream::abort() {
  if (state_ == State::closed) return;
  // A reset may overtake what has not arrived yet, or come after it; both happen.
  if (peer_ != nullptr && loop_.draw(0.5)) {
    while (!peer_->inbox_.empty() && peer_->inbox_.back().arrival > loop_.now()) {
      peer_->inbox_bytes_ -= peer_->inbox_.back().bytes.size();
      peer_->inbox_.pop_back();
    }
  }
  close(Segment::Kind::reset);
}

void WorldStream::retire() {
  // As with a socket that is closed with unread bytes: the peer hears a reset instead of an end.
  close(has_unread() ? Segment::Kind::reset : Segment::Kind::end);
  loop_.bury(std::unique_ptr<Stream>(this));
}

bool WorldStream::has_unread() const {
  return !inbox_.empty() && inbox_.front().kind == Segment::Kind::data &&
         inbox_.front().arrival <= loop_.now();
}

/// Nothing happens on this stream from here on; `last_word` is what the peer hears of it.
void WorldStream::close(Segment::Kind last_word) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  wake_.cancel();
  flush_.cancel();
  inbox_.clear();
  inbox_bytes_ = 0;
  if (peer_ == nullptr) return;
  if (last_word == Segment::Kind::reset || !has_sent_end_) peer_->receive(last_word, "");
  peer_->peer_ = nullptr;
  peer_ = nullptr;
}

/// The network gives up on the connection: both ends see a reset.
void WorldStream::break_connection() {
  WorldStream* other = peer_;
  peer_ = nullptr;
  other->peer_ = nullptr;
  receive(Segment::Kind::reset, "");
  other->receive(Segment::Kind::reset, "");
  is_doomed_ = other->is_doomed_ = true;
}

void WorldStream::receive(Segment::Kind kind, std::string_view bytes) {
  last_arrival_ = std::max(last_arrival_, loop_.present() + loop_.draw_delay());
  inbox_.push_back({kind, std::string(bytes), last_arrival_});
  inbox_bytes_ += bytes.size();
  if (state_ == State::open && !wake_.is_armed()) wake_for_next();
}

void WorldStream::wake_for_next() {
  if (inbox_.empty()) return;
  wake_.arm(std::max(loop_.now(), inbox_.front().arrival + loop_.draw_lag()));
}

void WorldStream::on_wake() {
  switch (state_) {
    case State::connecting:
      return finish_connecting();
    case State::awaiting_accept:
      return accept();
    case State::open:
      return read_once();
    case State::closed:
      return;
  }
}

void WorldStream::finish_connecting() {
  const auto listener = loop_.listeners_.find(port_);
  if (listener == loop_.listeners_.end() || loop_.draw(loop_.options_.refuse_probability)) {
    state_ = State::closed;
    handler_->on_closed({CloseReason::Kind::refused, "Connection refused"});
    return;
  }
  peer_ = new WorldStream(loop_, State::awaiting_accept, port_, nullptr);
  peer_->peer_ = this;
  listener->second->pending_.push_back(peer_);
  state_ = State::open;
  handler_->on_connected();
}

void WorldStream::accept() {
  WorldListener& listener = *loop_.listeners_.at(port_);
  std::erase(listener.pending_, this);
  state_ = State::open;
  handler_ = &listener.handler_.on_accept(StreamPtr(this));
  if (state_ == State::open) wake_for_next();
}

void WorldStream::read_once() {
  // What this wake-up was for may have been overtaken by a reset that is still on its way.
  if (inbox_.front().arrival > loop_.now()) return wake_for_next();
  if (inbox_.front().kind != Segment::Kind::data) {
    const bool is_end = inbox_.front().kind == Segment::Kind::end;
    close(Segment::Kind::end);
    handler_->on_closed(is_end ? CloseReason{CloseReason::Kind::end, ""}
                               : CloseReason{CloseReason::Kind::reset, "Connection reset by peer"});
    return;
  }
  std::string bytes;
  Receipt receipt;
  while (!inbox_.empty() && inbox_.front().kind == Segment::Kind::data &&
         inbox_.front().arrival <= loop_.now() &&
         bytes.size() + inbox_.front().bytes.size() <= read_bytes_max) {
    bytes += inbox_.front().bytes;
    receipt.arrived = inbox_.front().arrival;
    inbox_.pop_front();
  }
  inbox_bytes_ -= bytes.size();
  receipt.read = loop_.clock();
  const bool by_kernel = !loop_.draw(loop_.options_.unstamped_probability);
  receipt.stamps = by_kernel ? Stamps::socket : Stamps::read;
  if (!by_kernel) receipt.arrived = receipt.read;
  acknowledge();
  wake_for_next();
  handler_->on_bytes(bytes, receipt);
}

/// Tells a writer that waits for room that there is some.
void WorldStream::acknowledge() {
  if (peer_ == nullptr || peer_->pending_.empty() || peer_->flush_.is_armed()) return;
  peer_->flush_.arm(loop_.present() + loop_.draw_delay());
}

WorldLoop::WorldLoop(const WorldOptions& options)
    : options_(options), random_(options.seed, "world"), end_(world_start + options.time_max) {
  TACHO_ASSERT(options.delay_min <= options.delay_max);
  now_ = world_start;
}

WorldLoop::~WorldLoop() { graveyard_.clear(); }

Instant WorldLoop::clock() {
  ticked_ += options_.clock_tick;
  return present();
}

Duration WorldLoop::draw_delay() {
  const auto spread = (options_.delay_max - options_.delay_min).count();
  return options_.delay_min + Duration(random_.below(static_cast<std::uint64_t>(spread) + 1));
}

Duration WorldLoop::draw_lag() {
  return Duration(random_.below(static_cast<std::uint64_t>(options_.read_lag_max.count()) + 1));
}

bool WorldLoop::draw(double probability) {
  return probability > 0.0 && random_.uniform() < probability;
}

StreamPtr WorldLoop::connect(const Address& address, StreamHandler& handler, const Address*) {
  return StreamPtr(
      new WorldStream(*this, WorldStream::State::connecting, address.port(), &handler));
}

Result<std::unique_ptr<Listener>> WorldLoop::listen(const Address& address,
                                                    AcceptHandler& handler) {
  std::uint16_t port = address.port();
  if (listeners_.contains(port)) {
    return world_error(format("cannot listen on {}: Address already in use", address.text));
  }
  if (port == 0) port = first_free_port;
  while (listeners_.contains(port)) ++port;
  return std::unique_ptr<Listener>(new WorldListener(*this, port, handler));
}

void WorldLoop::run() {
  is_stopping_ = false;
  while (!is_stopping_ && !timers_.empty()) {
    // A timer that was armed for the past fires now; looking at the clock took its time.
    now_ = std::max(timers_.earliest(), present());
    ticked_ = Duration(0);
    if (draw(options_.stall_probability)) {
      now_ += Duration(random_.below(static_cast<std::uint64_t>(options_.stall_max.count()) + 1));
    }
    has_hung_ = now_ > end_;
    if (has_hung_) break;
    timers_.fire_due(now_);
    graveyard_.clear();
  }
  graveyard_.clear();
}

}  // namespace tacho
