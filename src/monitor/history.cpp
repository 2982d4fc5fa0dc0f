#include "monitor/history.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tacho {
namespace {

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

/// By how much a counter grew from one reading to the next; one that sank began anew at 0.
double growth(double before, double after) { return after >= before ? after - before : after; }

bool has_label(const Labels& labels, std::string_view value) {
  return std::any_of(labels.begin(), labels.end(),
                     [&](const auto& l) { return l.second == value; });
}

/// The place of the reading's series. Readings come in the same order each time, so that the
/// series at the same index is nearly always the one.
template <class One, class Reading>
One& place(std::vector<One>& series, std::size_t hint, const Reading& reading) {
  const auto is_it = [&](const One& one) {
    return one.quantity == reading.quantity && one.labels == reading.labels;
  };
  if (hint < series.size() && is_it(series[hint])) return series[hint];
  const auto found = std::find_if(series.begin(), series.end(), is_it);
  if (found != series.end()) return *found;
  series.emplace_back();
  series.back().quantity = reading.quantity;
  series.back().labels = reading.labels;
  return series.back();
}

/// Drops what is older than `oldest`.
template <class Points>
void prune(Points& points, Instant oldest) {
  while (!points.empty() && points.front().at < oldest) points.pop_front();
}

/// Adds one step of a histogram's growth to `gain`.
void add_growth(const HistogramSeries::Point& before, const HistogramSeries::Point& after,
                HistogramGain& gain) {
  const bool is_new = after.count < before.count;
  for (std::size_t i = 0; i < gain.cumulative.size(); ++i) {
    gain.cumulative[i] +=
        is_new ? after.cumulative[i] : std::max(0.0, after.cumulative[i] - before.cumulative[i]);
  }
  gain.count += is_new ? after.count : after.count - before.count;
  gain.sum += is_new ? after.sum : after.sum - before.sum;
}

/// Steps of a graph that end with the one that `now` is in.
struct Steps {
  std::int64_t first = 0;  ///< Index of the oldest; a step's index is its begin over its length.
  std::int64_t length = 1;
  std::size_t count = 0;

  Steps(Instant now, Duration step, std::size_t how_many)
      : length(std::max<std::int64_t>(step.count(), 1)), count(how_many) {
    first = to_ns(now) / length - static_cast<std::int64_t>(count) + 1;
  }
  std::int64_t index(Instant at) const { return to_ns(at) / length - first; }
};

/// A step in which nothing was read has the value before it, if that is at most two steps old:
/// readings and steps are not in phase. Anything older is no value of this step.
void bridge(std::vector<double>& values) {
  const std::vector<double> read = values;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (!std::isnan(read[i])) continue;
    values[i] = read[i - 1];
    if (std::isnan(values[i]) && i > 1) values[i] = read[i - 2];
  }
}

/// Spreads a growth over the steps between two readings.
void spread(const Series::Point& before, const Series::Point& after, const Steps& steps,
            std::vector<double>& grown, std::vector<double>& covered) {
  const std::int64_t begin = to_ns(before.at), end = to_ns(after.at);
  if (end <= begin) return;
  const double per_ns = growth(before.value, after.value) / static_cast<double>(end - begin);
  const std::int64_t from = std::max<std::int64_t>(steps.index(before.at), 0);
  for (std::int64_t i = from; i < static_cast<std::int64_t>(steps.count); ++i) {
    const std::int64_t step_begin = (steps.first + i) * steps.length;
    const std::int64_t overlap =
        std::min(end, step_begin + steps.length) - std::max(begin, step_begin);
    if (overlap <= 0) break;
    const auto at = static_cast<std::size_t>(i);
    grown[at] += per_ns * static_cast<double>(overlap);
    covered[at] += static_cast<double>(overlap) / 1e9;
  }
}

}  // namespace

Quantile histogram_quantile(const HistogramGain& gain, double q) {
  Quantile result{not_known, 0.0, std::numeric_limits<double>::infinity(), gain.count};
  if (!(gain.count > 0.0) || gain.bounds.empty()) return result;
  const double rank = q * gain.count;
  double below = 0.0;
  for (std::size_t i = 0; i < gain.bounds.size(); ++i) {
    if (gain.cumulative[i] >= rank && gain.cumulative[i] > below) {
      result.low = i > 0 ? gain.bounds[i - 1] : std::min(0.0, gain.bounds[0]);
      result.high = gain.bounds[i];
      const double share = (rank - below) / (gain.cumulative[i] - below);
      result.value = result.low + share * (result.high - result.low);
      return result;
    }
    below = std::max(below, gain.cumulative[i]);
  }
  result.low = gain.bounds.back();
  result.value = gain.bounds.back();
  return result;
}

