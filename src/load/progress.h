// What a worker lets the display see while it runs: a few counters, written by one thread and read
// by another.
#pragma once

#include <atomic>
#include <cstdint>

#include "load/live_times.h"
#include "record/record.h"

namespace tacho {

/// Counters of one worker. Relaxed atomics: each figure is right, but two of them need not be of
/// the same instant.
struct WorkerProgress {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> completed{0};
  std::atomic<std::uint64_t> failed{0};     ///< And were not tried again.
  std::atomic<std::uint64_t> retried{0};    ///< Failed tries that another one follows.
  std::atomic<std::uint64_t> cancelled{0};  ///< Given up by plan.
  std::atomic<std::uint64_t> chunks{0};
  std::atomic<std::uint64_t> in_flight{0};
  std::atomic<std::uint64_t> ttft_ns_sum{0};  ///< Over exchanges that have had their first token.
  std::atomic<std::uint64_t> ttft_count{0};
  std::atomic<bool> is_warming_up{false};
  std::array<std::atomic<std::uint64_t>, outcome_count> outcomes{};  ///< Measured ones that ended.
  std::atomic<std::uint64_t> output_tokens{0};                       ///< Of those that ended well.
  LiveTimes ttft, tpot, e2e;                                         ///< Likewise.
};

/// Adds to a counter that only this thread writes: no locked instruction needed.
inline void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

/// Takes from a counter that only this thread writes.
inline void drop(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

}  // namespace tacho
