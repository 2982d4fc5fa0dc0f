// Further readings of a cell's distributions: percentiles in which failures count, how even the
// times are, and what one user sees; and of a run: how its closed loops scale.
#pragma once

#include <string>
#include <vector>

#include "report/summary.h"

namespace tacho {

/// Percentiles of a time over all requests due, the failed ones as infinitely late: the words of
/// an angry user. Keys as in a distribution; "inf" where a failure's turn comes. Null without any.
Json with_failures_json(const CellSummary& cell, Metric metric);

/// How even a time is: coefficient of variation, p99 ÷ p50, and how many of 1,000 requests took
/// over three times the median. Null without samples.
Json consistency_json(const Distribution& distribution);

/// Tokens a second as one user sees them come: 1 / tpot of each request.
Distribution user_speed(const CellSummary& cell);

/// How the closed-loop cells of one pair of lengths scale with their concurrency.
struct Scaling {
  /// One cell of them.
  struct Point {
    std::uint32_t concurrency = 0;
    double throughput_per_s = 0.0;  ///< Output tokens; requests where there are none.
    double efficiency = 0.0;        ///< Of `concurrency` times the smallest loop's, per stream.
  };
  std::string lengths;
  std::vector<Point> points;  ///< By concurrency; two at least.
  std::uint32_t knee = 0;     ///< Concurrency from which on more brings little; 0: none seen.
};

/// All of them.
std::vector<Scaling> scalings_of(const RunSummary& run);

/// For the summary of a run.
Json to_json(const std::vector<Scaling>& scalings);

}  // namespace tacho
