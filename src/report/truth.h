// Measured against true: the built-in engine keeps when it wrote each token, on the same clock as
// ours, so the error of the instrument can be printed instead of hoped for.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "record/record.h"

namespace tacho {

/// The truth of one request, as the engine tells it.
struct TrueTimes {
  Instant received = never;
  std::vector<Instant> written;
};

/// Reads the engine's /sim/truth: one JSON object a line; by request id.
Result<std::unordered_map<std::string, TrueTimes>> read_truths(std::string_view lines);

/// The absolute errors of TTFT and of the gaps between chunks, in ms, as distributions:
/// {"ttft_error_ms": D, "gap_error_ms": D, "requests": n}. Requests without a truth are left out.
///
/// The true TTFT is from the request's arrival at the server to the token's write, so that what the
/// network takes both ways is part of the error; on loopback it is some 15 µs.
Json truth_errors(const std::vector<const Record*>& records,
                  const std::unordered_map<std::string, TrueTimes>& truths);

}  // namespace tacho
