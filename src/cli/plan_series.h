// Rates over time and think times, as people write them: on the command line, or in a file.
#pragma once

#include <string>

#include "base/result.h"
#include "workload/rate_series.h"
#include "workload/think_time.h"

namespace tacho {

/// "10:60s,50:30s,10:60s", or the path of a .json or .csv file (see docs/bench.md).
Result<RateSeries> parse_rate_series(const std::string& text);

/// The same, of a file's content. JSON: {"points": [{"time_s", "qps"}, …]}, between which the rate
/// goes in straight lines, or [{"rate", "duration_s"}, …], which are steps. CSV: the same columns
/// by their names, or rate,duration lines without a header. `path` is for messages.
Result<RateSeries> parse_rate_series_file(const std::string& content, const std::string& path);

/// "1:50:60s", with ":exponential" behind it for a growth by factors.
Result<RateSeries> parse_ramp(const std::string& text);

/// "10s:5s" with the rate while on.
Result<RateSeries> parse_on_off(const std::string& text, double rate_per_s);

/// "2s", "1s:3s" or "exp:2s".
Result<ThinkTime> parse_think_time(const std::string& text);

}  // namespace tacho
