// Reads the Prometheus text format and OpenMetrics, as exporters and engines write them, the
// careless ones too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/snapshot.h"

namespace tacho {

/// One line of a page.
struct MetricLine {
  std::string name;
  Labels labels;
  double value = 0.0;
  std::optional<double> timestamp;  ///< As written: milliseconds, or in OpenMetrics seconds.
};

/// What a page says.
struct MetricsText {
  std::vector<MetricLine> lines;
  std::size_t unreadable = 0;    ///< Lines that were none of the format.
  std::string first_unreadable;  ///< The first of them, cut to 80 bytes.

  /// The value of the first line of that name whose labels hold this one, if one is named.
  const MetricLine* find(std::string_view name, std::string_view label_name = {},
                         std::string_view label_value = {}) const;
};

/// Reads a page; what cannot be read is counted and left out.
MetricsText parse_metrics_text(std::string_view text);

}  // namespace tacho
