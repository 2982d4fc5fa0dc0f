// Which share of an engine's requests was served well of late, as far as its histograms can tell.
#pragma once

#include <optional>

#include "monitor/history.h"

namespace tacho {

/// Within what a request is well served. The default is MLPerf Inference's for an interactive
/// service (Llama 2 70B Interactive: TTFT 450 ms, time per output token 40 ms).
struct ServiceBounds {
  double ttft_s = 0.45;
  double tpot_s = 0.04;
};

/// A share that is only known to lie between two.
struct ShareRange {
  double low = 0.0, high = 1.0;
};

/// The share of values up to `bound`: exact at a bucket's bound, else between its neighbours.
/// Nothing when nothing was counted.
std::optional<ShareRange> share_within(const HistogramGain& gain, double bound);

/// The share of requests that succeeded with both times in bounds. Histograms do not say which
/// request had which two times, so it lies between the Frechet bounds of the shares of each. Null
/// gains say nothing; nothing when both do, or when no request ended. `succeeded` is a share of
/// those that ended.
std::optional<ShareRange> goodput_share(const std::optional<HistogramGain>& ttft,
                                        const std::optional<HistogramGain>& tpot, double succeeded,
                                        const ServiceBounds& bounds);

}  // namespace tacho
