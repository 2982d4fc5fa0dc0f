#include "cli/bench_monitor.h"

#include <algorithm>

#include "base/text.h"
#include "cli/bench_options.h"
#include "cli/bench_target.h"
#include "monitor/probes.h"
#include "record/readings.h"

namespace tacho {
namespace {

/// The name of a value: the quantity's, with the values of its further labels.
std::string value_name(std::string_view name, const Labels& labels) {
  std::string more;
  for (const auto& [key, value] : labels) more += (more.empty() ? "" : ",") + value;
  return more.empty() ? std::string(name) : format("{}{{{}}}", name, more);
}

ReadingLine line_of(const Subject& subject) {
  ReadingLine line;
  line.at = subject.at;
  line.kind = subject_kind_name(subject.kind);
  line.id = subject.id;
  line.trouble = subject.trouble;
  for (const Reading& reading : subject.readings) {
    if (!reading.missing.empty()) continue;
    line.values.emplace_back(value_name(reading.quantity->name, reading.labels), reading.value);
  }
  for (const HistogramReading& histogram : subject.histograms) {
    const std::string name(histogram.quantity->name);
    line.values.emplace_back(value_name(name + "_sum", histogram.labels), histogram.sum);
    line.values.emplace_back(value_name(name + "_count", histogram.labels), histogram.count);
  }
  return line;
}

}  // namespace

Result<std::unique_ptr<RunMonitor>> RunMonitor::start(const std::vector<std::string>& engines,
                                                      const std::string& run_directory,
                                                      Duration period) {
  WatchOptions options;
  options.engines = engines;
  auto probes = make_probes(options);
  if (!probes) return probes.error();
  auto file = AppendFile::open(readings_path(run_directory));
  if (!file) return file.error();
  return std::unique_ptr<RunMonitor>(new RunMonitor(std::move(*probes), std::move(*file), period));
}

RunMonitor::RunMonitor(std::vector<ProbePtr> probes, AppendFile file, Duration period)
    : period_(period), file_(std::move(file)), sampler_(std::move(probes), period) {
  thread_ = std::thread([this] { write_on(); });
}

RunMonitor::~RunMonitor() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

void RunMonitor::read_now() {
  sampler_.read_now(std::chrono::seconds(5));
  write_new(sampler_.latest());
}

std::string RunMonitor::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void RunMonitor::write_on() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    write_new(sampler_.latest());
    lock.lock();
    stopping_.wait_for(lock, period_ / 2, [this] { return is_stopping_; });
  }
}

void RunMonitor::write_new(const Snapshot& snapshot) {
  const std::lock_guard writing(writing_);
  std::string text;
  for (const Subject& subject : snapshot.subjects) {
    if (subject.kind == SubjectKind::monitor) continue;
    const std::string key = format("{} {}", subject_kind_name(subject.kind), subject.id);
    const auto known = std::find_if(written_.begin(), written_.end(),
                                    [&](const auto& entry) { return entry.first == key; });
    if (known != written_.end() && known->second == subject.at) continue;
    if (known != written_.end()) {
      known->second = subject.at;
    } else {
      written_.emplace_back(key, subject.at);
    }
    append_reading_line(text, line_of(subject));
  }
  if (text.empty()) return;
  if (const Status status = file_.append(text); !status) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = status.error().message;
  }
}

Result<std::unique_ptr<RunMonitor>> start_monitor(const BenchOptions& options,
                                                  const CheckedTarget& target,
                                                  const std::string& run_directory) {
  if (!options.is_monitored && options.server_metrics.empty()) {
    return std::unique_ptr<RunMonitor>();
  }
  std::vector<std::string> engines = options.server_metrics;
  if (engines.empty()) {
    for (const ServerPlace& place : target.servers) engines.push_back(place.origin);
  }
  return RunMonitor::start(engines, run_directory, from_s(options.monitor_interval_s));
}

}  // namespace tacho
