#include "sim/autoscale.h"

#include <algorithm>

namespace tacho {

bool Autoscaler::covers(Duration window) const {
  return readings_.back().at - readings_.front().at >= window - options_.interval;
}

Autoscaler::Means Autoscaler::means_over(Duration window) const {
  Means means;
  double count = 0.0;
  const Instant from = readings_.back().at - window;
  for (const ScaleReading& reading : readings_) {
    if (reading.at <= from) continue;
    means.waiting += reading.waiting;
    means.kv_share += reading.kv_share;
    means.waiting_most = std::max(means.waiting_most, reading.waiting);
    ++count;
  }
  means.waiting /= count;
  means.kv_share /= count;
  return means;
}

int Autoscaler::read(const ScaleReading& reading, std::uint32_t serving) {
  readings_.push_back(reading);
  const Duration longest = std::max(options_.window, options_.idle_window);
  while (readings_.front().at <= reading.at - longest) readings_.pop_front();
  if (covers(options_.window)) {
    const Means means = means_over(options_.window);
    if (means.waiting > options_.waiting || means.kv_share > options_.kv_share) {
      const Instant from = reading.at - options_.window;
      trigger_ = *std::find_if(readings_.begin(), readings_.end(), [&](const ScaleReading& one) {
        return one.at > from && is_above(one);
      });
      clear();
      return 1;
    }
  }
  if (serving > 1 && covers(options_.idle_window)) {
    const Means means = means_over(options_.idle_window);
    const double of_the_others = means.kv_share * serving / (serving - 1);
    if (means.waiting_most == 0.0 && of_the_others < 0.5 * options_.kv_share) {
      clear();
      return -1;
    }
  }
  return 0;
}

}  // namespace tacho
