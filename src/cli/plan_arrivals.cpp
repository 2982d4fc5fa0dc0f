#include "cli/plan_arrivals.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "cli/plan_series.h"

namespace tacho {
namespace {

constexpr double default_rate_seconds = 30.0;
constexpr std::uint32_t default_rate_requests_max = 1000;
constexpr std::uint32_t default_rate_requests_min = 20;
constexpr std::uint32_t default_inf_requests = 100;
constexpr double gap_cv_max = 100.0;  ///< Beyond, nearly all gaps are 0.

/// Which gaps: of the four laws' names and two numbers, what goes together.
Status plan_gaps(const BenchOptions& o, Arrivals& arrivals) {
  const bool has_shape = !std::isnan(o.burstiness), has_cv = !std::isnan(o.gap_cv);
  if (has_shape && has_cv) return input_error("--burstiness and --gap-cv exclude each other");
  if (has_shape && (o.burstiness <= 0.0 || 1.0 / std::sqrt(o.burstiness) > gap_cv_max)) {
    return input_error(format("--burstiness {:g} must be positive, and at least {:g}", o.burstiness,
                              1.0 / (gap_cv_max * gap_cv_max)));
  }
  if (has_cv && (o.gap_cv < 0.0 || o.gap_cv > gap_cv_max))
    return input_error(format("--gap-cv takes a number from 0 to {:g}", gap_cv_max));
  if (has_shape) arrivals.gap_cv = 1.0 / std::sqrt(o.burstiness);
  if (has_cv) arrivals.gap_cv = o.gap_cv;
  if (o.arrivals.empty() || o.arrivals == "gamma") return Nothing{};
  const bool is_constant = o.arrivals == "constant", is_uniform = o.arrivals == "uniform";
  if (!is_constant && !is_uniform && o.arrivals != "poisson") {
    return input_error(
        format("--arrivals is poisson, constant, gamma or uniform, not '{}'; all at once is "
               "--request-rate inf",
               o.arrivals));
  }
  const double law_cv = is_constant ? 0.0 : 1.0;
  if ((has_shape || has_cv) && (is_uniform || arrivals.gap_cv != law_cv)) {
    return input_error(format("--arrivals {} and {} exclude each other", o.arrivals,
                              has_cv ? "--gap-cv" : "--burstiness"));
  }
  arrivals.gap_cv = law_cv;
  arrivals.has_uniform_gaps = is_uniform;
  return Nothing{};
}

/// vLLM's ramp over the requests.
Status plan_request_ramp(const BenchOptions& o, Arrivals& arrivals) {
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
  return Nothing{};
}

Result<RateSeries> plan_series(const BenchOptions& o, double rate) {
  if (!o.rate_series.empty()) return parse_rate_series(o.rate_series);
  if (!o.ramp.empty()) return parse_ramp(o.ramp);
  if (std::isinf(rate) && (!o.on_off.empty() || o.rate_ramp_s > 0.0)) {
    return input_error("--on-off and --rate-ramp need rates that are not inf");
  }
  if (!o.on_off.empty()) return parse_on_off(o.on_off, rate);
  if (o.rate_ramp_s > 0.0) return RateSeries{{{o.rate_ramp_s, 0.0, rate}}, false};
  return RateSeries{};
}

/// Seconds of an open loop when nobody says how long: a series' own, and a ramp before a rate.
double default_seconds(const BenchOptions& o, const Arrivals& arrivals) {
  if (o.rate_series.empty() && o.ramp.empty()) return default_rate_seconds + o.rate_ramp_s;
  return duration_s(arrivals.series);
}

}  // namespace

Result<Arrivals> plan_arrivals(const BenchOptions& o, double rate) {
  Arrivals arrivals;
  arrivals.rate_per_s = rate;
  if (auto status = plan_gaps(o, arrivals); !status) return status.error();
  if (!o.ramp_strategy.empty()) {
    if (auto status = plan_request_ramp(o, arrivals); !status) return status.error();
  }
  auto series = plan_series(o, rate);
  if (!series) return series.error();
  arrivals.series = std::move(*series);
  return arrivals;
}

double mean_rate(const Arrivals& arrivals) {
  if (arrivals.ramp != Arrivals::Ramp::none) return arrivals.ramp_end_per_s;
  const RateSeries& series = arrivals.series;
  return series.pieces.empty() ? arrivals.rate_per_s : arrivals_of(series) / duration_s(series);
}

Result<std::uint32_t> dynamic_requests(const BenchOptions& o, const Arrivals& arrivals,
                                       std::size_t index, Seed seed, std::uint32_t most) {
  const RateSeries& series = arrivals.series;
  const std::size_t limit = std::size_t{most} + 1;
  if (!o.num_prompts.empty()) {
    const std::uint32_t asked = o.num_prompts[std::min(index, o.num_prompts.size() - 1)];
    const bool ends_by_due = o.duration_s > 0.0 && arrivals.ramp == Arrivals::Ramp::none &&
                             std::isfinite(mean_rate(arrivals)) && asked <= most;
    if (ends_by_due) {
      const std::size_t due = arrivals_before(arrivals, from_s(o.duration_s), asked, seed);
      if (due > 0) return static_cast<std::uint32_t>(due);
      return input_error(format("no request is due within {:g} s", o.duration_s));
    }
    const bool may_end = !series.pieces.empty() && series.pieces.back().end_per_s == 0.0;
    if (!may_end || series.repeats || asked > most) return asked;
    const std::size_t due =
        arrivals_before(arrivals, from_s(duration_s(series)), std::size_t{asked}, seed);
    if (due >= asked) return asked;
    return input_error(
        format("--num-prompts {}: {} ends after {} requests", asked, series_label(series), due));
  }
  const double seconds = o.duration_s > 0.0 ? o.duration_s : default_seconds(o, arrivals);
  if (arrivals.ramp != Arrivals::Ramp::none) {
    const double rate = std::max(arrivals.ramp_start_per_s, arrivals.ramp_end_per_s);
    const double requests = std::ceil(rate * (o.duration_s > 0.0 ? 1.2 * seconds + 10.0 : seconds));
    const auto count = static_cast<std::uint32_t>(std::min(requests, static_cast<double>(limit)));
    return o.duration_s > 0.0
               ? count
               : std::clamp(count, default_rate_requests_min, default_rate_requests_max);
  }
  if (series.pieces.empty() && std::isinf(arrivals.rate_per_s)) return default_inf_requests;
  const bool is_whole = o.duration_s > 0.0 || !o.rate_series.empty() || !o.ramp.empty();
  if (is_whole) {
    const std::size_t due = arrivals_before(arrivals, from_s(seconds), limit, seed);
    if (due > 0) return static_cast<std::uint32_t>(due);
    return input_error(format("no request is due within {:g} s", seconds));
  }
  const double requests = std::ceil(mean_rate(arrivals) * seconds);
  return std::clamp(static_cast<std::uint32_t>(std::min(requests, 1e6)), default_rate_requests_min,
                    default_rate_requests_max);
}

}  // namespace tacho
