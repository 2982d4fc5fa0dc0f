#include "sim/planner_search.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

// A choice that a trial has found is checked with more requests: of three seeds, twice as many.
constexpr std::uint64_t check_runs = 3;
constexpr std::size_t check_factor = 2;

double error_of(const ErrorBand& band, PlanMetric metric) {
  return metric == PlanMetric::ttft ? band.ttft : metric == PlanMetric::tpot ? band.tpot : band.e2e;
}

/// The bounds for times that are all `1 + band.tpot` times as long: where first tokens may be off
/// by more than steps are, their limits are tighter by the rest.
std::vector<PlanBound> bounds_within(std::vector<PlanBound> bounds, const ErrorBand& band) {
  for (PlanBound& bound : bounds) {
    const double error = error_of(band, bound.metric);
    bound.limit_ms /= std::max(1.0, (1.0 + error) / (1.0 + band.tpot));
  }
  return bounds;
}

}  // namespace

ReplicaSearch::ReplicaSearch(const PlanQuestion& question, const PlanLoad& load, PlanChoice& choice)
    : question_(question),
      load_(load),
      choice_(choice),
      time_(*choice.gpu, question.grid.model, choice.serving),
      bounds_(question.bounds) {
  const PlanGrid& grid = question.grid;
  choice.kv_tokens = grid.num_gpu_blocks > 0
                         ? std::uint64_t{grid.num_gpu_blocks} * choice.engine.block_size
                         : time_.kv_tokens();
  choice.engine.kv_tokens = choice.kv_tokens;
  choice.weights_gb =
      grid.model.weights_bytes(choice.serving.precision) / 1e9 / choice.serving.tensor_parallel;
  choice.band = error_band_of(*choice.gpu, grid.model, grid.engine.id);
  replica_ = {choice.gpu, &grid.model, &choice.serving, &time_, choice.engine};
  replicas_max_ = std::max(1u, question.limits.gpus_max / choice.serving.tensor_parallel);
  if (load.users > 0) replicas_max_ = std::min(replicas_max_, load.users);
}

void ReplicaSearch::run() {
  if (!has_room() || !is_fast_enough()) return;
  const std::uint32_t found = fewest(least_replicas());
  choice_.replicas = found > 0 ? found : replicas_max_;
  if (found == 0 || !confirm()) {
    choice_.state = PlanChoice::State::overloaded;
    failure_ = format("with {} replicas {}", choice_.replicas, failure_);
  }
  choice_.reason = failure_;
  choice_.is_near = is_near_;
}

std::uint32_t ReplicaSearch::estimate() {
  if (!has_room() || !is_fast_enough()) return 0;
  return fewest(least_replicas());
}

void ReplicaSearch::explore() {
  find_capacity();
  choice_.binds = binds_of(has_failed_ ? failed_ : choice_.figures);
  const double slower = 1.0 + choice_.band.tpot;
  choice_.replicas_if_faster = std::max(1u, replicas_at(1.0 / slower));
  bounds_ = bounds_within(question_.bounds, choice_.band);
  choice_.replicas_if_slower = replicas_at(slower);
  choice_.is_explored = true;
}

LoadFigures ReplicaSearch::run_one(const ReplicaRun& run) const {
  return run_replica(replica_, load_, bounds_, run);
}

/// The fewest replicas if all times were so much longer; leaves the choice as it was.
std::uint32_t ReplicaSearch::replicas_at(double time_scale) {
  PlanChoice before = choice_;
  time_scale_ = time_scale;
  const bool may_hold = is_fast_enough();
  const std::uint32_t replicas = may_hold ? fewest(choice_.replicas) : 0;
  time_scale_ = 1.0;
  choice_ = std::move(before);
  return replicas;
}

bool ReplicaSearch::has_room() {
  std::uint64_t longest = 0;
  for (const auto& length : load_.lengths)
    longest = std::max(longest, std::uint64_t{length.input} + length.output);
  if (choice_.kv_tokens >= longest + choice_.engine.block_size) return true;
  choice_.state = PlanChoice::State::no_room;
  choice_.reason = choice_.kv_tokens == 0
                       ? format("weights of {:.0f} GB a GPU do not fit into {:.0f} GB",
                                choice_.weights_gb, choice_.gpu->memory_bytes / 1e9)
                       : format("room for {} tokens beside the weights, the longest request has {}",
                                grouped(static_cast<double>(choice_.kv_tokens)),
                                grouped(static_cast<double>(longest)));
  return false;
}

bool ReplicaSearch::is_fast_enough() {
  const auto times = idle_times(replica_, load_, bounds_, time_scale_);
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    if (times[i] <= bounds_[i].limit_ms) continue;
    choice_.state = PlanChoice::State::too_slow;
    choice_.reason =
        format("idle, its {} = {} ms > {} ms", bound_name(bounds_[i]),
               format_significant(times[i], 3), format_significant(bounds_[i].limit_ms, 4));
  }
  choice_.is_near = choice_.state == PlanChoice::State::too_slow && is_near(times);
  return choice_.state != PlanChoice::State::too_slow;
}

