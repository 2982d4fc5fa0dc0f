#include "load/stop.h"

#include <array>

#include "base/text.h"
#include "load/progress.h"

namespace tacho {

std::string_view stop_reason_name(StopReason reason) {
  constexpr std::array<std::string_view, 5> names{"count", "duration", "errors", "ci", "interrupt"};
  return names[static_cast<std::size_t>(reason)];
}

void CellStop::stop(StopReason reason) {
  int none = static_cast<int>(StopReason::count);
  reason_.compare_exchange_strong(none, static_cast<int>(reason), std::memory_order_acq_rel);
}

void CellStop::count(std::size_t worker, bool is_failure) {
  bump(counts_[worker].finished);
  if (is_failure) bump(counts_[worker].failed);
  if (limits_.errors_max == 0 && limits_.rate_max <= 0.0) return;
  const std::uint64_t all_failed = failed();
  if (limits_.errors_max > 0 && all_failed >= limits_.errors_max) stop(StopReason::errors);
  if (limits_.rate_max <= 0.0) return;
  const std::uint64_t all = finished();
  const double most = limits_.rate_max * static_cast<double>(all);
  if (all >= limits_.rate_window && static_cast<double>(all_failed) > most)
    stop(StopReason::errors);
}

std::uint64_t CellStop::finished() const {
  std::uint64_t sum = 0;
  for (const auto& count : counts_) sum += count.finished.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t CellStop::failed() const {
  std::uint64_t sum = 0;
  for (const auto& count : counts_) sum += count.failed.load(std::memory_order_relaxed);
  return sum;
}

std::string CellStop::errors_text() const {
  return format("{} of {} requests failed", failed(), finished());
}

}  // namespace tacho
