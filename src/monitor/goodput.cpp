#include "monitor/goodput.h"

#include <algorithm>

namespace tacho {

std::optional<ShareRange> share_within(const HistogramGain& gain, double bound) {
  if (!(gain.count > 0.0)) return std::nullopt;
  ShareRange share{0.0, 1.0};
  for (std::size_t i = 0; i < gain.bounds.size(); ++i) {
    const double up_to = std::clamp(gain.cumulative[i] / gain.count, 0.0, 1.0);
    if (gain.bounds[i] <= bound) share.low = std::max(share.low, up_to);
    if (gain.bounds[i] >= bound) {
      share.high = up_to;
      break;
    }
  }
  return share;
}

std::optional<ShareRange> goodput_share(const std::optional<HistogramGain>& ttft,
                                        const std::optional<HistogramGain>& tpot, double succeeded,
                                        const ServiceBounds& bounds) {
  ShareRange all{succeeded, succeeded};
  bool is_known = false;
  for (const auto& [gain, bound] : {std::pair(&ttft, bounds.ttft_s), {&tpot, bounds.tpot_s}}) {
    const auto share = *gain ? share_within(**gain, bound) : std::nullopt;
    if (!share) continue;
    is_known = true;
    all.low = std::max(0.0, all.low + share->low - 1.0);
    all.high = std::min(all.high, share->high);
  }
  return is_known ? std::optional(all) : std::nullopt;
}

}  // namespace tacho
