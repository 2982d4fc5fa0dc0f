// How many requests were under way, over time: the plateau of a closed loop, the queue of an open
// one.
#pragma once

#include <optional>
#include <vector>

#include "record/manifest.h"
#include "record/record.h"

namespace tacho {

/// Requests in flight over time: the mean between two instants, from each request's sent and done.
double mean_in_flight(const std::vector<const Record*>& records, Instant from, Instant to);

/// The means of equal slices between two instants, of requests that were due and not yet done:
/// those that wait to be sent count too.
std::vector<double> in_system(const std::vector<const Record*>& records, Instant from, Instant to,
                              std::size_t slices);

/// From when to when a closed loop was full.
struct Plateau {
  Instant from = never, to = never;
  int level = 0;  ///< In flight at the least.
};

/// The plateau: between the first and the last moment with at least 95 % of the wanted streams in
/// flight; `streams` 0 stands for the most that ever were. Nothing when they never were.
std::optional<Plateau> plateau_of(const std::vector<const Record*>& records, std::uint32_t streams);

/// True for an open loop of one constant mean rate: only there are a steady state and a stable
/// queue to be expected. (All at once, ramps, series and bursts are none.)
bool has_constant_rate(const Cell& cell);

}  // namespace tacho
