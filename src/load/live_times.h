// Distributions that can be looked at while a cell runs: counts below bounds, written by one thread
// and read by another. The run's own report has the exact figures.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace tacho {

struct Record;
struct WorkerProgress;

/// The bounds, seconds; what people set as limits (20, 50, 100, 200, 500 ms) is among them.
inline constexpr std::array<double, 30> live_bounds_s{
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03,
    0.04,  0.05,  0.075, 0.1,   0.15,   0.2,  0.3,   0.5,  0.75,  1.0,
    1.5,   2.0,   3.0,   5.0,   7.5,    10.0, 20.0,  40.0, 80.0,  160.0};

/// Times counted below bounds; the last count is of those above all of them.
struct LiveTimes {
  /// How many lie above the bound before it and not above its own.
  std::array<std::atomic<std::uint64_t>, live_bounds_s.size() + 1> counts{};
  std::atomic<std::uint64_t> ns_sum{0};  ///< Of all of them.

  /// Counts one; only one thread may.
  void observe(Duration time);
};

/// Counts an exchange that has ended: its outcome and, where it ended well, its times. Warm-up does
/// not count.
void count_ended(WorkerProgress& progress, const Record& record);

}  // namespace tacho