std::uint32_t ReplicaSearch::least_replicas() const {
  if (load_.rate <= 0.0) return 1;
  const double least = std::ceil(load_.rate / rate_bound(replica_, load_, bounds_));
  return static_cast<std::uint32_t>(std::clamp(least, 1.0, static_cast<double>(replicas_max_)));
}

bool ReplicaSearch::try_replicas(std::uint32_t replicas) {
  const auto figures = run_one({.replicas = replicas,
                                .requests = question_.limits.requests,
                                .seed = question_.limits.seed,
                                .time_scale = time_scale_});
  if (figures.holds(bounds_)) return true;
  note_failure(figures);
  return false;
}

void ReplicaSearch::note_failure(const LoadFigures& figures) {
  failure_ = figures.failure(bounds_);
  is_near_ = !figures.is_growing && is_near(figures.bound_ms);
  if (time_scale_ != 1.0) return;
  failed_ = figures;
  has_failed_ = true;
}

/// True when every bound that these times break is broken by less than the error band.
bool ReplicaSearch::is_near(const std::vector<double>& bound_ms) const {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const double band = 1.0 + error_of(choice_.band, bounds_[i].metric);
    if (bound_ms[i] > bounds_[i].limit_ms * band) return false;
  }
  return true;
}

/// The fewest replicas that hold, by galloping up or down from `from` and bisecting what is
/// between; 0: none.
std::uint32_t ReplicaSearch::fewest(std::uint32_t from) {
  std::uint32_t low = 0, high = from;  // low fails or is nothing; high is tried.
  if (try_replicas(from)) {
    for (std::uint32_t step = 1; high > low + 1; step *= 2) {
      const std::uint32_t less = high > step ? high - step : 1;
      if (try_replicas(less)) {
        high = less;
      } else {
        low = less;
        break;
      }
    }
  } else {
    do {
      if (high >= replicas_max_) return 0;
      low = high;
      high = std::min(replicas_max_, high + std::max(1u, high / 2));
    } while (!try_replicas(high));
  }
  while (low + 1 < high) {
    const std::uint32_t middle = (low + high) / 2;
    (try_replicas(middle) ? high : low) = middle;
  }
  return high;
}

/// Checks the replicas with more requests and several seeds, and adds some when chance had helped.
bool ReplicaSearch::confirm() {
  const std::uint32_t most =
      std::min(replicas_max_, choice_.replicas + std::max(2u, choice_.replicas / 4));
  for (; choice_.replicas <= most; ++choice_.replicas) {
    LoadFigures figures = run_one({.replicas = choice_.replicas,
                                   .requests = check_factor * question_.limits.requests,
                                   .seed = question_.limits.seed,
                                   .runs = check_runs});
    if (figures.holds(bounds_)) {
      choice_.figures = std::move(figures);
      return true;
    }
    note_failure(figures);
  }
  choice_.replicas = most;
  return false;
}

/// The highest rate at which the bounds hold with these replicas, to 2 %.
void ReplicaSearch::find_capacity() {
  if (load_.rate <= 0.0) return;
  PlanLoad load = load_;
  const auto holds_at = [&](double rate) {
    load.rate = rate;
    const auto figures = run_replica(replica_, load, bounds_,
                                     {.replicas = choice_.replicas,
                                      .requests = question_.limits.requests,
                                      .seed = question_.limits.seed});
    if (figures.holds(bounds_)) return true;
    note_failure(figures);
    return false;
  };
  double low = load_.rate, high = load_.rate * 1.25;
  for (int doublings = 0; doublings < 8 && holds_at(high); ++doublings) {
    low = high;
    high *= 2.0;
  }
  while (high > low * 1.02) {
    const double middle = std::sqrt(low * high);
    (holds_at(middle) ? low : high) = middle;
  }
  choice_.capacity = low;
}

/// The bound that is nearest to its limit, or farthest over it, and what is used up.
std::string ReplicaSearch::binds_of(const LoadFigures& figures) const {
  std::string text = "queue";
  double worst = 0.0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const double ratio = figures.bound_ms[i] / bounds_[i].limit_ms;
    if (ratio <= worst) continue;
    worst = ratio;
    text = bound_name(bounds_[i]);
  }
  if (figures.preemptions > 0 || figures.cache_peak > 0.98) return text + ", cache";
  if (figures.running_peak >= choice_.engine.max_num_seqs) return text + ", max_num_seqs";
  return text + (figures.mfu > figures.mbu ? ", compute" : ", bandwidth");
}

}  // namespace tacho
