#include "report/in_flight.h"

#include <algorithm>
#include <cmath>

namespace tacho {
namespace {

using Event = std::pair<Instant, int>;

/// Comings and goings of all requests that were sent and ended, in their order.
std::vector<Event> events_of(const std::vector<const Record*>& records) {
  std::vector<Event> events;
  for (const Record* record : records) {
    if (!happened(record->sent) || !happened(record->done)) continue;
    events.emplace_back(record->sent, 1);
    events.emplace_back(record->done, -1);
  }
  std::sort(events.begin(), events.end());
  return events;
}

}  // namespace

double mean_in_flight(const std::vector<const Record*>& records, Instant from, Instant to) {
  // By events, not by summing each request's time: the second way is Little's law itself, which
  // this is to check.
  double area = 0.0;
  int in_flight = 0;
  Instant previous = from;
  for (const auto& [at, change] : events_of(records)) {
    area += in_flight * to_s(at - previous);
    in_flight += change;
    previous = at;
  }
  return to > from ? area / to_s(to - from) : 0.0;
}

std::vector<double> in_system(const std::vector<const Record*>& records, Instant from, Instant to,
                              std::size_t slices) {
  std::vector<double> means(slices, 0.0);
  const double width = to_s(to - from) / static_cast<double>(slices);
  if (width <= 0.0) return means;
  for (const Record* record : records) {
    // One that never ended was there to the end.
    const double begin = std::max(0.0, to_s(record->due - from));
    const double end = happened(record->done) ? to_s(record->done - from) : to_s(to - from);
    const auto first = static_cast<std::size_t>(begin / width);
    for (std::size_t s = first; s < slices && static_cast<double>(s) * width < end; ++s) {
      const double low = std::max(begin, static_cast<double>(s) * width);
      const double high = std::min(end, static_cast<double>(s + 1) * width);
      means[s] += std::max(0.0, high - low) / width;
    }
  }
  return means;
}

std::optional<Plateau> plateau_of(const std::vector<const Record*>& records,
                                  std::uint32_t streams) {
  const auto events = events_of(records);
  int now = 0, most = 0;
  for (const auto& event : events) most = std::max(most, now += event.second);
  const double wanted = streams > 0 ? streams : most;
  Plateau plateau;
  plateau.level = std::max(1, static_cast<int>(std::ceil(0.95 * wanted)));
  if (most < plateau.level) return std::nullopt;
  now = 0;
  for (const auto& [at, change] : events) {
    const bool was_full = now >= plateau.level;
    now += change;
    if (now >= plateau.level && !happened(plateau.from)) plateau.from = at;
    if (was_full) plateau.to = at;
  }
  return plateau;
}

bool has_constant_rate(const Cell& cell) {
  return !cell.is_static && cell.request_rate && std::isfinite(*cell.request_rate) &&
         !cell.ramp_start_rate && cell.load.empty();
}

}  // namespace tacho
