// A bound on a figure of a whole cell, such as "p99 of ttft_ms is at most 200": what a gate asks.
// (An Slo is a bound on each request, which goodput counts.)
#pragma once

#include <optional>
#include <string>

#include "base/json.h"

namespace tacho {

/// One bound. Each kind is the same question: is the share of bad requests at most `allowed()`?
struct CellSlo {
  enum class Kind {
    percentile,  ///< `percent` of all requests have a `metric` of at most `limit`.
    error_rate,  ///< At most a share of `limit` of all requests fails.
    goodput,     ///< At least a share of `limit` of all requests is good.
  };
  Kind kind = Kind::percentile;
  std::string metric;    ///< Of a percentile: the metric's key, such as ttft_ms.
  double percent = 0.0;  ///< Of a percentile: 99 for p99.
  double limit = 0.0;    ///< In the metric's unit, or a share.

  /// The share of requests that may be bad.
  double allowed() const;
};

/// The bound in words: "p99 ttft_ms <= 200".
std::string slo_text(const CellSlo& slo);
/// For run.json, and back; nothing for what is no bound.
Json to_json(const CellSlo& slo);
std::optional<CellSlo> cell_slo_from_json(const Json& json);

}  // namespace tacho
