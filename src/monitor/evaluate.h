// Judges expressions over samples as Prometheus does: instant values, rates with its extrapolation,
// quantiles of histograms, matching by labels.
#pragma once

#include "monitor/samples.h"

namespace tacho {

/// One element of a result.
struct Element {
  Labels labels;  ///< Sorted by name; the metric's own name is not among them.
  double value = 0.0;
};

/// A result: a number, or elements with labels.
struct Evaluated {
  bool is_number = false;
  double number = 0.0;
  std::vector<Element> elements;
};

/// The value at that time. Errors are those of a rule, such as several elements on one side that
/// match one on the other.
Result<Evaluated> evaluate(const Expression& expression, const Samples& samples, Instant at);

/// The q-quantile of cumulative buckets (upper bound, count), the last of which is infinite, by
/// linear interpolation within its bucket; NaN when nothing was counted.
double bucket_quantile(double q, std::vector<std::pair<double, double>> buckets);

}  // namespace tacho
