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

/// Builds one page: a family, then its samples, then the next family.
class PrometheusPage {
 public:
  /// Begins a family: gauge, counter or histogram. A counter's name ends in _total.
  void family(std::string_view name, std::string_view help, std::string_view type);
  /// A sample of the family; labels such as `model_name="x"`.
  void sample(std::string_view name, std::string_view labels, double value);
  /// Cumulative buckets with their count and sum.
  void buckets(std::string_view name, std::string_view labels, const BucketHistogram& histogram);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace tacho
