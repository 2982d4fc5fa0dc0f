#include "base/prometheus.h"

#include <algorithm>

#include "base/text.h"

namespace tacho {

std::string escaped_label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

void BucketHistogram::observe(double value) {
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (value <= bounds[i]) ++counts[i];
  }
  ++count;
  sum += value;
}

void BucketHistogram::add(const BucketHistogram& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  count += other.count;
  sum += other.sum;
}

std::string PrometheusPage::number(double value) const {
  std::string text = format("{}", value);
  if (style_ == PrometheusStyle::python && text.find_first_of(".ein") == std::string::npos)
    text += ".0";
  return text;
}

void PrometheusPage::head(std::string_view name, std::string_view help, std::string_view type) {
  text_ += format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void PrometheusPage::sample(std::string_view name, const PrometheusLabels& labels, double value) {
  PrometheusLabels all = labels_;
  all.insert(all.end(), labels.begin(), labels.end());
  if (style_ == PrometheusStyle::python) std::sort(all.begin(), all.end());
  text_ += name;
  for (std::size_t i = 0; i < all.size(); ++i)
    text_ += format("{}{}=\"{}\"", i == 0 ? '{' : ',', all[i].first, escaped_label(all[i].second));
  if (!all.empty()) text_ += '}';
  text_ += format(" {}\n", number(value));
}

void PrometheusPage::created(std::string_view name, std::string_view help,
                             const std::vector<PrometheusSample>& samples) {
  if (style_ != PrometheusStyle::python) return;
  constexpr std::string_view suffix = "_total";
  const std::string_view stem =
      name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
  const std::string full = format("{}_created", stem);
  head(full, help, "gauge");
  for (const PrometheusSample& one : samples) sample(full, one.labels, created_s_);
}

void PrometheusPage::gauge(std::string_view name, std::string_view help, double value) {
  gauges(name, help, {{{}, value}});
}

void PrometheusPage::counter(std::string_view name, std::string_view help, double value) {
  counters(name, help, {{{}, value}});
}

void PrometheusPage::gauges(std::string_view name, std::string_view help,
                            const std::vector<PrometheusSample>& samples) {
  head(name, help, "gauge");
  for (const PrometheusSample& one : samples) sample(name, one.labels, one.value);
}

void PrometheusPage::counters(std::string_view name, std::string_view help,
                              const std::vector<PrometheusSample>& samples) {
  head(name, help, "counter");
  for (const PrometheusSample& one : samples) sample(name, one.labels, one.value);
  created(name, help, samples);
}

void PrometheusPage::buckets(std::string_view name, const PrometheusBuckets& one) {
  const BucketHistogram& histogram = *one.histogram;
  const std::string bucket = format("{}_bucket", name);
  const auto below = [&](std::string bound, std::uint64_t count) {
    PrometheusLabels all = one.labels;
    all.emplace_back("le", std::move(bound));
    sample(bucket, all, static_cast<double>(count));
  };
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i)
    below(number(histogram.bounds[i]), histogram.counts[i]);
  below("+Inf", histogram.count);
  sample(format("{}_count", name), one.labels, static_cast<double>(histogram.count));
  sample(format("{}_sum", name), one.labels, histogram.sum);
}

void PrometheusPage::histograms(std::string_view name, std::string_view help,
                                const std::vector<PrometheusBuckets>& all) {
  head(name, help, "histogram");
  for (const PrometheusBuckets& one : all) buckets(name, one);
  if (style_ != PrometheusStyle::python) return;
  const std::string full = format("{}_created", name);
  head(full, help, "gauge");
  for (const PrometheusBuckets& one : all) sample(full, one.labels, created_s_);
}

}  // namespace tacho
