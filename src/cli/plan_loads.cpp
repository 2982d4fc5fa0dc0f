#include "cli/plan_loads.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "cli/plan_series.h"

namespace tacho {
namespace {

/// Prompts made ready for a closed loop that runs for a time; a faster server begins the list
/// again, which is said.
constexpr double requests_per_stream_and_s = 4.0;
constexpr double timed_requests_max = 50'000.0;

/// Options of which one says what the others would say otherwise.
using Options = std::vector<std::pair<bool, const char*>>;

Status check_one_of(const Options& options) {
  const char* first = nullptr;
  for (const auto& [is_given, name] : options) {
    if (is_given && first != nullptr)
      return input_error(format("{} and {} exclude each other", first, name));
    if (is_given) first = name;
  }
  return Nothing{};
}

/// Options that say something of what only another option asks for.
Status check_needs(const Options& options, bool is_there, std::string_view needed) {
  for (const auto& [is_given, name] : options) {
    if (is_given && !is_there) return input_error(format("{} needs {}", name, needed));
  }
  return Nothing{};
}

Status check_shapes(const BenchOptions& o) {
  const bool has_rates = !o.request_rate.empty(), has_series = !o.rate_series.empty(),
             has_ramp = !o.ramp.empty(), has_request_ramp = !o.ramp_strategy.empty();
  if (!has_request_ramp && (o.ramp_start_per_s != 0.0 || o.ramp_end_per_s != 0.0)) {
    return input_error(
        "--ramp-up-start-rps and --ramp-up-end-rps need --ramp-up-strategy linear or exponential");
  }
  const bool is_open =
      has_rates || has_series || has_ramp || has_request_ramp || o.is_fixed_schedule;
  const bool has_gaps = !o.arrivals.empty() || !std::isnan(o.gap_cv) ||
                        (!std::isnan(o.burstiness) && o.burstiness != 1.0);
  // All at once, as vLLM's bench has it with a number of prompts alone, has no gaps.
  const bool may_be_closed = o.num_prompts.empty() || !o.concurrency.empty() || !o.users.empty();
  const Status checks[] = {
      check_one_of({{has_rates, "--request-rate"},
                    {has_request_ramp, "--ramp-up-strategy"},
                    {has_series, "--rate-series"},
                    {has_ramp, "--ramp"},
                    {o.is_fixed_schedule, "--fixed-schedule"}}),
      check_one_of({{!o.on_off.empty(), "--on-off"}, {o.rate_ramp_s > 0.0, "--rate-ramp"}}),
      check_needs({{!o.on_off.empty(), "--on-off"}, {o.rate_ramp_s > 0.0, "--rate-ramp"}},
                  has_rates, "--request-rate"),
      check_needs({{has_gaps, "--arrivals, --burstiness or --gap-cv"}}, is_open || !may_be_closed,
                  "a rate, whose gaps it shapes"),
      check_one_of({{o.is_fixed_schedule, "--fixed-schedule"},
                    {!o.concurrency.empty(), "--concurrency"},
                    {!o.users.empty(), "--users"}}),
      check_one_of({{o.is_fixed_schedule, "--fixed-schedule"},
                    {has_gaps, "--arrivals, --burstiness and --gap-cv"}}),
      check_needs({{o.replay_speedup != 1.0, "--replay-speedup"},
                   {!std::isnan(o.schedule_start_ms), "--fixed-schedule-start-offset"},
                   {!std::isnan(o.schedule_end_ms), "--fixed-schedule-end-offset"}},
                  o.is_fixed_schedule, "--fixed-schedule"),
      check_needs({{o.spawn_rate != 0.0, "--spawn-rate"}, {!o.think_time.empty(), "--think-time"}},
                  !o.users.empty(), "--users"),
  };
  for (const Status& status : checks) {
    if (!status) return status;
  }
  if (o.spawn_rate < 0.0) return input_error("--spawn-rate must be positive");
  if (o.replay_speedup <= 0.0) return input_error("--replay-speedup must be positive");
  return Nothing{};
}

/// Alone, a limit of what is in flight is a concurrency.
Status place_cap(const BenchOptions& o, Loads& loads) {
  if (o.max_concurrency == 0) return Nothing{};
  const auto status = check_one_of({{!loads.concurrency.empty(), "--concurrency"},
                                    {!loads.users.empty(), "--users"},
                                    {true, "--max-in-flight"}});
  if (!status) return status;
  if (loads.rates.empty() && !o.is_fixed_schedule) {
    loads.concurrency = {o.max_concurrency};
  } else {
    loads.cap = o.max_concurrency;
  }
  return Nothing{};
}

}  // namespace

Result<Loads> plan_loads(const BenchOptions& o) {
  if (auto status = check_shapes(o); !status) return status.error();
  Loads loads{o.concurrency, o.users, {}, o.request_rate, 0};
  if (!o.think_time.empty()) {
    auto think = parse_think_time(o.think_time);
    if (!think) return think.error();
    loads.think = *think;
  }
  if (!o.ramp_strategy.empty() || !o.rate_series.empty() || !o.ramp.empty()) loads.rates = {1.0};
  if (auto status = place_cap(o, loads); !status) return status.error();
  if (loads.concurrency.empty() && loads.users.empty() && loads.rates.empty() &&
      !o.is_fixed_schedule) {
    if (o.num_prompts.empty() || o.speaks_genai_perf()) {
      loads.concurrency = {1};
    } else {
      loads.rates = {INFINITY};
    }
  }
  if (o.num_prompts.size() > 1 && o.num_prompts.size() != loads.rates.size()) {
    return input_error(format("--num-prompts has {} values and --request-rate {}; they go in pairs",
                              o.num_prompts.size(), loads.rates.size()));
  }
  if (o.concurrency_ramp_s > 0.0 && loads.concurrency.empty())
    return input_error("--concurrency-ramp needs --concurrency; users come at a --spawn-rate");
  return loads;
}

std::uint32_t static_requests(const BenchOptions& o, std::uint32_t streams, double pause_s) {
  const bool is_for_rates = !o.request_rate.empty();
  if (!o.num_prompts.empty() && !is_for_rates) return o.num_prompts[0];
  const double per_stream = o.duration_s / (pause_s + 1.0 / requests_per_stream_and_s);
  const double by_time = std::min(per_stream * streams, timed_requests_max);
  const std::uint64_t by_epochs = std::uint64_t{o.epochs} * streams;
  return std::max(static_cast<std::uint32_t>(std::min<std::uint64_t>(by_epochs, UINT32_MAX)),
                  static_cast<std::uint32_t>(by_time));
}

std::uint32_t warmup_requests(const BenchOptions& o, std::uint32_t streams) {
  if (o.warmup > 0 || o.warmup_duration_s == 0.0) return o.warmup;
  const double requests = o.warmup_duration_s * requests_per_stream_and_s * streams;
  return std::max(streams, static_cast<std::uint32_t>(std::min(requests, timed_requests_max)));
}

}  // namespace tacho
