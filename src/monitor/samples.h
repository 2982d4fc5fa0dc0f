// What rules look back at: the readings of every snapshot as flat series, named and labelled as on
// the exporter's page, so that an expression finds here what Prometheus would find there.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/expression.h"
#include "monitor/snapshot.h"

namespace tacho {

/// One value at a time. NaN marks that the series had ended by then.
struct TimedValue {
  Instant at = never;
  double value = 0.0;
};

/// The samples of one metric with one set of labels.
class SampleSeries {
 public:
  explicit SampleSeries(Labels labels) : labels_(std::move(labels)) {}

  /// Sorted by name, without the metric's.
  const Labels& labels() const { return labels_; }
  /// Adds one that is not older than the last, and forgets what is older than `keep`.
  void add(TimedValue sample, Duration keep);
  /// The last value at or before that time, unless it is older than five minutes or the series had
  /// ended; NaN then.
  double value_at(Instant at) const;
  /// All values within the closed interval, oldest first, without marks of an end.
  std::vector<TimedValue> between(Instant from, Instant to) const;
  /// True when the last that is known of it is that it ended, or nothing.
  bool has_ended() const;
  /// When it was last added to, or never.
  Instant last() const;

 private:
  Labels labels_;
  std::deque<TimedValue> old_;     ///< One a minute.
  std::deque<TimedValue> recent_;  ///< All of the last quarter of an hour.
};

/// The series of the metrics that are needed. Not for several threads.
class Samples {
 public:
  /// Keeps these metrics from here on, each as long as some expression looks back.
  void need(const std::vector<Need>& needs);

  /// Adds the readings of a snapshot, at its instant; series that are not in it have ended.
  void add(const Snapshot& snapshot);
  /// Adds one value by hand; `labels` in any order.
  void add(std::string_view metric, Labels labels, TimedValue sample);

  /// All series of that metric.
  const std::vector<SampleSeries>& of(std::string_view metric) const;

 private:
  struct Family {
    Duration keep{0};
    std::vector<SampleSeries> series;
    std::map<std::string, std::size_t> index;  ///< By the labels as one text.
  };
  Family* family(std::string_view metric);
  static void put(Family& family, Labels labels, TimedValue sample);
  void add_histogram(const Subject& subject, const HistogramReading& reading, Instant at);
  void end_missing(Instant at);

  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace tacho
