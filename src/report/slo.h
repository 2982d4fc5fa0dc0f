// Does a bound that was asked for hold? Settled as MLPerf does, by the binomial bound on the number
// of requests that are over it.
#pragma once

#include <string>
#include <vector>

#include "record/cell_slo.h"
#include "stats/binomial_bound.h"

namespace tacho {

struct CellSummary;

/// One bound, judged.
struct SloVerdict {
  CellSlo slo;
  Bound bound = Bound::open;
  std::size_t n = 0;           ///< Requests that it stands on; failed ones are over every limit.
  std::size_t over = 0;        ///< Of them, those that do not meet it.
  std::size_t needs_more = 0;  ///< While open: requests still wanted, if none of them is over.

  /// One sentence: "p99 ttft_ms <= 200 holds at 99 % confidence (0 of 500 requests over)".
  std::string text() const;
};

/// Judges all bounds against a cell whose outcomes and goodput are counted.
std::vector<SloVerdict> judge_slos(const CellSummary& cell, const std::vector<CellSlo>& slos);

}  // namespace tacho
