// Writes the Prometheus text exposition format (version 0.0.4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

/// Cumulative counts below bounds, as Prometheus histograms have them.
struct BucketHistogram {
  explicit BucketHistogram(std::vector<double> upper_bounds)
      : bounds(std::move(upper_bounds)), counts(bounds.size(), 0) {}
  /// Adds one observation, in the unit of the bounds.
  void observe(double value);

  std::vector<double> bounds;  ///< Ascending, without infinity.
  std::vector<std::uint64_t> counts;
  std::uint64_t count = 0;
  double sum = 0.0;
};

/// Builds one page.
class PrometheusPage {
 public:
  /// Labels that every sample carries, such as `model_name="x"`.
  explicit PrometheusPage(std::string labels) : labels_(std::move(labels)) {}

  /// A family of one sample that may go up and down.
  void gauge(std::string_view name, std::string_view help, double value);
  /// A family that only grows; its name ends in _total.
  void counter(std::string_view name, std::string_view help, double value,
               std::string_view extra_labels = "");
  /// A further sample of the counter that was written last.
  void more(std::string_view name, double value, std::string_view extra_labels);
  /// A family of cumulative buckets with their count and sum.
  void histogram(std::string_view name, std::string_view help, const BucketHistogram& histogram);

  const std::string& text() const { return text_; }

 private:
  void head(std::string_view name, std::string_view help, std::string_view type);
  void sample(std::string_view name, std::string_view extra_labels, double value);
  std::string labels_;
  std::string text_;
};

}  // namespace tacho