void History::add(const Snapshot& snapshot) {
  now_ = std::max(now_, snapshot.at);
  for (const Subject& subject : snapshot.subjects) {
    if (!happened(subject.at)) continue;
    Past& past = pasts_[{subject.kind, subject.id}];
    if (happened(past.last) && subject.at <= past.last) continue;
    if (!happened(past.first)) past.first = subject.at;
    past.last = subject.at;
    add_subject(subject, past);
  }
  std::erase_if(pasts_, [&](const auto& item) { return item.second.last < now_ - keep_; });
}

void History::add_subject(const Subject& subject, Past& past) const {
  const Instant oldest = subject.at - keep_;
  for (std::size_t i = 0; i < subject.readings.size(); ++i) {
    const Reading& reading = subject.readings[i];
    Series& series = place(past.series, i, reading);
    // A value that is missing leaves a gap, and the series its place.
    if (reading.missing.empty() && std::isfinite(reading.value)) {
      series.points.push_back({subject.at, reading.value});
    }
    prune(series.points, oldest);
  }
  for (std::size_t i = 0; i < subject.histograms.size(); ++i) {
    const HistogramReading& reading = subject.histograms[i];
    HistogramSeries& series = place(past.histograms, i, reading);
    if (series.bounds != reading.bounds) {
      series.bounds = reading.bounds;
      series.points.clear();
    }
    series.points.push_back({subject.at, reading.cumulative, reading.count, reading.sum});
    prune(series.points, oldest);
  }
}

const History::Past* History::past(const Subject& subject) const {
  const auto found = pasts_.find({subject.kind, subject.id});
  return found != pasts_.end() ? &found->second : nullptr;
}

Instant History::since(const Subject& subject) const {
  const Past* of = past(subject);
  return of != nullptr ? of->first : never;
}

std::vector<const Series*> History::all(const Subject& subject, const Quantity& quantity) const {
  std::vector<const Series*> found;
  const Past* of = past(subject);
  if (of == nullptr) return found;
  for (const Series& series : of->series) {
    if (series.quantity == &quantity) found.push_back(&series);
  }
  return found;
}

const Series* History::find(const Subject& subject, const Quantity& quantity,
                            std::string_view label_value) const {
  for (const Series* series : all(subject, quantity)) {
    if (label_value.empty() || has_label(series->labels, label_value)) return series;
  }
  return nullptr;
}

std::vector<double> History::values(const Subject& subject, const Quantity& quantity,
                                    Duration window, std::string_view label_value) const {
  std::vector<double> values;
  const Series* series = find(subject, quantity, label_value);
  if (series == nullptr) return values;
  for (const Series::Point& point : series->points) {
    if (point.at >= now_ - window) values.push_back(point.value);
  }
  return values;
}

std::size_t History::count(const Subject& subject, const Quantity& quantity, Duration window,
                           std::string_view label_value) const {
  return values(subject, quantity, window, label_value).size();
}

double History::mean(const Subject& subject, const Quantity& quantity, Duration window,
                     std::string_view label_value) const {
  const auto of = values(subject, quantity, window, label_value);
  if (of.empty()) return not_known;
  return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size());
}

double History::least(const Subject& subject, const Quantity& quantity, Duration window,
                      std::string_view label_value) const {
  const auto of = values(subject, quantity, window, label_value);
  return of.empty() ? not_known : *std::min_element(of.begin(), of.end());
}

double History::most(const Subject& subject, const Quantity& quantity, Duration window,
                     std::string_view label_value) const {
  const auto of = values(subject, quantity, window, label_value);
  return of.empty() ? not_known : *std::max_element(of.begin(), of.end());
}

double History::change(const Subject& subject, const Quantity& quantity, Duration window,
                       std::string_view label_value) const {
  const auto of = values(subject, quantity, window, label_value);
  return of.size() < 2 ? not_known : of.back() - of.front();
}

