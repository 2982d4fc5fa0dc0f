// What was read over the last minutes, so that a screen can draw it and a rule can judge it over a
// window: rates of counters, means and extremes of gauges, quantiles of an engine's histograms by
// the difference between two readings of them.
#pragma once

#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/snapshot.h"

namespace tacho {

/// The readings of one quantity of one subject, with one set of labels, oldest first.
struct Series {
  /// One reading.
  struct Point {
    Instant at = never;
    double value = 0.0;
  };
  const Quantity* quantity = nullptr;
  Labels labels;  ///< Beyond those of the subject.
  std::deque<Point> points;
};

/// The readings of one histogram of one subject, oldest first.
struct HistogramSeries {
  /// One reading: cumulative counts, as its source has them.
  struct Point {
    Instant at = never;
    std::vector<double> cumulative;
    double count = 0.0;
    double sum = 0.0;
  };
  const Quantity* quantity = nullptr;
  Labels labels;  ///< Beyond those of the subject.
  std::vector<double> bounds;
  std::deque<Point> points;
};

/// What a histogram gained in a window.
struct HistogramGain {
  std::vector<double> bounds;      ///< Ascending, without infinity.
  std::vector<double> cumulative;  ///< Of each bound.
  double count = 0.0;
  double sum = 0.0;

  /// The mean of what was counted, or NaN.
  double mean() const {
    return count > 0.0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
  }
};

/// A quantile that was read off a histogram: no better than its buckets are wide.
struct Quantile {
  double value = 0.0;  ///< Interpolated within its bucket; NaN when nothing was counted.
  double low = 0.0;    ///< The bounds of the bucket that it lies in.
  double high = 0.0;   ///< Infinity where it is above the last bound; `value` is that bound.
  double count = 0.0;  ///< How many values it stands on.
};

/// The `q`-quantile, 0 < q < 1, interpolated linearly within its bucket as Prometheus'
/// histogram_quantile does it.
Quantile histogram_quantile(const HistogramGain& gain, double q);

/// Keeps what was read for a while. Not for several threads.
///
/// Times are relative to the latest snapshot: a window of 30 s is the 30 s before it, and a series
/// that was not read in them says nothing (NaN) instead of its last value. Where a subject has
/// several series of a quantity (interfaces, sensors), `label_value` picks the one that has that
/// value of a label; "" means the first one, but for rates, which are summed over all of them.
class History {
 public:
  explicit History(Duration keep = std::chrono::minutes(10)) : keep_(keep) {}

  /// Adds what is new in the snapshot; subjects that were not read anew since are left as they
  /// are, so that it may be called more often than anything is read.
  void add(const Snapshot& snapshot);

  /// When the latest snapshot was taken; never before the first.
  Instant now() const { return now_; }

  /// Since when the subject has been seen (as far back as is kept), or never.
  Instant since(const Subject& subject) const;

  /// All series of that quantity.
  std::vector<const Series*> all(const Subject& subject, const Quantity& quantity) const;
  /// One of them, or null.
  const Series* find(const Subject& subject, const Quantity& quantity,
                     std::string_view label_value = {}) const;

  /// How many readings the window has; rules want at least some.
  std::size_t count(const Subject& subject, const Quantity& quantity, Duration window,
                    std::string_view label_value = {}) const;
  /// Of a gauge within the window; NaN when it was not read in it.
  double mean(const Subject& subject, const Quantity& quantity, Duration window,
              std::string_view label_value = {}) const;
  double least(const Subject& subject, const Quantity& quantity, Duration window,
               std::string_view label_value = {}) const;
  double most(const Subject& subject, const Quantity& quantity, Duration window,
              std::string_view label_value = {}) const;
  /// By how much a gauge changed within the window, last minus first; NaN with fewer than two.
  double change(const Subject& subject, const Quantity& quantity, Duration window,
                std::string_view label_value = {}) const;
  /// By how much a counter grew within the window. A counter that sank has begun anew at 0. NaN
  /// with fewer than two readings in the window.
  double increase(const Subject& subject, const Quantity& quantity, Duration window,
                  std::string_view label_value = {}) const;
  /// The same per second, between the first and the last reading in the window.
  double rate(const Subject& subject, const Quantity& quantity, Duration window,
              std::string_view label_value = {}) const;

  /// What the histogram gained between the first and the last reading in the window, or nothing
  /// where there are not two. One that sank, or has other bounds, has begun anew.
  std::optional<HistogramGain> gain(const Subject& subject, const Quantity& quantity,
                                    Duration window) const;
  /// A quantile of what was counted within the window; its value is NaN when nothing was.
  Quantile quantile(const Subject& subject, const Quantity& quantity, double q,
                    Duration window) const;

  /// The last `count` steps of a gauge for a graph, oldest first, each the mean of what was read in
  /// it; NaN where nothing was. Steps begin at whole multiples of `step`, so that a graph only
  /// ever moves by whole columns.
  std::vector<double> steps(const Subject& subject, const Quantity& quantity, Duration step,
                            std::size_t count, std::string_view label_value = {}) const;
  /// The same of a counter's rate per second, summed over its series where none is picked.
  std::vector<double> rate_steps(const Subject& subject, const Quantity& quantity, Duration step,
                                 std::size_t count, std::string_view label_value = {}) const;

 private:
  /// A subject and all that was read of it.
  struct Past {
    Instant first = never;
    Instant last = never;
    std::vector<Series> series;
    std::vector<HistogramSeries> histograms;
  };
  using Key = std::pair<SubjectKind, std::string>;

  void add_subject(const Subject& subject, Past& past) const;
  const Past* past(const Subject& subject) const;
  std::vector<double> values(const Subject& subject, const Quantity& quantity, Duration window,
                             std::string_view label_value) const;
  /// The series that a rate is summed over.
  std::vector<const Series*> counters(const Subject& subject, const Quantity& quantity,
                                      std::string_view label_value) const;

  Duration keep_;
  Instant now_ = never;
  std::map<Key, Past> pasts_;
};

}  // namespace tacho
