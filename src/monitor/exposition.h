// A snapshot as a page for Prometheus.
#pragma once

#include <string>

#include "monitor/snapshot.h"

namespace tacho {

/// Text format 0.0.4, or OpenMetrics 1.0. Values that are missing are not there; subjects that
/// could not be read have only what says so.
std::string metrics_page(const Snapshot& snapshot, bool is_openmetrics = false);

/// The labels as they stand behind a name: {a="b"}, or nothing.
std::string labels_text(const Labels& labels);

}  // namespace tacho
