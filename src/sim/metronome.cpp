#include "sim/metronome.h"

#include <algorithm>

#include "base/assert.h"

namespace tacho {

Metronome::Metronome(Loop& loop, FixedTiming timing, EngineListener& listener)
    : loop_(loop), timing_(timing), listener_(listener), timer_(loop, [this] { emit_due(); }) {}

void Metronome::submit(Sequence& sequence, Instant received) {
  TACHO_ASSERT(sequence.output_tokens > 0);
  sequence.queued = sequence.scheduled = received;
  Instant when = received + timing_.ttft;
  // Requests that were read out of their order, by microseconds, keep the queue in its own.
  if (!first_.empty()) when = std::max(when, first_.back().when);
  first_.push_back({when, &sequence});
  ++running_;
  arm();
}

void Metronome::abort(Sequence& sequence) {
  for (auto* queue : {&first_, &later_}) {
    for (Beat& beat : *queue) {
      if (beat.sequence != &sequence) continue;
      beat.sequence = nullptr;
      --running_;
      return;
    }
  }
}

void Metronome::arm() {
  Instant next = Instant::max();
  if (!first_.empty()) next = first_.front().when;
  if (!later_.empty()) next = std::min(next, later_.front().when);
  if (next == Instant::max()) return;
  if (!timer_.is_armed() || timer_.when() != next) timer_.arm(next);
}

void Metronome::emit(std::deque<Beat>& queue) {
  const Beat beat = queue.front();
  queue.pop_front();
  if (beat.sequence == nullptr) return;
  Sequence& sequence = *beat.sequence;
  ++sequence.emitted;
  if (sequence.emitted < sequence.output_tokens) {
    // From when it was to be, not from when it was: a late token delays none after it.
    later_.push_back({beat.when + timing_.gap, &sequence});
  } else {
    --running_;
  }
  listener_.on_token(sequence, beat.when);
}

void Metronome::emit_due() {
  const Instant now = loop_.now();
  const auto is_due = [&](const std::deque<Beat>& queue) {
    return !queue.empty() && queue.front().when <= now;
  };
  while (is_due(first_) || is_due(later_)) {
    const bool is_first =
        is_due(first_) && (!is_due(later_) || first_.front().when <= later_.front().when);
    emit(is_first ? first_ : later_);
  }
  arm();
}

}  // namespace tacho
