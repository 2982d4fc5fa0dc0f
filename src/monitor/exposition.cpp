#include "monitor/exposition.h"

#include <cmath>

#include "base/prometheus.h"
#include "base/text.h"

namespace tacho {
namespace {

/// A bound as OpenMetrics wants it: a whole number has its ".0".
std::string bound_text(double bound, bool is_openmetrics) {
  std::string text = format("{}", bound);
  if (is_openmetrics && text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string label_text(const Labels& first, const Labels& second, std::string_view le = {}) {
  std::string text;
  const auto add = [&](std::string_view name, std::string_view value) {
    text += format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped_label(value));
  };
  for (const auto& [name, value] : first) add(name, value);
  for (const auto& [name, value] : second) add(name, value);
  if (!le.empty()) add("le", le);
  return text.empty() ? text : "{" + text + "}";
}

/// All families of one page.
class Page {
 public:
  Page(const Snapshot& snapshot, bool is_openmetrics)
      : snapshot_(snapshot), is_openmetrics_(is_openmetrics) {}

  std::string text() {
    for (const Quantity* quantity : all_quantities()) family(*quantity);
    if (is_openmetrics_) out_ += "# EOF\n";
    return std::move(out_);
  }

 private:
  /// The readings of a family stand together, below one head.
  void family(const Quantity& quantity) {
    bool has_head = false;
    const auto head_once = [&] {
      if (!has_head) head(quantity);
      has_head = true;
    };
    for (const Subject& subject : snapshot_.subjects) {
      for (const Reading& reading : subject.readings) {
        if (reading.quantity != &quantity || !reading.missing.empty()) continue;
        head_once();
        line(quantity.name, label_text(subject.labels, reading.labels), reading.value);
      }
      for (const HistogramReading& reading : subject.histograms) {
        if (reading.quantity != &quantity) continue;
        head_once();
        histogram(subject, reading);
      }
    }
  }

  void head(const Quantity& quantity) {
    std::string_view name = quantity.name;
    // OpenMetrics names a counter's family without the ending.
    if (is_openmetrics_ && name.ends_with("_total")) name.remove_suffix(6);
    constexpr std::string_view types[] = {"gauge", "counter", "histogram"};
    out_ += format("# HELP {} {}\n# TYPE {} {}\n", name, quantity.help, name,
                   types[static_cast<int>(quantity.kind)]);
  }

  void histogram(const Subject& subject, const HistogramReading& reading) {
    const std::string bucket = std::string(reading.quantity->name) + "_bucket";
    for (std::size_t i = 0; i < reading.bounds.size(); ++i) {
      line(bucket,
           label_text(subject.labels, reading.labels,
                      bound_text(reading.bounds[i], is_openmetrics_)),
           reading.cumulative[i]);
    }
    line(bucket, label_text(subject.labels, reading.labels, "+Inf"), reading.count);
    const std::string labels = label_text(subject.labels, reading.labels);
    line(std::string(reading.quantity->name) + "_sum", labels, reading.sum);
    line(std::string(reading.quantity->name) + "_count", labels, reading.count);
  }

  void line(std::string_view name, const std::string& labels, double value) {
    out_ += format("{}{} {}\n", name, labels, value);
  }

  const Snapshot& snapshot_;
  bool is_openmetrics_;
  std::string out_;
};

}  // namespace

std::string labels_text(const Labels& labels) { return label_text(labels, {}); }

std::string metrics_page(const Snapshot& snapshot, bool is_openmetrics) {
  return Page(snapshot, is_openmetrics).text();
}

}  // namespace tacho
