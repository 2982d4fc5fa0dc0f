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

void PrometheusPage::family(std::string_view name, std::string_view help, std::string_view type) {
  text_ += format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void PrometheusPage::sample(std::string_view name, std::string_view labels, double value) {
  text_ += format("{}{{{}}} {}\n", name, labels, value);
}

void PrometheusPage::buckets(std::string_view name, std::string_view labels,
                             const BucketHistogram& histogram) {
  const std::string bucket = format("{}_bucket", name);
  const auto below = [&](std::string_view bound, std::uint64_t count) {
    sample(bucket, format("{},le=\"{}\"", labels, bound), static_cast<double>(count));
  };
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
    below(format("{}", histogram.bounds[i]), histogram.counts[i]);
  }
  below("+Inf", histogram.count);
  sample(format("{}_count", name), labels, static_cast<double>(histogram.count));
  sample(format("{}_sum", name), labels, histogram.sum);
}

}  // namespace tacho
