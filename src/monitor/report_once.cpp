#include "monitor/report_once.h"

#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

/// A number with its unit, or N/A.
std::string shown(double value, std::string_view unit, double scale = 1.0, int digits = 0) {
  if (!std::isfinite(value)) return "N/A";
  return format("{:.{}f}{}", value * scale, digits, unit);
}

std::string percent(double ratio) { return shown(ratio, " %", 100.0); }

std::string gib(double bytes) { return shown(bytes, "", 1.0 / (1 << 30), 1); }

void device_line(const Subject& subject, std::string& out) {
  out += format(" {:<12}{:<24}", subject.id, cut_utf8(label(subject.labels, "model"), 23));
  if (!subject.trouble.empty()) {
    out += subject.trouble + "\n";
    return;
  }
  out += format("{:>8}{:>8}{:>8}  {:>15}  {:>6}{:>8}\n",
                percent(subject.value(quantity::device_utilization)),
                percent(subject.value(quantity::device_sm_active)),
                percent(subject.value(quantity::device_dram_active)),
                format("{} / {}", gib(subject.value(quantity::device_memory_used)),
                       gib(subject.value(quantity::device_memory_total))),
                shown(subject.value(quantity::device_temperature), " C"),
                shown(subject.value(quantity::device_power), " W"));
}

void engine_line(const Subject& subject, std::string& out) {
  const std::string who =
      format("{} {}", label(subject.labels, "engine"), label(subject.labels, "model"));
  out += format(" {:<28}{:<24}", subject.id, cut_utf8(trim(who), 23));
  if (!subject.trouble.empty()) {
    out += subject.trouble + "\n";
    return;
  }
  const HistogramReading* ttft = subject.histogram(quantity::engine_ttft);
  const HistogramReading* itl = subject.histogram(quantity::engine_itl);
  const auto mean = [](const HistogramReading* h) {
    return h != nullptr && h->count > 0.0 ? h->sum / h->count : std::nan("");
  };
  out +=
      format("{:>8}{:>9}{:>7}  {:>9}  {:>9}\n", shown(subject.value(quantity::engine_running), ""),
             shown(subject.value(quantity::engine_waiting), ""),
             percent(subject.value(quantity::engine_kv_usage)), shown(mean(ttft), " ms", 1e3, 1),
             shown(mean(itl), " ms", 1e3, 2));
}

void host_lines(const Subject& subject, std::string& out) {
  if (!subject.trouble.empty()) {
    out += format(" {}: {}\n", subject.id, subject.trouble);
    return;
  }
  const double total = subject.value(quantity::host_memory_total);
  const double used = total - subject.value(quantity::host_memory_available);
  out += format(" host {}: processors {} of {}, load {}, memory {} / {} GiB\n", subject.id,
                percent(subject.value(quantity::host_cpu)),
                shown(subject.value(quantity::host_cores), ""),
                shown(subject.value(quantity::host_load), "", 1.0, 2), gib(used), gib(total));
}

}  // namespace

std::string reading_text(const Snapshot& snapshot) {
  std::string devices, engines, hosts;
  for (const Subject& subject : snapshot.subjects) {
    if (subject.kind == SubjectKind::device) device_line(subject, devices);
    if (subject.kind == SubjectKind::engine) engine_line(subject, engines);
    if (subject.kind == SubjectKind::host) host_lines(subject, hosts);
  }
  std::string out;
  if (devices.empty()) {
    out += " no devices\n";
  } else {
    out += format(" {:<12}{:<24}{:>8}{:>8}{:>8}  {:>15}  {:>6}{:>8}\n", "device", "", "util", "SM",
                  "DRAM", "memory, GiB", "temp", "power");
    out += devices;
  }
  if (!engines.empty()) {
    out += format("\n {:<28}{:<24}{:>8}{:>9}{:>7}  {:>9}  {:>9}\n", "engine", "", "running",
                  "waiting", "KV", "TTFT mean", "ITL mean");
    out += engines;
  }
  return out + (hosts.empty() ? "" : "\n" + hosts);
}

}  // namespace tacho
