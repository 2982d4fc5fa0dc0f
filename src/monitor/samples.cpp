#include "monitor/samples.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace tacho {
namespace {

/// As far back as Prometheus takes a last value for the present one.
constexpr Duration lookback = std::chrono::minutes(5);
/// All samples are kept for this long, then one of each minute.
constexpr Duration recent_span = std::chrono::minutes(15);
constexpr Duration old_step = std::chrono::minutes(1);

std::string key_of(const Labels& labels) {
  std::string key;
  for (const auto& [name, value] : labels) {
    key += name;
    key += '\1';
    key += value;
    key += '\2';
  }
  return key;
}

Labels joined(const Labels& first, const Labels& second) {
  Labels labels = first;
  labels.insert(labels.end(), second.begin(), second.end());
  return labels;
}

}  // namespace

void SampleSeries::add(TimedValue sample, Duration keep) {
  recent_.push_back(sample);
  while (recent_.front().at < sample.at - recent_span) {
    const TimedValue& oldest = recent_.front();
    if (old_.empty() || oldest.at - old_.back().at >= old_step) old_.push_back(oldest);
    recent_.pop_front();
  }
  const Instant since = sample.at - std::max(keep, lookback) - old_step;
  while (!old_.empty() && old_.front().at < since) old_.pop_front();
  while (recent_.front().at < since) recent_.pop_front();
}

double SampleSeries::value_at(Instant at) const {
  for (const auto* samples : {&recent_, &old_}) {
    const auto after = std::upper_bound(samples->begin(), samples->end(), at,
                                        [](Instant t, const TimedValue& s) { return t < s.at; });
    if (after == samples->begin()) continue;
    const TimedValue& sample = *std::prev(after);
    return at - sample.at > lookback ? std::nan("") : sample.value;
  }
  return std::nan("");
}

std::vector<TimedValue> SampleSeries::between(Instant from, Instant to) const {
  std::vector<TimedValue> found;
  for (const auto* samples : {&old_, &recent_}) {
    auto at = std::lower_bound(samples->begin(), samples->end(), from,
                               [](const TimedValue& s, Instant t) { return s.at < t; });
    for (; at != samples->end() && at->at <= to; ++at) {
      if (!std::isnan(at->value)) found.push_back(*at);
    }
  }
  return found;
}

bool SampleSeries::has_ended() const { return recent_.empty() || std::isnan(recent_.back().value); }

Instant SampleSeries::last() const { return recent_.empty() ? never : recent_.back().at; }

void Samples::need(const std::vector<Need>& needs) {
  for (const Need& need : needs) {
    Duration& keep = families_[need.metric].keep;
    keep = std::max(keep, need.window);
  }
}

Samples::Family* Samples::family(std::string_view metric) {
  const auto found = families_.find(metric);
  return found != families_.end() ? &found->second : nullptr;
}

void Samples::put(Family& family, Labels labels, TimedValue sample) {
  std::sort(labels.begin(), labels.end());
  const auto [place, is_new] = family.index.try_emplace(key_of(labels), family.series.size());
  if (is_new) family.series.emplace_back(std::move(labels));
  family.series[place->second].add(sample, family.keep);
}

void Samples::add(std::string_view metric, Labels labels, TimedValue sample) {
  if (Family* known = family(metric)) put(*known, std::move(labels), sample);
}

void Samples::add_histogram(const Subject& subject, const HistogramReading& reading, Instant at) {
  const std::string name(reading.quantity->name);
  const Labels labels = joined(subject.labels, reading.labels);
  if (Family* buckets = family(name + "_bucket")) {
    for (std::size_t i = 0; i <= reading.bounds.size(); ++i) {
      const bool is_last = i == reading.bounds.size();
      Labels with_bound = labels;
      with_bound.emplace_back("le", is_last ? "+Inf" : format("{}", reading.bounds[i]));
      put(*buckets, std::move(with_bound), {at, is_last ? reading.count : reading.cumulative[i]});
    }
  }
  if (Family* sums = family(name + "_sum")) put(*sums, labels, {at, reading.sum});
  if (Family* counts = family(name + "_count")) put(*counts, labels, {at, reading.count});
}

void Samples::add(const Snapshot& snapshot) {
  for (const Subject& subject : snapshot.subjects) {
    for (const Reading& reading : subject.readings) {
      if (!reading.missing.empty() || !std::isfinite(reading.value)) continue;
      Family* known = family(reading.quantity->name);
      if (known == nullptr) continue;
      put(*known, joined(subject.labels, reading.labels), {snapshot.at, reading.value});
    }
    for (const HistogramReading& reading : subject.histograms) {
      add_histogram(subject, reading, snapshot.at);
    }
  }
  end_missing(snapshot.at);
}

void Samples::end_missing(Instant at) {
  for (auto& [name, family] : families_) {
    bool has_left = false;
    for (SampleSeries& series : family.series) {
      if (series.last() >= at) continue;
      if (!series.has_ended()) {
        series.add({at, std::numeric_limits<double>::quiet_NaN()}, family.keep);
      }
      // What ended before every window is of no use to any rule.
      if (at - series.last() > std::max(family.keep, lookback)) has_left = true;
    }
    if (!has_left) continue;
    std::erase_if(family.series, [&](const SampleSeries& series) {
      return at - series.last() > std::max(family.keep, lookback);
    });
    family.index.clear();
    for (std::size_t i = 0; i < family.series.size(); ++i) {
      family.index.emplace(key_of(family.series[i].labels()), i);
    }
  }
}

const std::vector<SampleSeries>& Samples::of(std::string_view metric) const {
  static const std::vector<SampleSeries> none;
  const auto found = families_.find(metric);
  return found != families_.end() ? found->second.series : none;
}

}  // namespace tacho
