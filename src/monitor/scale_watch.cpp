#include "monitor/scale_watch.h"

#include <cmath>

namespace tacho {
namespace {

constexpr Duration told_for = std::chrono::minutes(5);

bool is_up(const Subject& engine) { return engine.trouble.empty(); }

}  // namespace

std::optional<double> ScaleWatch::served(const Subject& engine) {
  for (const Quantity* quantity :
       {&quantity::engine_succeeded, &quantity::engine_generation_tokens}) {
    const double value = engine.value(*quantity);
    if (std::isfinite(value)) return value;
  }
  return std::nullopt;
}

void ScaleWatch::look(const std::vector<const Subject*>& engines, Instant at) {
  double waiting = 0.0;
  for (const Subject* engine : engines) {
    const double value = engine->value(quantity::engine_waiting);
    if (std::isfinite(value)) waiting += value;
  }
  if (!happened(since_)) {
    if (waiting < trigger_) return;
    since_ = at;
    fresh_.clear();
    before_.clear();
    for (const Subject* engine : engines) {
      if (is_up(*engine)) before_.insert(engine->id);
    }
    return;
  }
  for (const Subject* engine : engines) {
    if (!is_up(*engine) || before_.contains(engine->id)) continue;
    const auto count = served(*engine);
    if (!count) continue;
    // One that is first seen with requests behind it has served them since the trigger.
    const auto [known, is_new] = fresh_.try_emplace(engine->id, 0.0);
    if (*count <= known->second) continue;
    result_ = to_s(at - since_);
    result_at_ = at;
    since_ = never;
    return;
  }
  // The load went by itself: nothing was to be scaled. Half of it, so that one reading below does
  // not end the count.
  if (waiting < trigger_ / 2.0 && fresh_.empty()) since_ = never;
}

std::optional<double> ScaleWatch::seconds(Instant at) const {
  if (happened(since_)) return to_s(at - since_);
  if (result_ && at - result_at_ <= told_for) return result_;
  return std::nullopt;
}

}  // namespace tacho
