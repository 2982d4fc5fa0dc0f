#include "monitor/snapshot.h"

#include <algorithm>
#include <cmath>

namespace tacho {

std::string_view label(const Labels& labels, std::string_view name) {
  const auto found =
      std::find_if(labels.begin(), labels.end(), [&](const auto& l) { return l.first == name; });
  return found != labels.end() ? std::string_view(found->second) : std::string_view();
}

std::string_view subject_kind_name(SubjectKind kind) {
  switch (kind) {
    case SubjectKind::device:
      return "device";
    case SubjectKind::process:
      return "process";
    case SubjectKind::host:
      return "host";
    case SubjectKind::engine:
      return "engine";
    case SubjectKind::canary:
      return "canary";
    case SubjectKind::monitor:
      return "monitor";
  }
  return "";
}

void Subject::add(const Quantity& quantity, double value, Labels more) {
  readings.push_back({&quantity, std::move(more), value, {}});
}

void Subject::miss(const Quantity& quantity, std::string why, Labels more) {
  readings.push_back({&quantity, std::move(more), 0.0, std::move(why)});
}

const Reading* Subject::find(const Quantity& quantity, std::string_view label_value) const {
  for (const Reading& reading : readings) {
    if (reading.quantity != &quantity || !reading.missing.empty()) continue;
    if (label_value.empty()) return &reading;
    const auto has = [&](const auto& l) { return l.second == label_value; };
    if (std::any_of(reading.labels.begin(), reading.labels.end(), has)) return &reading;
  }
  return nullptr;
}

double Subject::value(const Quantity& quantity, std::string_view label_value) const {
  const Reading* reading = find(quantity, label_value);
  return reading != nullptr ? reading->value : std::nan("");
}

const HistogramReading* Subject::histogram(const Quantity& quantity) const {
  const auto found = std::find_if(histograms.begin(), histograms.end(),
                                  [&](const auto& h) { return h.quantity == &quantity; });
  return found != histograms.end() ? &*found : nullptr;
}

}  // namespace tacho
