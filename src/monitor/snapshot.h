// What was read of everything that is watched, at one time. A value that could not be read is kept
// with the reason: "not available" is an answer, 0 would be a wrong one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "monitor/quantity.h"

namespace tacho {

/// Names and values, in the order in which they are printed.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// The value of that label, or "".
std::string_view label(const Labels& labels, std::string_view name);

/// One reading of one quantity.
struct Reading {
  const Quantity* quantity = nullptr;
  Labels labels;  ///< Beyond those of the subject, such as {"domain", "sm"}.
  double value = 0.0;
  std::string missing;  ///< Why there is no value; empty when there is one.
};

/// One reading of a histogram: cumulative counts, as its source has them.
struct HistogramReading {
  const Quantity* quantity = nullptr;
  Labels labels;
  std::vector<double> bounds;      ///< Ascending, seconds, without infinity.
  std::vector<double> cumulative;  ///< Of each bound.
  double count = 0.0;
  double sum = 0.0;
};

/// What kind of thing is watched.
enum class SubjectKind { device, process, host, engine, canary, monitor };

/// The kind's name in JSON and on the screen.
std::string_view subject_kind_name(SubjectKind kind);

/// One thing that is watched, with all that was read of it at once.
struct Subject {
  SubjectKind kind = SubjectKind::host;
  std::string id;  ///< Unique within its kind, such as "nvidia:0" or "http://host:8000".
  Labels labels;   ///< Its identity; every reading carries them on a page.
  Instant at = never;
  std::string trouble;  ///< Why it could not be read at all; empty when it could.
  std::vector<Reading> readings;
  std::vector<HistogramReading> histograms;

  /// Adds a value.
  void add(const Quantity& quantity, double value, Labels more = {});
  /// Notes that a value could not be read.
  void miss(const Quantity& quantity, std::string why, Labels more = {});
  /// The reading of that metric, with that value of a label if one is named; null when there is
  /// none, or no value.
  const Reading* find(const Quantity& quantity, std::string_view label_value = {}) const;
  /// Its value, or NaN.
  double value(const Quantity& quantity, std::string_view label_value = {}) const;
  /// The histogram of that metric, or null.
  const HistogramReading* histogram(const Quantity& quantity) const;
};

/// Everything that is watched, as it was read last.
struct Snapshot {
  Instant at = never;
  std::int64_t wall_ns = 0;
  std::vector<Subject> subjects;
};

}  // namespace tacho
