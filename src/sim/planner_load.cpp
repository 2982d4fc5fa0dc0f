#include "sim/planner_load.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/text.h"
#include "stats/distribution.h"

namespace tacho {
namespace {

constexpr double warm_up_share = 0.1;
// Of a closed loop, which begins with everybody at once.
constexpr std::size_t requests_per_user = 10, warm_up_per_user = 2;
// Of an answer of one token, which keeps every bound on it and is in no percentile.
constexpr double no_tpot = -1.0;
// When a request is due whose user is still busy with the one before: a century from now.
constexpr double later_s = 3e9;
// Lengths that an idle replica is asked for; more of a dataset say no more.
constexpr std::size_t idle_lengths_max = 500;

/// What all runs of a replica together gave.
struct Pool {
  std::vector<double> ttft, tpot, e2e;
  double steps = 0.0, context = 0.0, tokens = 0.0, busy_s = 0.0, span_s = 0.0;
  double finished = 0.0, emitted = 0.0;
  std::size_t growing = 0;

  std::vector<double>& of(PlanMetric metric) {
    return metric == PlanMetric::ttft ? ttft : metric == PlanMetric::tpot ? tpot : e2e;
  }
};

Duration scaled(Duration time, double factor) {
  return factor == 1.0 ? time : from_s(to_s(time) * factor);
}

/// Users of one replica.
std::size_t users_of(const PlanLoad& load, const ReplicaRun& run) {
  return (load.users + run.replicas - 1) / run.replicas;
}

std::size_t requests_of(const PlanLoad& load, const ReplicaRun& run) {
  if (!run.has_warm_up) return run.requests;
  return std::max(run.requests, users_of(load, run) * requests_per_user);
}

/// When each request is due. The times are those that `tacho bench` draws from the same seed. Users
/// who think come one by one; their later requests are due when they have thought.
std::vector<Duration> due_of(const PlanLoad& load, const ReplicaRun& run, std::uint64_t seed) {
  const std::size_t count = requests_of(load, run);
  if (load.rate > 0.0) return due_times(share_of(load, run.replicas), count, Seed{seed});
  std::vector<Duration> due(count, Duration(0));
  if (load.think_s <= 0.0) return due;
  const auto users = static_cast<double>(users_of(load, run));
  for (std::size_t i = 0; i < count; ++i)
    due[i] =
        from_s(i < users_of(load, run) ? load.think_s * static_cast<double>(i) / users : later_s);
  return due;
}

/// Every so-manieth request of a trace, from a place that depends on the seed.
std::vector<VirtualRequest> deal_trace(const PlanLoad& load, const ReplicaRun& run,
                                       std::uint64_t seed) {
  const std::size_t begin = Random(Seed{seed}, "plan trace").below(load.gaps.size());
  std::vector<VirtualRequest> requests;
  double now_s = 0.0;
  for (std::size_t i = 0; requests.size() < run.requests; ++i) {
    const std::size_t at = (begin + i) % load.gaps.size();
    if (i > 0) now_s += load.gaps[at] / load.rate;
    if (i % run.replicas != 0) continue;
    const PlanLengths length = load.lengths[at];
    requests.emplace_back(instant_from_ns(from_s(now_s).count()), length.input, length.output);
  }
  return requests;
}

std::vector<VirtualRequest> make_requests(const PlanLoad& load, const ReplicaRun& run,
                                          std::uint64_t seed) {
  if (load.rate > 0.0 && !load.gaps.empty()) return deal_trace(load, run, seed);
  Random lengths(Seed{seed}, "plan lengths");
  std::vector<VirtualRequest> requests;
  for (const Duration at : due_of(load, run, seed)) {
    const PlanLengths length = load.lengths[lengths.below(load.lengths.size())];
    requests.emplace_back(instant_from_ns(at.count()), length.input, length.output);
  }
  return requests;
}

/// The mean wait for the first step of some requests, in seconds.
double mean_wait_s(const std::vector<VirtualRequest>& requests, std::size_t from, std::size_t to) {
  double sum = 0.0;
  for (std::size_t i = from; i < to; ++i) sum += to_s(requests[i].scheduled - requests[i].queued);
  return to > from ? sum / static_cast<double>(to - from) : 0.0;
}

/// True when those of the last fifth waited longer than those of the middle one: by more than half
/// a second and half as long again, which chance rarely does and an overload always.
bool is_growing(const std::vector<VirtualRequest>& requests) {
  const std::size_t n = requests.size();
  const double middle = mean_wait_s(requests, 2 * n / 5, 3 * n / 5);
  const double last = mean_wait_s(requests, 4 * n / 5, n);
  return last > 1.5 * middle + 0.5;
}

/// How many requests at the beginning are not counted.
std::size_t skipped(const PlanLoad& load, const ReplicaRun& run, std::size_t requests) {
  if (!run.has_warm_up) return 0;
  return std::max(static_cast<std::size_t>(static_cast<double>(requests) * warm_up_share),
                  users_of(load, run) * warm_up_per_user);
}

void collect(const std::vector<VirtualRequest>& requests, std::size_t skipped, Pool& pool) {
  for (std::size_t i = skipped; i < requests.size(); ++i) {
    const VirtualRequest& request = requests[i];
    const double first = to_ms(request.first_token - request.sent);
    const double rest = to_ms(request.last_token - request.first_token);
    pool.ttft.push_back(first);
    pool.tpot.push_back(request.output_tokens > 1 ? rest / (request.output_tokens - 1) : no_tpot);
    pool.e2e.push_back(first + rest);
  }
}

void run_once(const PlanReplica& replica, const PlanLoad& load, const ReplicaRun& run,
              std::uint64_t seed, Pool& pool, LoadFigures& figures) {
  auto requests = make_requests(load, run, seed);
  VirtualOptions options;
  options.handover = [&](const Sequence& sequence) {
    return scaled(replica.time->request_overhead(sequence.input_tokens), run.time_scale);
  };
  options.plans_ahead = replica.serving->engine.plans_ahead;
  if (load.users > 0) options.concurrency = users_of(load, run);
  if (load.think_s > 0.0) {
    // All think for the same time, so whoever has the first answer is the first to ask again.
    options.on_last_token = [&, next = users_of(load, run)](Instant now) mutable {
      if (next < requests.size()) requests[next++].arrival = now + from_s(load.think_s);
    };
  }
  options.before_step = [&](const Scheduler& scheduler, Instant) {
    const auto running = static_cast<std::uint32_t>(scheduler.running().size());
    figures.running_peak = std::max(figures.running_peak, running);
    const double used = 1.0 - scheduler.kv().free() / static_cast<double>(scheduler.kv().total());
    figures.cache_peak = std::max(figures.cache_peak, used);
  };
  const auto cost = [&](const StepWork& work) {
    ++pool.steps;
    pool.context += static_cast<double>(work.decode_context);
    pool.tokens += work.decode_sequences + work.prefill_tokens;
    return scaled(replica.time->of(work), run.time_scale);
  };
  const VirtualRun result = run_virtual(cost, replica.engine, requests, options);
  figures.preemptions += result.counts.preemptions;
  pool.busy_s += to_s(result.busy);
  pool.span_s += to_s(result.end - requests.front().arrival);
  pool.finished += static_cast<double>(requests.size());
  for (const auto& request : requests) pool.emitted += request.output_tokens;
  // A closed loop's queue cannot grow: nobody asks before the answer is there.
  if (load.rate > 0.0 && is_growing(requests)) ++pool.growing;
  collect(requests, skipped(load, run, requests.size()), pool);
}

/// Bytes of weights that one step reads, on all GPUs of the replica.
double step_weight_bytes(const PlanReplica& replica, double tokens_per_step) {
  const ModelProfile& model = *replica.model;
  const double bytes = model.weights_bytes(replica.serving->precision);
  if (model.experts == 0) return bytes;
  const double share = static_cast<double>(model.experts_per_token) / model.experts;
  const double idle = std::pow(1.0 - share, tokens_per_step);  // Experts nobody goes to.
  return bytes - idle * model.moe_layers() * model.experts * model.expert_parameters() *
                     weight_bytes(replica.serving->precision);
}

void add_utilization(const PlanReplica& replica, const Pool& pool, LoadFigures& figures) {
  if (pool.busy_s <= 0.0) return;
  const Serving& serving = *replica.serving;
  const double gpus = serving.tensor_parallel;
  const double narrow = replica.gpu->flops[static_cast<std::size_t>(serving.precision)];
  const double peak = narrow > 0.0 ? narrow : replica.gpu->flops[0];
  figures.mfu =
      2.0 * replica.model->active_parameters() * pool.tokens / (pool.busy_s * gpus * peak);
  const double kv =
      replica.model->kv_bytes_per_token(serving.tensor_parallel, serving.kv_element_bytes);
  const double bytes = pool.steps * step_weight_bytes(replica, pool.tokens / pool.steps) +
                       pool.context * kv * (1.0 - replica.model->window_layers_share);
  figures.mbu = bytes / (pool.busy_s * gpus * replica.gpu->bandwidth_bytes_per_s);
  figures.busy_share = pool.busy_s / pool.span_s;
  figures.requests_per_s = pool.finished / pool.span_s;
  figures.tokens_per_s = pool.emitted / pool.span_s;
}

double percentile(const std::vector<double>& ascending, double percent) {
  return ascending.empty() ? 0.0 : percentile_of_sorted(ascending, percent);
}

PlanTimes times_of(const std::vector<double>& ascending) {
  if (ascending.empty()) return {};
  double sum = 0.0;
  for (const double one : ascending) sum += one;
  return {sum / static_cast<double>(ascending.size()), percentile_of_sorted(ascending, 50),
          percentile_of_sorted(ascending, 90), percentile_of_sorted(ascending, 99)};
}

/// The share of requests that keep all limits; the samples are still in the requests' order.
double good_share(Pool& pool, const std::vector<PlanBound>& bounds) {
  std::size_t good = 0;
  for (std::size_t i = 0; i < pool.ttft.size(); ++i) {
    const bool is_good = std::all_of(bounds.begin(), bounds.end(), [&](const PlanBound& bound) {
      return pool.of(bound.metric)[i] <= bound.limit_ms;
    });
    good += is_good ? 1 : 0;
  }
  return static_cast<double>(good) / static_cast<double>(pool.ttft.size());
}

}  // namespace

std::string_view to_text(PlanMetric metric) {
  return metric == PlanMetric::ttft ? "ttft" : metric == PlanMetric::tpot ? "tpot" : "e2e";
}

std::string bound_name(const PlanBound& bound) {
  return format("p{:g} {}", bound.percent, to_text(bound.metric));
}

Arrivals share_of(const PlanLoad& load, std::uint32_t replicas) {
  Arrivals arrivals;
  arrivals.rate_per_s = load.rate / replicas;
  arrivals.gap_cv = 1.0 / std::sqrt(static_cast<double>(replicas));
  return arrivals;
}

double PlanLoad::input_mean() const {
  double sum = 0.0;
  for (const auto& length : lengths) sum += length.input;
  return sum / static_cast<double>(lengths.size());
}

double PlanLoad::output_mean() const {
  double sum = 0.0;
  for (const auto& length : lengths) sum += length.output;
  return sum / static_cast<double>(lengths.size());
}

bool LoadFigures::holds(const std::vector<PlanBound>& bounds) const {
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (bound_ms[i] > bounds[i].limit_ms) return false;
  }
  return !is_growing;
}