std::vector<const Series*> History::counters(const Subject& subject, const Quantity& quantity,
                                             std::string_view label_value) const {
  auto found = all(subject, quantity);
  if (!label_value.empty()) {
    std::erase_if(found, [&](const Series* s) { return !has_label(s->labels, label_value); });
  }
  return found;
}

namespace {

/// What a counter gained within a window, and the time between its first and last reading there.
struct Increase {
  double value = not_known;
  double seconds = not_known;
};

Increase increase_of(const Series& series, Instant from) {
  Increase result;
  const Series::Point* first = nullptr;
  const Series::Point* before = nullptr;
  for (const Series::Point& point : series.points) {
    if (point.at < from) continue;
    if (before != nullptr) {
      result.value = (before == first ? 0.0 : result.value) + growth(before->value, point.value);
      result.seconds = to_s(point.at - first->at);
    } else {
      first = &point;
    }
    before = &point;
  }
  return result;
}

}  // namespace

double History::increase(const Subject& subject, const Quantity& quantity, Duration window,
                         std::string_view label_value) const {
  double sum = not_known;
  for (const Series* series : counters(subject, quantity, label_value)) {
    const Increase one = increase_of(*series, now_ - window);
    if (!std::isnan(one.value)) sum = (std::isnan(sum) ? 0.0 : sum) + one.value;
  }
  return sum;
}

double History::rate(const Subject& subject, const Quantity& quantity, Duration window,
                     std::string_view label_value) const {
  double sum = not_known;
  for (const Series* series : counters(subject, quantity, label_value)) {
    const Increase one = increase_of(*series, now_ - window);
    if (one.seconds > 0.0) sum = (std::isnan(sum) ? 0.0 : sum) + one.value / one.seconds;
  }
  return sum;
}

std::optional<HistogramGain> History::gain(const Subject& subject, const Quantity& quantity,
                                           Duration window) const {
  const Past* of = past(subject);
  if (of == nullptr) return std::nullopt;
  const auto series =
      std::find_if(of->histograms.begin(), of->histograms.end(),
                   [&](const HistogramSeries& one) { return one.quantity == &quantity; });
  if (series == of->histograms.end()) return std::nullopt;
  HistogramGain gain{series->bounds, std::vector<double>(series->bounds.size()), 0.0, 0.0};
  const HistogramSeries::Point* before = nullptr;
  std::size_t readings = 0;
  for (const HistogramSeries::Point& point : series->points) {
    if (point.at < now_ - window) continue;
    if (before != nullptr) add_growth(*before, point, gain);
    before = &point;
    ++readings;
  }
  if (readings < 2) return std::nullopt;
  return gain;
}

Quantile History::quantile(const Subject& subject, const Quantity& quantity, double q,
                           Duration window) const {
  return histogram_quantile(gain(subject, quantity, window).value_or(HistogramGain{}), q);
}

std::vector<double> History::steps(const Subject& subject, const Quantity& quantity, Duration step,
                                   std::size_t count, std::string_view label_value) const {
  std::vector<double> values(count, not_known);
  const Series* series = find(subject, quantity, label_value);
  if (series == nullptr || count == 0) return values;
  const Steps grid(now_, step, count);
  std::vector<double> readings(count, 0.0);
  for (const Series::Point& point : series->points) {
    const std::int64_t index = grid.index(point.at);
    if (index < 0 || index >= static_cast<std::int64_t>(count)) continue;
    const auto at = static_cast<std::size_t>(index);
    values[at] = (std::isnan(values[at]) ? 0.0 : values[at]) + point.value;
    readings[at] += 1.0;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (readings[i] > 0.0) values[i] /= readings[i];
  }
  bridge(values);
  return values;
}

std::vector<double> History::rate_steps(const Subject& subject, const Quantity& quantity,
                                        Duration step, std::size_t count,
                                        std::string_view label_value) const {
  std::vector<double> sum(count, not_known);
  if (count == 0) return sum;
  const Steps grid(now_, step, count);
  for (const Series* series : counters(subject, quantity, label_value)) {
    std::vector<double> grown(count, 0.0), covered(count, 0.0);
    for (std::size_t i = 1; i < series->points.size(); ++i) {
      spread(series->points[i - 1], series->points[i], grid, grown, covered);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (covered[i] <= 0.0) continue;
      sum[i] = (std::isnan(sum[i]) ? 0.0 : sum[i]) + grown[i] / covered[i];
    }
  }
  bridge(sum);
  return sum;
}

}  // namespace tacho
