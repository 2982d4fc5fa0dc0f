#include "monitor/live_situation.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

/// Sums and extremes over all subjects of one kind; what is NaN for a subject is left out.
class Gather {
 public:
  Gather(const History& history, const Snapshot& latest, SubjectKind kind, Duration window)
      : history_(history), window_(window) {
    for (const Subject& subject : latest.subjects) {
      if (subject.kind == kind) subjects_.push_back(&subject);
    }
  }
  bool empty() const { return subjects_.empty(); }
  const std::vector<const Subject*>& subjects() const { return subjects_; }

  template <typename Value>
  Known sum(const Value& value) const {
    Known total;
    each(value, [&](double v) { total = total.value_or(0.0) + v; });
    return total;
  }
  template <typename Value>
  Known mean(const Value& value) const {
    double total = 0.0, n = 0.0;
    each(value, [&](double v) { total += v, n += 1.0; });
    return n > 0.0 ? Known(total / n) : std::nullopt;
  }
  template <typename Value>
  Known most(const Value& value) const {
    Known greatest;
    each(value, [&](double v) { greatest = std::max(greatest.value_or(v), v); });
    return greatest;
  }
  template <typename Value>
  Known least(const Value& value) const {
    Known smallest;
    each(value, [&](double v) { smallest = std::min(smallest.value_or(v), v); });
    return smallest;
  }

  /// The mean of a gauge over the window, as a value for the functions above.
  auto mean_of(const Quantity& quantity, std::string_view which = {}) const {
    return [this, &quantity, which](const Subject& subject) {
      return history_.mean(subject, quantity, window_, which);
    };
  }
  auto increase_of(const Quantity& quantity) const {
    return [this, &quantity](const Subject& subject) {
      return history_.increase(subject, quantity, window_);
    };
  }

 private:
  template <typename Value, typename Take>
  void each(const Value& value, const Take& take) const {
    for (const Subject* subject : subjects_) {
      if (const double v = value(*subject); std::isfinite(v)) take(v);
    }
  }

  const History& history_;
  Duration window_;
  std::vector<const Subject*> subjects_;
};

/// The mean of what all engines counted within the window, milliseconds.
Known histogram_ms(const History& history, const Gather& engines, const Quantity& quantity,
                   Duration window) {
  double sum = 0.0, count = 0.0;
  for (const Subject* subject : engines.subjects()) {
    const auto gain = history.gain(*subject, quantity, window);
    if (gain) sum += gain->sum, count += gain->count;
  }
  return count > 0.0 ? Known(1e3 * sum / count) : std::nullopt;
}

EngineSide engine_side(const History& history, const Gather& engines, Duration window) {
  EngineSide side;
  side.running = engines.sum(engines.mean_of(quantity::engine_running));
  side.waiting = engines.sum(engines.mean_of(quantity::engine_waiting));
  const Known rise = engines.sum([&](const Subject& subject) {
    return history.change(subject, quantity::engine_waiting, window);
  });
  if (rise) side.waiting_growth_per_s = *rise / to_s(window);
  side.kv_usage = engines.mean(engines.mean_of(quantity::engine_kv_usage));
  side.kv_usage_max = engines.most([&](const Subject& subject) {
    return history.most(subject, quantity::engine_kv_usage, window);
  });
  side.ttft_ms = histogram_ms(history, engines, quantity::engine_ttft, window);
  side.queue_ms = histogram_ms(history, engines, quantity::engine_queue, window);
  side.tpot_ms = histogram_ms(history, engines, quantity::engine_tpot, window);
  side.restarts = engines.sum(engines.increase_of(quantity::engine_restarts));
  double requests = 0.0;
  for (const Subject* subject : engines.subjects()) {
    const auto gain = history.gain(*subject, quantity::engine_ttft, window);
    if (gain) requests += gain->count;
  }
  side.requests = requests;
  if (const Known n = engines.sum(engines.increase_of(quantity::engine_preemptions))) {
    side.preemptions_per_request = *n / std::max(1.0, requests);
  }
  const Known queries = engines.sum(engines.increase_of(quantity::engine_prefix_queries));
  const Known hits = engines.sum(engines.increase_of(quantity::engine_prefix_hits));
  if (queries && hits && *queries > 0.0) side.prefix_hit_share = *hits / *queries;
  const Known busiest = engines.most(engines.mean_of(quantity::engine_running));
  // Only of those that say how much they run: a replica that is down is no idle one.
  const Known mean = engines.mean(engines.mean_of(quantity::engine_running));
  const bool are_several = mean && *side.running > 1.5 * *mean;
  if (are_several && *mean >= 1.0) side.imbalance = *busiest / *mean;
  return side;
}

/// How often a fault held a device's clock down, and by what.
void add_throttling(const History& history, const Gather& devices, Duration window,
                    DeviceSide& side) {
  for (const Subject* device : devices.subjects()) {
    for (const Series* series : history.all(*device, quantity::device_throttled)) {
      if (series->labels.empty()) continue;
      const std::string_view reason = series->labels[0].second;
      if (!is_fault_throttling(reason)) continue;
      const double share = history.mean(*device, quantity::device_throttled, window, reason);
      if (!std::isfinite(share) || share <= side.throttled_share.value_or(-1.0)) continue;
      side.throttled_share = share;
      side.throttle_reasons = share > 0.0 ? std::string(reason) : "";
      side.throttled_device = share > 0.0 ? device->id : "";
    }
  }
}

DeviceSide device_side(const History& history, const Gather& devices, Duration window) {
  DeviceSide side;
  side.utilization = devices.mean(devices.mean_of(quantity::device_utilization));
  side.sm_active = devices.mean(devices.mean_of(quantity::device_sm_active));
  side.dram_active = devices.mean(devices.mean_of(quantity::device_dram_active));
  side.temperature_max = devices.most([&](const Subject& subject) {
    return history.most(subject, quantity::device_temperature, window);
  });
  side.clock_share = devices.least([&](const Subject& subject) {
    return history.mean(subject, quantity::device_clock, window, "sm") /
           history.mean(subject, quantity::device_clock_max, window, "sm");
  });
  const Known links = devices.sum(devices.mean_of(quantity::device_links));
  const Known active = devices.sum(devices.mean_of(quantity::device_links_active));
  if (links && active) side.links_down = *links - *active;
  side.faults = devices.sum(devices.increase_of(quantity::device_faults));
  add_throttling(history, devices, window, side);
  return side;
}

}  // namespace

Situation live_situation(const History& history, const Snapshot& latest, Duration window) {
  Situation s;
  s.where = format("the last {:.0f} s", to_s(window));
  s.seconds = to_s(window);
  const Gather engines(history, latest, SubjectKind::engine, window);
  const Gather devices(history, latest, SubjectKind::device, window);
  const Gather hosts(history, latest, SubjectKind::host, window);
  s.engine = engine_side(history, engines, window);
  s.device = device_side(history, devices, window);
  s.host.cpu = hosts.mean(hosts.mean_of(quantity::host_cpu));
  return s;
}

std::vector<Finding> live_findings(const History& history, const Snapshot& latest,
                                   Duration window) {
  constexpr std::size_t readings_min = 3;
  const bool has_enough =
      std::any_of(latest.subjects.begin(), latest.subjects.end(), [&](const Subject& subject) {
        const Quantity& quantity = subject.kind == SubjectKind::device
                                       ? quantity::device_utilization
                                       : quantity::engine_running;
        return history.count(subject, quantity, window) >= readings_min;
      });
  if (!has_enough) return {};
  return diagnose(live_situation(history, latest, window));
}

}  // namespace tacho