std::string LoadFigures::failure(const std::vector<PlanBound>& bounds) const {
  double worst = 1.0;
  std::string text;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const double ratio = bound_ms[i] / bounds[i].limit_ms;
    if (ratio <= worst) continue;
    worst = ratio;
    text = format("{} = {} ms > {} ms", bound_name(bounds[i]), format_significant(bound_ms[i], 3),
                  format_significant(bounds[i].limit_ms, 4));
  }
  return text.empty() && is_growing ? "its queue grows without end" : text;
}

std::vector<VirtualRequest> requests_of_share(const PlanLoad& load, const ReplicaRun& run) {
  return make_requests(load, run, run.seed);
}

LoadFigures run_replica(const PlanReplica& replica, const PlanLoad& load,
                        const std::vector<PlanBound>& bounds, const ReplicaRun& run) {
  Pool pool;
  LoadFigures figures;
  for (std::uint64_t i = 0; i < run.runs; ++i)
    run_once(replica, load, run, run.seed + i, pool, figures);
  figures.good_share = good_share(pool, bounds);
  std::erase(pool.tpot, no_tpot);
  for (auto* samples : {&pool.ttft, &pool.tpot, &pool.e2e})
    std::sort(samples->begin(), samples->end());
  for (const PlanBound& bound : bounds)
    figures.bound_ms.push_back(percentile(pool.of(bound.metric), bound.percent));
  figures.ttft = times_of(pool.ttft);
  figures.tpot = times_of(pool.tpot);
  figures.e2e = times_of(pool.e2e);
  figures.is_growing = 2 * pool.growing > run.runs;
  add_utilization(replica, pool, figures);
  return figures;
}

