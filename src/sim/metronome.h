// Tokens by the clock alone: a first one after a fixed time, then one after each fixed gap, every
// stream on an absolute schedule of its own, without a batch, a cache or a model. What an
// instrument is calibrated against: it costs next to nothing beyond the writes, so thousands of
// streams fit on one core, and what is true is known beforehand.
#pragma once

#include <deque>

#include "sim/engine.h"

namespace tacho {

/// When tokens come.
struct FixedTiming {
  Duration ttft{0};  ///< From the request's arrival to its first token.
  Duration gap{0};   ///< From each token to the next.
};

/// Lives on one loop; takes the engine's place.
class Metronome {
 public:
  Metronome(Loop& loop, FixedTiming timing, EngineListener& listener);

  /// Begins a sequence that had arrived at `received`; it must live until its last token or
  /// abort().
  void submit(Sequence& sequence, Instant received);
  /// Forgets a sequence whose client went away.
  void abort(Sequence& sequence);
  /// Sequences that have tokens to come.
  std::size_t running() const { return running_; }

 private:
  struct Beat {
    Instant when;
    Sequence* sequence;  ///< Null when it was aborted.
  };
  void emit_due();
  void emit(std::deque<Beat>& queue);
  void arm();

  Loop& loop_;
  FixedTiming timing_;
  EngineListener& listener_;
  Timer timer_;
  // Two queues in the order of time instead of a heap: as all gaps are the same, the token that
  // comes next is also the one whose successor comes first.
  std::deque<Beat> first_;
  std::deque<Beat> later_;
  std::size_t running_ = 0;
};

}  // namespace tacho
