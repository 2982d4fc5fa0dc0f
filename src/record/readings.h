// What was read of devices, hosts and engines while a run lasted: readings.jsonl of the run
// directory, on the same clock as the journal. One line for each reading of one subject.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tacho {

/// One line: all that was read of one subject at once.
struct ReadingLine {
  Instant at = never;
  std::string kind;  ///< device, process, host, engine, canary or monitor.
  std::string id;
  std::string trouble;  ///< Why it could not be read; empty when it could.
  /// Canonical names, with the values of further labels behind them where there are any:
  /// "tacho_device_clock_hertz{sm}". Of histograms their `_sum` and `_count`.
  std::vector<std::pair<std::string, double>> values;
};

/// The file of a run directory.
std::string readings_path(const std::string& run_directory);

/// Appends the line with its end.
void append_reading_line(std::string& out, const ReadingLine& line);

/// One value over time.
struct ReadingPoint {
  Instant at = never;
  double value = 0.0;
};

/// One quantity of one subject over time, ascending.
struct ReadingSeries {
  std::string kind, id, name;
  std::vector<ReadingPoint> points;

  /// The points within two instants, ends included.
  std::vector<ReadingPoint> between(Instant from, Instant to) const;
  /// From the last point no later than `from` to the first no earlier than `to`, as far as there
  /// are any: what a counter needs.
  std::vector<ReadingPoint> around(Instant from, Instant to) const;
};

/// By how much a counter grew over these points; where it sank, its source began anew at zero.
double growth(const std::vector<ReadingPoint>& points);

/// The readings of a run.
struct Readings {
  std::vector<ReadingSeries> series;  ///< In the order in which they first came.
  std::size_t torn_lines = 0;
  std::vector<std::string> troubles;  ///< "engine http://…: why", each once.

  bool empty() const { return series.empty() && troubles.empty(); }
  /// All series of that kind of subject and that name, one for each subject.
  std::vector<const ReadingSeries*> of(std::string_view kind, std::string_view name) const;
};

/// Reads the file; none is no error and yields no readings. Lines that are cut or foreign are
/// counted and left out.
Result<Readings> read_readings(const std::string& path);

}  // namespace tacho
