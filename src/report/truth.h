// Measured against true: the built-in engine keeps between which two moments it wrote each token,
// on the same clock as ours, so the error of the instrument can be printed instead of hoped for.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "record/record.h"

namespace tacho {

/// A moment that is known to lie between two others.
struct Within {
  Instant from = never;
  Instant to = never;
};

/// The truth of one request, as the engine tells it.
struct TrueTimes {
  Instant received = never;
  std::vector<Instant> planned;  ///< When each piece was to be written by the engine's own plan.
  std::vector<Within> written;   ///< `to` is never where the engine could not say.
};

/// Reads the engine's /sim/truth: one JSON object a line; by request id.
Result<std::unordered_map<std::string, TrueTimes>> read_truths(std::string_view lines);

/// How far a time lies outside of an interval; 0 inside. `low` must not be above `high`.
Duration distance(Duration value, Duration low, Duration high);

/// What the instrument's errors are, in ms, as distributions, and `requests`, how many were
/// compared; requests without a truth are left out:
///
/// - `ttft_error_ms`, `gap_error_ms`: how far TTFT and the gaps between chunks lie outside of what
///   can be true. The engine may lose its core in the middle of a write; a token's true time is
///   therefore an interval, and so is every difference of two of them.
/// - `stamp_error_ms`: the same of each chunk's time by itself.
/// - `send_error_ms`: from our `sent` to the request's arrival at the server, which has to come
///   after it; `sent_after_arrival` counts where it did not.
/// - `width_ms`: how wide the intervals are, which is how well the truth is known.
///
/// The true TTFT is from the request's arrival at the server to the token's write, so that what the
/// network takes both ways is part of the error; on loopback it is some 15 µs.
Json truth_errors(const std::vector<const Record*>& records,
                  const std::unordered_map<std::string, TrueTimes>& truths);

}  // namespace tacho
