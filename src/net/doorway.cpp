#include "net/doorway.h"

#include <algorithm>

namespace tacho {
namespace {

/// A client that has been hung up on has this long to end its own side.
constexpr Duration linger_max = std::chrono::seconds(2);
/// Of what comes in while nothing is read; the kernel would keep less.
constexpr std::size_t held_bytes_max = 64u << 20;

}  // namespace

/// A connection with a mishap: a stream to those above it, the handler of the one below.
class StruckStream final : public Stream, public StreamHandler {
 public:
  StruckStream(Doorway& door, const ConnectionMishap& mishap)
      : door_(door),
        mishap_(mishap),
        bytes_left_(mishap.after_bytes),
        timer_(door.loop_, [this] { on_timer(); }) {}

  void attach(StreamPtr inner) { inner_ = std::move(inner); }
  void wait() { timer_.arm(door_.loop_.now() + mishap_.wait); }

  /// Hands the connection on, and with it what has come in: to those who serve it comes only now.
  void admit(StreamPtr self) {
    handler_ = &door_.next_.on_accept(std::move(self));
    const std::string held = std::exchange(held_, "");
    const Instant now = door_.loop_.now();
    if (!held.empty()) on_bytes(held, {now, now, Stamps::read});
  }

  std::string_view application_protocol() const override { return inner_->application_protocol(); }
  bool is_flushed() const override { return inner_->is_flushed(); }
  Instant last_write() const override { return inner_->last_write(); }
  void shut_down() override { inner_->shut_down(); }
  void abort() override {
    timer_.cancel();
    inner_->abort();
  }
  void write(std::string_view bytes) override {
    if (is_over_) return;
    if (mishap_.end == ConnectionMishap::End::none) return inner_->write(bytes);
    const std::size_t size = std::min(bytes.size(), bytes_left_);
    bytes_left_ -= size;
    inner_->write(bytes.substr(0, size));
    if (bytes_left_ == 0) strike();
  }

  void on_connected() override {}
  void on_bytes(std::string_view bytes, const Receipt& receipt) override {
    if (is_over_ || is_retired_) return;
    if (handler_ == nullptr) {
      held_ += bytes;
      if (held_.size() > held_bytes_max) door_.take(*this).reset();
    } else if (mishap_.end != ConnectionMishap::End::none && bytes_left_ == 0) {
      strike();
    } else {
      handler_->on_bytes(bytes, receipt);
    }
  }
  void on_flushed() override {
    if (!is_over_) handler_->on_flushed();
  }
  void on_closed(const CloseReason& reason) override {
    timer_.cancel();
    if (handler_ == nullptr) return door_.take(*this).reset();
    handler_->on_closed(reason);
  }

 private:
  void retire() override {
    is_retired_ = true;
    timer_.cancel();
    inner_.reset();
    door_.loop_.bury(std::unique_ptr<Stream>(this));
  }

  /// Ends the connection; those above hear of it in a turn of their own.
  void strike() {
    is_over_ = true;
    const bool is_reset = mishap_.end == ConnectionMishap::End::reset;
    if (is_reset) {
      inner_->abort();
    } else {
      inner_->shut_down();
    }
    timer_.arm(door_.loop_.now() + (is_reset ? Duration(0) : linger_max));
  }

  void on_timer() {
    if (handler_ == nullptr) return admit(door_.take(*this));
    handler_->on_closed({CloseReason::Kind::reset, "a fault that was asked for"});
  }

  Doorway& door_;
  ConnectionMishap mishap_;
  std::size_t bytes_left_;
  StreamPtr inner_;
  StreamHandler* handler_ = nullptr;  ///< Null while nothing is read.
  std::string held_;                  ///< What has come in meanwhile.
  Timer timer_;                       ///< The end of the wait, or of the connection.
  bool is_over_ = false;
  bool is_retired_ = false;
};

Doorway::Doorway(Loop& loop, AcceptHandler& next, std::function<ConnectionMishap()> draw)
    : loop_(loop), next_(next), draw_(std::move(draw)) {}

Doorway::~Doorway() = default;

StreamHandler& Doorway::on_accept(StreamPtr stream) {
  const ConnectionMishap mishap = draw_();
  if (!mishap.is_any()) return next_.on_accept(std::move(stream));
  auto struck = std::make_unique<StruckStream>(*this, mishap);
  StruckStream& outer = *struck;
  outer.attach(std::move(stream));
  StreamPtr owned(struck.release());
  if (mishap.wait > Duration(0)) {
    waiting_.push_back(std::move(owned));
    outer.wait();
  } else {
    outer.admit(std::move(owned));
  }
  return outer;
}

StreamPtr Doorway::take(const Stream& stream) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const StreamPtr& waiting) {
    return waiting.get() == &stream;
  });
  if (found == waiting_.end()) return nullptr;
  StreamPtr taken = std::move(*found);
  waiting_.erase(found);
  return taken;
}

}  // namespace tacho
