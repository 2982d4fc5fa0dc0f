// Was the load that was drawn the load that the server got? How many requests left when they were
// due, and whether the server kept up with them.
#pragma once

#include <cstddef>

#include "base/json.h"

namespace tacho {

struct CellSummary;

/// Counts of arrivals, against the schedule as it was drawn.
struct ArrivalCounts {
  std::size_t late = 0;     ///< Sent over 1 ms after they were due (connection set-up left out).
  std::size_t dropped = 0;  ///< Due, but never sent: no connection, or given up while it waited.
  bool is_judged = false;   ///< A schedule can be missed: an open loop with arrivals over time.
  std::size_t due_in_window = 0;
  std::size_t sent_in_window = 0;
  double window_s = 0.0;  ///< From the first due time to one mean gap after the last.
};

/// Counts them.
ArrivalCounts count_arrivals(const CellSummary& cell);

/// Whether requests pile up in an open loop of a constant rate.
struct QueueTrend {
  bool is_judged = false;
  bool grows = false;
  double from = 0.0, to = 0.0;  ///< In the system at both ends of the trend's line.
  double per_s = 0.0;           ///< Its slope.
  double p = 1.0;               ///< Mann and Kendall's.
  double window_s = 0.0;
};

/// Tests for it, over the arrivals' time without the start, in which any server fills.
QueueTrend queue_trend(const CellSummary& cell);

/// For the summary.
Json to_json(const ArrivalCounts& counts);
Json to_json(const QueueTrend& trend);

}  // namespace tacho
