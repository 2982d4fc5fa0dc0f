#include "net/tap_timeline.h"

#include <algorithm>

namespace tacho {

void TapTimeline::begin(std::uint32_t first_byte) {
  has_begun_ = true;
  // Room below, so that a segment from before the first byte does not become a huge number.
  read_ = front_ = (std::uint64_t{1} << 32) + first_byte;
  pieces_.clear();
  early_.clear();
}

/// The 64-bit position nearest to the front that has these low 32 bits.
std::uint64_t TapTimeline::unwrap(std::uint32_t sequence) const {
  const auto distance = static_cast<std::int32_t>(sequence - static_cast<std::uint32_t>(front_));
  return front_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
}

void TapTimeline::advance(std::uint64_t end, Instant at) {
  front_ = end;
  if (front_ <= read_) return;  // Its bytes were read before its note was.
  if (!pieces_.empty() && pieces_.back().at == at) {
    pieces_.back().end = end;
  } else {
    pieces_.push_back({end, at});
  }
}

void TapTimeline::add(std::uint32_t sequence, std::uint32_t length, Instant at) {
  if (!has_begun_) begin(sequence);
  const std::uint64_t first = unwrap(sequence);
  const std::uint64_t end = first + length;
  if (end <= front_) {
    ++duplicates_;
    return;
  }
  if (first > front_) {
    early_.push_back({first, end});
    return;
  }
  advance(end, at);
  if (early_.empty()) return;
  // This segment closed a hole: what had come early can be read from now on.
  std::sort(early_.begin(), early_.end(),
            [](const Segment& a, const Segment& b) { return a.begin < b.begin; });
  std::size_t used = 0;
  while (used < early_.size() && early_[used].begin <= front_) {
    if (early_[used].end > front_) {
      advance(early_[used].end, at);
    } else {
      ++duplicates_;
    }
    ++used;
  }
  early_.erase(early_.begin(), early_.begin() + static_cast<std::ptrdiff_t>(used));
}

TapTimeline::Piece TapTimeline::take(std::size_t most) {
  while (!pieces_.empty() && pieces_.front().end <= read_) pieces_.pop_front();
  if (pieces_.empty() || most == 0) return {};
  const Mark mark = pieces_.front();
  const std::size_t bytes = std::min<std::size_t>(most, mark.end - read_);
  read_ += bytes;
  if (mark.end <= read_) pieces_.pop_front();
  return {bytes, mark.at};
}

Duration TapTimeline::mean_gap() const {
  if (pieces_.size() < 2) return std::chrono::hours(24 * 365);
  return (pieces_.back().at - pieces_.front().at) / static_cast<std::int64_t>(pieces_.size() - 1);
}

void TapTimeline::skip(std::size_t bytes) {
  read_ += bytes;
  front_ = std::max(front_, read_);
}

}  // namespace tacho
