#include "report/monitored.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/run_data.h"
#include "report/summary.h"

namespace tacho {
namespace {

constexpr double joule_epsilon = 1e-9;

bool is_counter_name(std::string_view name) {
  name = name.substr(0, name.find('{'));
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count");
}

/// One look at the readings of a stretch.
class Look {
 public:
  Look(const Readings& readings, CellTime time) : readings_(readings), time_(time) {}

  /// The mean of a gauge over the stretch, added up over subjects; nothing when nobody says.
  Known sum_of_means(std::string_view kind, std::string_view name) const {
    Known sum;
    for_each(kind, name, [&](const auto& points) { sum = sum.value_or(0.0) + mean(points); });
    return sum;
  }
  Known mean_of_means(std::string_view kind, std::string_view name) const {
    double sum = 0.0, n = 0.0;
    for_each(kind, name, [&](const auto& points) { sum += mean(points), n += 1.0; });
    return n > 0.0 ? Known(sum / n) : std::nullopt;
  }
  Known max_of_means(std::string_view kind, std::string_view name) const {
    Known most;
    for_each(kind, name,
             [&](const auto& points) { most = std::max(most.value_or(-1e300), mean(points)); });
    return most;
  }
  Known max(std::string_view kind, std::string_view name) const {
    Known most;
    for_each(kind, name, [&](const auto& points) {
      for (const ReadingPoint& p : points) most = std::max(most.value_or(-1e300), p.value);
    });
    return most;
  }
  /// How much counters grew, added up over subjects.
  Known growth_of(std::string_view kind, std::string_view name) const {
    Known sum;
    for (const ReadingSeries* series : readings_.of(kind, name)) {
      const auto points = series->around(time_.from, time_.to);
      if (points.size() > 1) sum = sum.value_or(0.0) + growth(points);
    }
    return sum;
  }
  /// The mean of what a histogram observed within the stretch, milliseconds.
  Known histogram_ms(std::string_view name) const {
    const Known count = growth_of("engine", format("{}_count", name));
    const Known sum = growth_of("engine", format("{}_sum", name));
    return count && sum && *count > 0.0 ? Known(1e3 * *sum / *count) : std::nullopt;
  }
  /// The last third's mean less the first's, per second.
  Known rise_per_s(std::string_view kind, std::string_view name) const {
    const Duration third = (time_.to - time_.from) / 3;
    Known rise;
    for (const ReadingSeries* series : readings_.of(kind, name)) {
      const auto first = series->between(time_.from, time_.from + third);
      const auto last = series->between(time_.to - third, time_.to);
      if (first.empty() || last.empty()) continue;
      rise = rise.value_or(0.0) + (mean(last) - mean(first)) / (to_s(third) * 2.0);
    }
    return rise;
  }
  /// The greatest of the means against the mean of all, with two subjects or more.
  Known imbalance(std::string_view kind, std::string_view name) const {
    double most = 0.0, sum = 0.0, n = 0.0;
    for_each(kind, name, [&](const auto& points) {
      most = std::max(most, mean(points));
      sum += mean(points), n += 1.0;
    });
    return n > 1.0 && sum >= n ? Known(most * n / sum) : std::nullopt;
  }

  template <typename Take>
  void for_each(std::string_view kind, std::string_view name, const Take& take) const {
    for (const ReadingSeries* series : readings_.of(kind, name)) {
      const auto points = series->between(time_.from, time_.to);
      if (!points.empty()) take(points);
    }
  }
  static double mean(const std::vector<ReadingPoint>& points) {
    double sum = 0.0;
    for (const ReadingPoint& p : points) sum += p.value;
    return sum / static_cast<double>(points.size());
  }

