#include "base/prometheus.h"

#include "base/text.h"

namespace tacho {

void BucketHistogram::observe(double value) {
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (value <= bounds[i]) ++counts[i];
  }
  ++count;
  sum += value;
}

void PrometheusPage::head(std::string_view name, std::string_view help, std::string_view type) {
  text_ += format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void PrometheusPage::sample(std::string_view name, std::string_view extra_labels, double value) {
  const char* comma = !labels_.empty() && !extra_labels.empty() ? "," : "";
  text_ += format("{}{{{}{}{}}} {}\n", name, labels_, comma, extra_labels, value);
}

void PrometheusPage::gauge(std::string_view name, std::string_view help, double value) {
  head(name, help, "gauge");
  sample(name, "", value);
}

void PrometheusPage::counter(std::string_view name, std::string_view help, double value,
                             std::string_view extra_labels) {
  head(name, help, "counter");
  sample(name, extra_labels, value);
}

void PrometheusPage::more(std::string_view name, double value, std::string_view extra_labels) {
  sample(name, extra_labels, value);
}

void PrometheusPage::histogram(std::string_view name, std::string_view help,
                               const BucketHistogram& histogram) {
  head(name, help, "histogram");
  const std::string bucket = format("{}_bucket", name);
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
    sample(bucket, format("le=\"{}\"", histogram.bounds[i]),
           static_cast<double>(histogram.counts[i]));
  }
  sample(bucket, "le=\"+Inf\"", static_cast<double>(histogram.count));
  sample(format("{}_count", name), "", static_cast<double>(histogram.count));
  sample(format("{}_sum", name), "", histogram.sum);
}

}  // namespace tacho
