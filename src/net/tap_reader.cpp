#include "net/tap_reader.h"

#include <sys/epoll.h>

#include <algorithm>

#include "net/tcp_stream.h"

namespace tacho {
namespace {

/// A segment that is noted and not there yet is there after so long, or soon after that; behind a
/// hole it may take longer, and is then waited for without haste.
constexpr Duration soon = std::chrono::microseconds(20);
constexpr int quick_sweeps_max = 20;
/// Each drain takes some 20 µs, most of it for what the bytes say.
constexpr int drains_per_step = 16;
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
    if (!was_waiting) waiting_.push_back(note.socket);
    if (note.is_urgent != 0) urgent_.push_back(note.socket);
  });
}

void TapReader::drain(TcpStream& stream, std::uint64_t socket) {
  if (stream.drain()) return;
  waiting_.push_back(socket);
  has_unfinished_ = true;
}

void TapReader::on_ready(std::uint32_t) {
  read_notes();
  if (!urgent_.empty()) step();
}

void TapReader::begin_sweep() {
  next_sweep_ = loop_.now() + hold_ / sweeps_per_hold;
  read_notes();
  batch_.clear();
  batch_.swap(waiting_);
  batch_next_ = 0;
}

void TapReader::step() {
  has_unfinished_ = false;
  int drains_left = drains_per_step;
  for (; !urgent_.empty() && drains_left > 0; --drains_left) {
    const std::uint64_t socket = urgent_.front();
    urgent_.pop_front();
    const auto found = streams_.find(socket);
    if (found != streams_.end()) drain(*found->second, socket);
  }
  if (batch_next_ >= batch_.size() && loop_.now() >= next_sweep_) begin_sweep();
  while (batch_next_ < batch_.size() && drains_left > 0) {
    const std::uint64_t socket = batch_[batch_next_++];
    const auto found = streams_.find(socket);
    if (found == streams_.end()) continue;
    TcpStream& stream = *found->second;
    if (stream.is_to_be_drained(loop_.now(), hold_)) {
      drain(stream, socket);
      --drains_left;
    } else if (stream.is_waiting()) {
      waiting_.push_back(socket);
    }
  }
  // A segment that is noted and not there yet is tried again soon, with the next sweep.
  quick_sweeps_ = has_unfinished_ ? quick_sweeps_ + 1 : 0;
  if (has_unfinished_ && quick_sweeps_ < quick_sweeps_max) {
    next_sweep_ = std::min(next_sweep_, loop_.clock() + soon);
  }
  const bool has_more = !urgent_.empty() || batch_next_ < batch_.size();
  next_step_ = has_more ? loop_.now() : next_sweep_;
}

TapCounts TapReader::counts() const {
  TapCounts counts = counts_;
  counts.lost = tap_->lost();
  for (const auto& [socket, stream] : streams_) counts.duplicates += stream->duplicates();
  return counts;
}

}  // namespace tacho
