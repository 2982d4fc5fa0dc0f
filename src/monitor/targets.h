// Lists of what is to be watched, in the format of Prometheus' file and HTTP discovery:
// [{"targets": ["host:8000"], "labels": {"job": "vllm"}}].
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/snapshot.h"

namespace tacho {

/// One thing to watch.
struct WatchTarget {
  std::string url;  ///< Of its page of metrics.
  Labels labels;    ///< That its readings get, where they have none of that name.
  bool operator==(const WatchTarget&) const = default;
};

/// Reads a list, JSON or (a file that ends in .yml or .yaml) YAML. The labels __scheme__ and
/// __metrics_path__ say where the page is; other labels that begin with __ are left out. The error
/// names `what` and the place.
Result<std::vector<WatchTarget>> parse_targets(std::string_view text, std::string_view what);

}  // namespace tacho