 private:
  const Readings& readings_;
  CellTime time_;
};

Known mean_of(const CellSummary& cell, Metric metric) {
  const Distribution& d = cell.of(metric);
  return d.empty() ? std::nullopt : Known(d.mean);
}

Known connect_ms(const CellSummary& cell) {
  std::vector<double> times;
  for (const Record* record : cell.records) {
    if (happened(record->dialled) && happened(record->connected)) {
      times.push_back(to_ms(record->connected - record->dialled));
    }
  }
  if (times.empty()) return std::nullopt;
  std::nth_element(times.begin(), times.begin() + static_cast<long>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

ClientSide client_side(const CellSummary& cell, const RunData& data) {
  ClientSide side;
  for (const std::string& reason : cell.verdict.reasons) {
    if (reason.starts_with("client-bound: ")) side.own_faults.push_back(reason.substr(14));
  }
  // An open loop with a cap waits for its slots by design.
  const bool is_capped = !cell.cell.is_static && cell.cell.concurrency.has_value();
  const Distribution& send_lag = cell.of(Metric::send_lag);
  if (!send_lag.empty() && !is_capped) side.late_ms = send_lag.percentile(99);
  side.ttft_ms = mean_of(cell, Metric::ttft);
  side.tpot_ms = mean_of(cell, Metric::tpot);
  side.connect_ms = connect_ms(cell);
  side.in_flight = cell.concurrency_mean;
  if (cell.cell.request_rate && std::isfinite(*cell.cell.request_rate)) {
    side.offered_per_s = *cell.cell.request_rate;
    side.done_per_s = cell.windows.headline().request_throughput_per_s;
  }
  side.queue_grows = cell.queue.grows;
  const Json& config = data.manifest.config;
  const std::string key = std::to_string(cell.cell.id);
  if (config.contains("repeated_prompt_share") && config["repeated_prompt_share"].contains(key)) {
    side.repeated_prompt_share = json_number(config["repeated_prompt_share"], key.c_str());
  }
  return side;
}

EngineSide engine_side(const Look& look) {
  EngineSide side;
  side.running = look.sum_of_means("engine", "tacho_engine_requests_running");
  side.waiting = look.sum_of_means("engine", "tacho_engine_requests_waiting");
  side.waiting_growth_per_s = look.rise_per_s("engine", "tacho_engine_requests_waiting");
  side.kv_usage = look.mean_of_means("engine", "tacho_engine_kv_usage_ratio");
  side.kv_usage_max = look.max("engine", "tacho_engine_kv_usage_ratio");
  side.ttft_ms = look.histogram_ms("tacho_engine_ttft_seconds");
  side.queue_ms = look.histogram_ms("tacho_engine_queue_seconds");
  side.tpot_ms = look.histogram_ms("tacho_engine_tpot_seconds");
  if (!side.tpot_ms) side.tpot_ms = look.histogram_ms("tacho_engine_itl_seconds");
  side.requests = look.growth_of("engine", "tacho_engine_ttft_seconds_count");
  side.restarts = look.growth_of("engine", "tacho_engine_restarts_total");
  side.imbalance = look.imbalance("engine", "tacho_engine_requests_running");
  const Known preemptions = look.growth_of("engine", "tacho_engine_preemptions_total");
  if (preemptions && side.requests) {
    side.preemptions_per_request = *preemptions / std::max(1.0, *side.requests);
  }
  const Known queries = look.growth_of("engine", "tacho_engine_prefix_query_tokens_total");
  const Known hits = look.growth_of("engine", "tacho_engine_prefix_hit_tokens_total");
  if (queries && hits && *queries > 0.0) side.prefix_hit_share = *hits / *queries;
  return side;
}

void add_throttling(const Readings& readings, CellTime time, DeviceSide& side) {
  constexpr std::string_view name = "tacho_device_throttled{";
  for (const ReadingSeries& series : readings.series) {
    if (series.kind != "device" || !series.name.starts_with(name)) continue;
    const auto points = series.between(time.from, time.to);
    if (points.empty()) continue;
    const std::string reason =
        series.name.substr(name.size(), series.name.size() - name.size() - 1);
    if (!is_fault_throttling(reason)) continue;
    const double share = Look::mean(points);
    if (share > side.throttled_share.value_or(-1.0)) {
      side.throttled_share = share;
      side.throttle_reasons = share > 0.0 ? reason : "";
      side.throttled_device = share > 0.0 ? series.id : "";
    }
  }
}

/// Of each device its clock against the highest.
Known least_clock_share(const Readings& readings, CellTime time) {
  Known least;
  for (const ReadingSeries* clock : readings.of("device", "tacho_device_clock_hertz{sm}")) {
    for (const ReadingSeries* most : readings.of("device", "tacho_device_clock_max_hertz{sm}")) {
      const auto now = clock->between(time.from, time.to), top = most->between(time.from, time.to);
      if (most->id != clock->id || now.empty() || top.empty()) continue;
      const double share = Look::mean(now) / Look::mean(top);
      least = std::min(least.value_or(share), share);
    }
  }
  return least;
}

DeviceSide device_side(const Look& look, const Readings& readings, CellTime time) {
  DeviceSide side;
  side.utilization = look.mean_of_means("device", "tacho_device_utilization_ratio");
  side.sm_active = look.mean_of_means("device", "tacho_device_sm_active_ratio");
  side.dram_active = look.mean_of_means("device", "tacho_device_dram_active_ratio");
  side.temperature_max = look.max("device", "tacho_device_temperature_celsius");
  side.clock_share = least_clock_share(readings, time);
  const Known links = look.sum_of_means("device", "tacho_device_links");
  const Known active = look.sum_of_means("device", "tacho_device_links_active");
  if (links && active) side.links_down = *links - *active;
  for (const ReadingSeries& series : readings.series) {
    if (series.kind != "device" || !series.name.starts_with("tacho_device_faults_total")) continue;
    side.faults = side.faults.value_or(0.0) + growth(series.around(time.from, time.to));
  }
  add_throttling(readings, time, side);
  return side;
}

HostSide host_side(const Look& look, const Readings& readings, CellTime time, double requests) {
  HostSide side;
  side.cpu = look.mean_of_means("host", "tacho_host_cpu_utilization_ratio");
  if (const Known s = look.growth_of("host", "tacho_host_cgroup_throttled_seconds_total")) {
    side.throttled_share = *s / std::max(1e-9, time.seconds());
  }
  if (const Known again = look.growth_of("host", "tacho_host_tcp_retransmits_total")) {
    side.retransmits_per_request = *again / std::max(1.0, requests);
  }
  for (const char* way : {"receive", "transmit"}) {
    const std::string name = format("tacho_host_network_{}_bytes_total{{", way);
    for (const ReadingSeries& series : readings.series) {
      if (series.kind != "host" || !series.name.starts_with(name)) continue;
      const std::string interface = series.name.substr(name.size());
      const Known speed =
          look.max("host", "tacho_host_network_speed_bytes_per_second{" + interface);
      if (!speed || *speed <= 0.0) continue;
      const double rate =
          growth(series.around(time.from, time.to)) / std::max(1e-9, time.seconds());
      side.network_share = std::max(side.network_share.value_or(0.0), rate / *speed);
    }
  }
  return side;
}

}  // namespace

CellTime time_of(const CellSummary& cell) {
  CellTime time;
  for (const Record* record : cell.records) {
    if (!happened(record->due)) continue;
    if (!happened(time.from) || record->due < time.from) time.from = record->due;
    const Instant end = happened(record->done) ? record->done : record->due;
    if (!happened(time.to) || end > time.to) time.to = end;
  }
  return time;
}

Monitored monitored_of(const CellSummary& cell, const Readings& readings) {
  Monitored monitored;
  const CellTime time = time_of(cell);
  if (!happened(time.from)) return monitored;
  for (const ReadingSeries& series : readings.series) {
    const bool counts = is_counter_name(series.name);
    const auto points =
        counts ? series.around(time.from, time.to) : series.between(time.from, time.to);
    if (points.empty()) continue;
    MonitoredValue value{series.kind, series.id, series.name, points.size(), 0, 0, 0, 0, false};
    value.is_counter = counts;
    if (value.is_counter) {
      const double seconds = to_s(points.back().at - points.front().at);
      value.per_s = seconds > 0.0 ? growth(points) / seconds : 0.0;
      if (series.name == "tacho_device_energy_joules_total") monitored.energy_j += growth(points);
    } else {
      value.mean = Look::mean(points);
      const auto by_value = [](const auto& a, const auto& b) { return a.value < b.value; };
      value.min = std::min_element(points.begin(), points.end(), by_value)->value;
      value.max = std::max_element(points.begin(), points.end(), by_value)->value;
    }
    monitored.values.push_back(std::move(value));
  }
  return monitored;
}

Situation situation_of(const CellSummary& cell, const RunData& data, const CellSummary* lightest) {
  Situation s;
  s.where = cell_label(cell.cell);
  const CellTime time = time_of(cell);
  s.client = client_side(cell, data);
  if (!happened(time.from)) return s;
  s.seconds = time.seconds();
  const Look look(data.readings, time);
  s.engine = engine_side(look);
  s.device = device_side(look, data.readings, time);
  s.host = host_side(look, data.readings, time, static_cast<double>(cell.completed));
  if (lightest != nullptr && lightest != &cell) {
    s.baseline.ttft_ms = mean_of(*lightest, Metric::ttft);
    s.baseline.tpot_ms = mean_of(*lightest, Metric::tpot);
  }
  return s;
}

namespace {

/// A lane of the time line and where it comes from.
struct LaneSource {
  const char* key;
  const char* kind;
  const char* name;
  bool is_share;
};

constexpr LaneSource lane_sources[] = {
    {"engine_running", "engine", "tacho_engine_requests_running", false},
    {"engine_waiting", "engine", "tacho_engine_requests_waiting", false},
    {"kv_usage", "engine", "tacho_engine_kv_usage_ratio", true},
    {"device_utilization", "device", "tacho_device_utilization_ratio", true},
    {"device_power", "device", "tacho_device_power_watts", false},
    {"host_cpu", "host", "tacho_host_cpu_utilization_ratio", true},
};

/// The latest point no later than `at`; none when it is older than `most`.
Known value_at(const ReadingSeries& series, Instant at, Duration most) {
  const auto after = std::upper_bound(series.points.begin(), series.points.end(), at,
                                      [](Instant t, const ReadingPoint& p) { return t < p.at; });
  if (after == series.points.begin() || at - (after - 1)->at > most) return std::nullopt;
  return (after - 1)->value;
}

/// A reading stands for three times the usual distance to the next one, no longer.
Duration lifetime(const ReadingSeries& series) {
  const auto n = static_cast<std::int64_t>(series.points.size());
  if (n < 2) return std::chrono::seconds(3);
  return 3 * (series.points.back().at - series.points.front().at) / (n - 1);
}

}  // namespace

std::vector<ObservedLane> observed_lanes(const Readings& readings, Instant start, Duration slice,
                                         std::size_t slices) {
  std::vector<ObservedLane> lanes;
  for (const LaneSource& source : lane_sources) {
    const auto all = readings.of(source.kind, source.name);
    ObservedLane lane{source.key, std::vector<std::optional<double>>(slices)};
    bool has_any = false;
    for (std::size_t s = 0; s < slices; ++s) {
      const Instant at = start + slice * static_cast<std::int64_t>(s) + slice / 2;
      double sum = 0.0, n = 0.0;
      for (const ReadingSeries* series : all) {
        if (const Known value = value_at(*series, at, lifetime(*series))) sum += *value, n += 1.0;
      }
      if (n == 0.0) continue;
      lane.values[s] = source.is_share ? 100.0 * sum / n : sum;
      has_any = true;
    }
    if (has_any) lanes.push_back(std::move(lane));
  }
  return lanes;
}

Json to_json(const Monitored& monitored) {
  if (monitored.empty()) return nullptr;
  Json json = Json::object();
  for (const MonitoredValue& value : monitored.values) {
    Json entry{{"n", value.n}};
    if (value.is_counter) {
      entry["per_s"] = value.per_s;
    } else {
      entry["mean"] = value.mean;
      entry["min"] = value.min;
      entry["max"] = value.max;
    }
    json[format("{} {}", value.kind, value.id)][value.name] = std::move(entry);
  }
  if (monitored.energy_j > joule_epsilon) json["energy_j"] = monitored.energy_j;
  return json;
}

}  // namespace tacho
