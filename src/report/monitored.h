// What was read while a cell ran, folded: means and rates of the engine, devices and the host, and
// the situation that the rules judge.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "diagnosis/situation.h"
#include "record/readings.h"

namespace tacho {

struct CellSummary;
struct RunData;

/// One quantity of one subject over a cell.
struct MonitoredValue {
  std::string kind, id, name;
  std::size_t n = 0;  ///< Readings.
  double mean = 0.0, min = 0.0, max = 0.0;
  double per_s = 0.0;       ///< Of counters: growth a second.
  bool is_counter = false;  ///< Then mean, min and max say nothing.
};

/// Everything that was read within a cell's time.
struct Monitored {
  std::vector<MonitoredValue> values;
  double energy_j = 0.0;  ///< Of all devices; 0 when none says.
  bool empty() const { return values.empty(); }
};

/// When a cell's requests were under way: from the first due time to the last end.
struct CellTime {
  Instant from = never, to = never;
  double seconds() const { return happened(from) ? to_s(to - from) : 0.0; }
};
CellTime time_of(const CellSummary& cell);

/// The readings within the cell's time, folded.
Monitored monitored_of(const CellSummary& cell, const Readings& readings);

/// What is known of the cell from all sides; `lightest` is the cell to compare with, or null.
Situation situation_of(const CellSummary& cell, const RunData& data, const CellSummary* lightest);

/// One quantity on the time line of a cell.
struct ObservedLane {
  std::string key;  ///< engine_running, engine_waiting, kv_usage, device_utilization, device_power.
  std::vector<std::optional<double>> values;  ///< One for each time; none where nobody looked.
};

/// What was read at these times, `slice` apart, from `start` on: of several subjects requests and
/// watts are added up, shares averaged (and given in percent).
std::vector<ObservedLane> observed_lanes(const Readings& readings, Instant start, Duration slice,
                                         std::size_t slices);

/// For run.json: by kind and id of the subject, then by name.
Json to_json(const Monitored& monitored);

}  // namespace tacho
