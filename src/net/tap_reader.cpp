#include "net/tap_reader.h"

#include <sys/epoll.h>

#include <algorithm>

#include "net/tcp_stream.h"

namespace tacho {
namespace {

/// A segment that is noted and not there yet is there after so long, or soon after that; behind a
/// hole it may take longer, and is then waited for without haste.
constexpr Duration soon = std::chrono::microseconds(20);
constexpr int quick_steps_max = 20;
/// Each drain takes some 20 µs, most of it for what the bytes say.
constexpr int drains_per_step = 16;
/// In a dense stream bytes lie for a tenth of the time: see TcpStream::is_dense.
constexpr int dense_divisor = 10;
/// Sweeps within the time that bytes may lie unread.
constexpr int sweeps_per_hold = 20;
/// Above this share of segments sent twice, something disturbs the connections: perhaps our delayed
/// ACKs. New connections are then read eagerly.
constexpr double duplicate_share_max = 0.001;
constexpr std::uint64_t notes_to_judge = 1000;

}  // namespace

Result<std::unique_ptr<TapReader>> TapReader::create(EpollLoop& loop, Duration hold) {
  auto tap = Tap::create();
  if (!tap) return tap.error();
  return std::unique_ptr<TapReader>(new TapReader(loop, std::move(*tap), hold));
}

TapReader::TapReader(EpollLoop& loop, std::unique_ptr<Tap> tap, Duration hold)
    : loop_(loop), tap_(std::move(tap)), hold_(hold) {
  // Edge-triggered: notes that are not urgent make the ring readable too, and must not wake us.
  loop_.register_source(tap_->descriptor(), EPOLLIN | EPOLLET, *this);
  next_step_ = next_sweep_ = loop_.clock() + hold_ / sweeps_per_hold;
}

TapReader::~TapReader() { loop_.forget_source(tap_->descriptor()); }

std::uint64_t TapReader::attach(int descriptor) {
  const bool is_trusted =
      tap_->lost() == 0 && (counts_.notes < notes_to_judge ||
                            static_cast<double>(counts_.duplicates) <=
                                duplicate_share_max * static_cast<double>(counts_.notes));
  const std::uint64_t socket = is_trusted ? tap_->attach(descriptor) : 0;
  ++(socket != 0 ? counts_.tapped : counts_.untapped);
  return socket;
}

void TapReader::forget(std::uint64_t socket, std::uint64_t duplicates) {
  streams_.erase(socket);
  counts_.duplicates += duplicates;
}

void TapReader::read_notes() {
  tap_->read_notes([this](const TapNote& note) {
    const auto found = streams_.find(note.socket);
    if (found == streams_.end()) return;
    ++counts_.notes;
    const bool was_waiting = found->second->take_note(note);
    if (!was_waiting) young_.push_back({note.socket, note.at()});
    if (note.is_urgent != 0) urgent_.push_back(note.socket);
  });
}

/// The stream of that number if it has bytes to be read, else null.
TcpStream* TapReader::waiting(std::uint64_t socket) const {
  const auto found = streams_.find(socket);
  return found != streams_.end() && found->second->is_waiting() ? found->second : nullptr;
}

void TapReader::drain(TcpStream& stream, std::uint64_t socket) {
  if (!stream.drain()) unfinished_.push_back(socket);
  loop_.fire_meanwhile();
}

void TapReader::on_ready(std::uint32_t) {
  read_notes();
  if (!urgent_.empty()) step();
}

/// Drains streams that have waited long enough; what is left of the number.
int TapReader::sweep(int drains_left) {
  const Instant now = loop_.now();
  for (; drains_left > 0 && !young_.empty() && young_.front().since <= now - hold_ / dense_divisor;
       young_.pop_front()) {
    const Wait wait = young_.front();
    TcpStream* stream = waiting(wait.socket);
    if (stream == nullptr) continue;
    if (stream->is_dense()) {
      drain(*stream, wait.socket);
      --drains_left;
    } else {
      old_.push_back(wait);
    }
  }
  for (; drains_left > 0 && !old_.empty() && old_.front().since <= now - hold_; old_.pop_front()) {
    const std::uint64_t socket = old_.front().socket;
    TcpStream* stream = waiting(socket);
    if (stream == nullptr) continue;
    drain(*stream, socket);
    --drains_left;
  }
  return drains_left;
}

void TapReader::step() {
  urgent_.insert(urgent_.end(), unfinished_.begin(), unfinished_.end());
  unfinished_.clear();
  int drains_left = drains_per_step;
  for (; !urgent_.empty() && drains_left > 0; --drains_left) {
    const std::uint64_t socket = urgent_.front();
    urgent_.pop_front();
    if (TcpStream* stream = waiting(socket)) drain(*stream, socket);
  }
  if (loop_.now() >= next_sweep_) {
    read_notes();
    drains_left = sweep(drains_left);
    if (drains_left > 0) next_sweep_ = loop_.now() + hold_ / sweeps_per_hold;
  }
  const bool has_more = !urgent_.empty() || drains_left == 0;
  next_step_ = has_more ? loop_.now() : next_sweep_;
  // A segment that is noted and not there yet is tried again soon.
  quick_steps_ = unfinished_.empty() ? 0 : quick_steps_ + 1;
  if (!unfinished_.empty() && quick_steps_ < quick_steps_max) {
    next_step_ = std::min(next_step_, loop_.clock() + soon);
  }
}

TapCounts TapReader::counts() const {
  TapCounts counts = counts_;
  counts.lost = tap_->lost();
  for (const auto& [socket, stream] : streams_) counts.duplicates += stream->duplicates();
  return counts;
}

}  // namespace tacho
