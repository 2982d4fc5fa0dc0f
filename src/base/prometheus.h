// Writes the Prometheus text exposition format (version 0.0.4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tacho {

/// Cumulative counts below bounds, as Prometheus histograms have them.
struct BucketHistogram {
  explicit BucketHistogram(std::vector<double> upper_bounds)
      : bounds(std::move(upper_bounds)), counts(bounds.size(), 0) {}
  /// Adds one observation, in the unit of the bounds.
  void observe(double value);
  /// Adds what another one of the same bounds has observed.
  void add(const BucketHistogram& other);

  std::vector<double> bounds;  ///< Ascending, without infinity.
  std::vector<std::uint64_t> counts;
  std::uint64_t count = 0;
  double sum = 0.0;
};

/// Names and values of labels, the values as they are.
using PrometheusLabels = std::vector<std::pair<std::string, std::string>>;

/// A label's value as the format and OpenMetrics have it: backslash, quote and line end escaped.
std::string escaped_label(std::string_view value);

/// One sample of a family that has several: what its labels add, and its value.
struct PrometheusSample {
  PrometheusLabels labels;
  double value = 0.0;
};

/// A histogram of a family that has several, and what its labels add.
struct PrometheusBuckets {
  PrometheusLabels labels;
  const BucketHistogram* histogram = nullptr;
};

/// How a page is written: the format leaves some room, and clients look at the text of `le`.
enum class PrometheusStyle {
  plain,   ///< Labels as they come; whole numbers without a point.
  python,  ///< As Python's client: labels sorted, 1.0, and a _created gauge beside each family.
};

/// Builds one page.
class PrometheusPage {
 public:
  /// Labels that every sample carries. `created_s` is what the _created gauges say, Unix time.
  explicit PrometheusPage(PrometheusLabels labels, PrometheusStyle style = PrometheusStyle::plain,
                          double created_s = 0.0)
      : labels_(std::move(labels)), style_(style), created_s_(created_s) {}

  /// A family of one sample that may go up and down.
  void gauge(std::string_view name, std::string_view help, double value);
  /// A family that only grows; its name ends in _total.
  void counter(std::string_view name, std::string_view help, double value);
  /// The same with a sample for each value of a label.
  void gauges(std::string_view name, std::string_view help,
              const std::vector<PrometheusSample>& samples);
  void counters(std::string_view name, std::string_view help,
                const std::vector<PrometheusSample>& samples);
  /// A family of cumulative buckets with their count and sum.
  void histogram(std::string_view name, std::string_view help, const BucketHistogram& histogram,
                 const PrometheusLabels& labels = {}) {
    histograms(name, help, {{labels, &histogram}});
  }
  /// The same with several histograms.
  void histograms(std::string_view name, std::string_view help,
                  const std::vector<PrometheusBuckets>& all);

  const std::string& text() const { return text_; }

 private:
  void head(std::string_view name, std::string_view help, std::string_view type);
  void sample(std::string_view name, const PrometheusLabels& labels, double value);
  void buckets(std::string_view name, const PrometheusBuckets& one);
  void created(std::string_view name, std::string_view help,
               const std::vector<PrometheusSample>& samples);
  std::string number(double value) const;

  PrometheusLabels labels_;
  PrometheusStyle style_;
  double created_s_;
  std::string text_;
};

}  // namespace tacho