std::vector<double> idle_times(const PlanReplica& replica, const PlanLoad& load,
                               const std::vector<PlanBound>& bounds, double time_scale) {
  Pool pool;
  const std::size_t stride = load.lengths.size() / idle_lengths_max + 1;
  for (std::size_t i = 0; i < load.lengths.size(); i += stride) {
    const auto [input, output] = load.lengths[i];
    double first = to_ms(replica.time->request_overhead(input));
    for (std::uint32_t done = 0; done < input;) {
      const std::uint32_t chunk = std::min(input - done, replica.engine.max_num_batched_tokens);
      first += to_ms(replica.time->of(StepWork().add_chunk(chunk, done, done + chunk == input)));
      done += chunk;
    }
    const double gap = to_ms(replica.time->of(StepWork().add_decodes(1, input + output / 2)));
    pool.ttft.push_back(first * time_scale);
    if (output > 1) pool.tpot.push_back(gap * time_scale);
    pool.e2e.push_back((first + gap * (output - 1.0)) * time_scale);
  }
  std::vector<double> times;
  for (const PlanBound& bound : bounds) {
    auto& samples = pool.of(bound.metric);
    std::sort(samples.begin(), samples.end());
    times.push_back(percentile(samples, bound.percent));
  }
  return times;
}

double rate_bound(const PlanReplica& replica, const PlanLoad& load,
                  const std::vector<PlanBound>& bounds) {
  const double input = load.input_mean(), output = load.output_mean();
  const double context = input + output / 2.0;
  const auto step_s = [&](std::uint32_t sequences) {
    return to_s(replica.time->of(
        StepWork().add_decodes(sequences, static_cast<std::uint64_t>(sequences * context))));
  };
  // The largest batch that the cache, the scheduler and a bound on the gaps leave.
  double limit_s = 1e9;
  for (const PlanBound& bound : bounds) {
    if (bound.metric == PlanMetric::tpot && bound.percent >= 50.0)
      limit_s = std::min(limit_s, bound.limit_ms / 1e3);
  }
  const double room = static_cast<double>(replica.engine.blocks()) * replica.engine.block_size /
                      std::max(1.0, context);
  std::uint32_t low = 1;
  auto high = static_cast<std::uint32_t>(
      std::clamp(room, 1.0, static_cast<double>(replica.engine.max_num_seqs)));
  while (low < high) {
    const std::uint32_t middle = (low + high + 1) / 2;
    if (step_s(middle) <= limit_s) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const double decode_s = output * step_s(low) / low;
  const auto budget = replica.engine.max_num_batched_tokens;
  const double prompt_s =
      to_s(replica.time->of(StepWork().add_chunk(budget, 0, false))) * input / budget;
  return 1.0 / std::max(decode_s, prompt_s * 0.8);
}

}  // namespace tacho
