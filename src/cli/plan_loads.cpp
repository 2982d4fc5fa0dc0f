#include "cli/plan_loads.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

constexpr double default_rate_seconds = 30.0;
constexpr std::uint32_t default_rate_requests_max = 1000;
constexpr std::uint32_t default_rate_requests_min = 20;
constexpr std::uint32_t default_inf_requests = 100;
/// Prompts made ready for a closed loop that runs for a time; a faster server begins the list
/// again, which is said.
constexpr double requests_per_stream_and_s = 4.0;

}  // namespace

Result<Loads> plan_loads(const BenchOptions& o) {
  Loads loads{o.concurrency, o.request_rate, 0};
  if (o.ramp_strategy.empty() && (o.ramp_start_per_s != 0.0 || o.ramp_end_per_s != 0.0)) {
    return input_error(
        "--ramp-up-start-rps and --ramp-up-end-rps need --ramp-up-strategy linear or exponential");
  }
  if (!o.ramp_strategy.empty()) {
    if (!loads.rates.empty())
      return input_error("--request-rate and --ramp-up-strategy exclude each other");
    loads.rates = {o.ramp_end_per_s > 0 ? o.ramp_end_per_s : 1.0};
  }
  if (o.max_concurrency > 0) {
    if (!loads.concurrency.empty())
      return input_error("--concurrency and --max-concurrency exclude each other");
    if (loads.rates.empty()) loads.concurrency = {o.max_concurrency};
    if (!loads.rates.empty()) loads.cap = o.max_concurrency;
  }
  if (loads.concurrency.empty() && loads.rates.empty()) {
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
  return loads;
}

Result<Arrivals> plan_arrivals(const BenchOptions& o, double rate) {
  Arrivals arrivals;
  arrivals.rate_per_s = rate;
  if (o.burstiness <= 0.0) return input_error("--burstiness must be positive");
  arrivals.gap_cv = 1.0 / std::sqrt(o.burstiness);
  if (o.ramp_strategy.empty()) return arrivals;
  if (o.ramp_strategy != "linear" && o.ramp_strategy != "exponential") {
    return input_error(
        format("--ramp-up-strategy is linear or exponential, not '{}'", o.ramp_strategy));
  }
  if (o.ramp_start_per_s <= 0.0 || o.ramp_end_per_s <= 0.0) {
    return input_error("a ramp needs --ramp-up-start-rps and --ramp-up-end-rps, both positive");
  }
  arrivals.ramp =
      o.ramp_strategy == "linear" ? Arrivals::Ramp::linear : Arrivals::Ramp::exponential;
  arrivals.ramp_start_per_s = o.ramp_start_per_s;
  arrivals.ramp_end_per_s = o.ramp_end_per_s;
  return arrivals;
}

std::uint32_t static_requests(const BenchOptions& o, std::uint32_t concurrency) {
  const bool is_for_rates = !o.request_rate.empty();
  if (!o.num_prompts.empty() && !is_for_rates) return o.num_prompts[0];
  const double by_time = std::min(o.duration_s * requests_per_stream_and_s * concurrency, 50'000.0);
  const std::uint64_t by_epochs = std::uint64_t{o.epochs} * concurrency;
  return std::max(static_cast<std::uint32_t>(std::min<std::uint64_t>(by_epochs, UINT32_MAX)),
                  static_cast<std::uint32_t>(by_time));
}

std::uint32_t dynamic_requests(const BenchOptions& o, double rate, std::size_t index) {
  if (!o.num_prompts.empty()) return o.num_prompts[std::min(index, o.num_prompts.size() - 1)];
  if (std::isinf(rate)) return default_inf_requests;
  const double seconds = o.duration_s > 0.0 ? 1.2 * o.duration_s + 10.0 : default_rate_seconds;
  const double requests = std::ceil(rate * seconds);
  if (o.duration_s > 0.0) return static_cast<std::uint32_t>(std::min(requests, 1e6));
  return std::clamp(static_cast<std::uint32_t>(std::min(requests, 1e6)), default_rate_requests_min,
                    default_rate_requests_max);
}

}  // namespace tacho
