// When a cell stops before its list is through: the one thing, beside the user's stop flag, that
// all workers of a cell look at.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

/// Why a cell sent nothing more.
enum class StopReason : int {
  count,      ///< All that was planned has been sent.
  duration,   ///< Its time was up.
  errors,     ///< More requests failed than allowed.
  precision,  ///< What was asked for is known well enough.
  interrupt,  ///< The user, or a full disk.
};

/// The reason's name in run.json: count, duration, errors, ci or interrupt.
std::string_view stop_reason_name(StopReason reason);

/// How many failures a cell bears.
struct ErrorLimits {
  std::uint64_t errors_max = 0;  ///< Stop with the N-th failed request; 0: no limit.
  double rate_max = 0.0;  ///< Stop when a larger share of those finished has failed; 0: none.
  std::uint64_t rate_window = 20;  ///< The share says nothing before so many have finished.
};

/// Written by its own worker alone, read by all; on a cache line of its own.
struct alignas(64) FinishedCount {
  std::atomic<std::uint64_t> finished{0};
  std::atomic<std::uint64_t> failed{0};
};

/// Shared by the workers of one cell while it measures. No lock: a flag, and counters that have one
/// writer each.
class CellStop {
 public:
  CellStop(const ErrorLimits& limits, std::size_t workers) : limits_(limits), counts_(workers) {}

  /// True when nothing more is to be sent.
  bool is_stopped() const { return reason() != StopReason::count; }
  StopReason reason() const {
    return static_cast<StopReason>(reason_.load(std::memory_order_acquire));
  }
  /// Stops; the first reason stays.
  void stop(StopReason reason);
  /// Notes that one of that worker's requests has ended, and stops when too many have failed.
  void count(std::size_t worker, bool is_failure);
  /// Requests that have ended, and those of them that failed.
  std::uint64_t finished() const;
  std::uint64_t failed() const;
  /// "12 of 340 requests failed".
  std::string errors_text() const;

 private:
  ErrorLimits limits_;
  std::vector<FinishedCount> counts_;
  std::atomic<int> reason_{static_cast<int>(StopReason::count)};
};

}  // namespace tacho
