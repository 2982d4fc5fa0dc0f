#include "sim/validate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"
#include "base/text.h"
#include "sim/virtual_engine.h"
#include "stats/distribution.h"

namespace tacho {
namespace {

/// Requests of one length, sent together, go on beginning and ending together in a simulation; real
/// ones drift apart. So the lengths of a fixed rule vary by this much.
constexpr double jitter = 0.02;

std::uint32_t draw_length(Random& random, std::uint32_t length, double least_share) {
  const double least = std::min(least_share, 1.0 - jitter);
  const double share = least + (1.0 - least) * random.uniform();
  return std::max(1u, static_cast<std::uint32_t>(std::lround(length * share)));
}

EngineOptions engine_options(const MeasuredPoint& point, const StepTime& time) {
  EngineOptions options = point.engine;
  options.max_num_seqs = point.concurrency;
  options.kv_tokens = time.kv_tokens();
  options.prefix_caching = false;  // All prompts of these measurements are different.
  return options;
}

double relative(double simulated, double measured) {
  return measured > 0.0 ? simulated / measured - 1.0 : 0.0;
}

ErrorSpread spread(const std::vector<const PointResult*>& results, double PointFigures::*figure) {
  std::vector<double> signed_errors, errors;
  for (const PointResult* result : results) {
    signed_errors.push_back(relative(result->simulated.*figure, result->measured.*figure));
    errors.push_back(std::abs(signed_errors.back()));
  }
  std::sort(errors.begin(), errors.end());
  std::sort(signed_errors.begin(), signed_errors.end());
  return {percentile_of_sorted(errors, 50), percentile_of_sorted(errors, 90),
          percentile_of_sorted(signed_errors, 50)};
}

FamilyErrors errors_of(std::string family, const std::vector<const PointResult*>& results) {
  FamilyErrors errors{std::move(family), results.size(), {}, {}, {}, {}};
  if (results.empty()) return errors;
  errors.ttft = spread(results, &PointFigures::ttft_ms);
  errors.tpot = spread(results, &PointFigures::tpot_ms);
  errors.e2e = spread(results, &PointFigures::e2e_ms);
  errors.throughput = spread(results, &PointFigures::tokens_per_s);
  return errors;
}

void rank(Validation& validation) {
  double agreement = 0.0;
  const auto& all = validation.results;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (!all[i].left_out.empty() || !all[j].left_out.empty()) continue;
      if (all[i].point->shape != all[j].point->shape) continue;
      if (all[i].point->family == all[j].point->family) continue;
      const double measured = all[i].measured.e2e_ms - all[j].measured.e2e_ms;
      const double simulated = all[i].simulated.e2e_ms - all[j].simulated.e2e_ms;
      agreement += measured * simulated > 0.0 ? 1.0 : -1.0;
      ++validation.pairs;
    }
  }
  if (validation.pairs > 0) {
    validation.kendall_tau = agreement / static_cast<double>(validation.pairs);
  }
}

void group(Validation& validation) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const PointResult*>> members;
  std::vector<const PointResult*> everything;
  for (const PointResult& result : validation.results) {
    if (!result.left_out.empty()) {
      ++validation.left_out;
      continue;
    }
    auto& family = members[result.point->family];
    if (family.empty()) order.push_back(result.point->family);
    family.push_back(&result);
    everything.push_back(&result);
  }
  for (const auto& family : order)
    validation.families.push_back(errors_of(family, members[family]));
  validation.families.push_back(errors_of("all", everything));
}

std::size_t count_fitted(const std::vector<MeasuredPoint>& points) {
  std::set<std::string> fitted;
  for (const MeasuredPoint& point : points) {
    for (const auto& name : point.gpu.fitted) fitted.insert(point.gpu.id + " " + name);
    const EngineProfile& engine = point.serving.engine;
    for (const auto& name : engine.fitted) fitted.insert(engine.id + " " + name);
  }
  return fitted.size();
}

}  // namespace

PointFigures simulate(const MeasuredPoint& point, std::uint32_t requests_per_slot) {
  const StepTime time(point.gpu, point.model, point.serving);
  Random random(Seed{0}, "validate");
  std::vector<VirtualRequest> requests;
  const std::size_t count = std::size_t{point.concurrency} * requests_per_slot;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t input = draw_length(random, point.input, point.least_share);
    const std::uint32_t output = draw_length(random, point.output, point.least_share);
    requests.emplace_back(instant_from_ns(0), input, output);
  }
  VirtualOptions options;
  options.concurrency = point.concurrency;
  options.handover = [handover = time.request_overhead(point.input)](const Sequence&) {
    return handover;
  };
  options.plans_ahead = point.serving.engine.plans_ahead;
  run_virtual([&](const StepWork& work) { return time.of(work); }, engine_options(point, time),
              requests, options);
  PointFigures mean;
  double tokens = 0.0;
  for (const VirtualRequest& request : requests) {
    const Duration first = request.first_token - request.sent;
    const Duration rest = request.last_token - request.first_token;
    mean.ttft_ms += to_ms(first);
    mean.e2e_ms += to_ms(first + rest);
    mean.tpot_ms += request.output_tokens > 1 ? to_ms(rest) / (request.output_tokens - 1) : 0.0;
    tokens += request.output_tokens;
  }
  const auto n = static_cast<double>(count);
  mean.ttft_ms /= n;
  mean.e2e_ms /= n;
  mean.tpot_ms /= n;
  mean.tokens_per_s = tokens / n * point.concurrency / (mean.e2e_ms / 1e3);
  return mean;
}

bool has_room(const MeasuredPoint& point) {
  const StepTime time(point.gpu, point.model, point.serving);
  const EngineOptions options = engine_options(point, time);
  return std::uint64_t{options.blocks()} * options.block_size >=
         std::uint64_t{point.input} + point.output + 32;
}

PointFigures measured_figures(const MeasuredPoint& point) {
  PointFigures figures{point.ttft_ms, point.tpot_ms, 0.0, 0.0};
  figures.e2e_ms = point.ttft_ms + point.tpot_ms * (point.output_mean() - 1.0);
  figures.tokens_per_s = point.concurrency * point.output_mean() / (figures.e2e_ms / 1e3);
  return figures;
}

Validation validate(const std::vector<MeasuredPoint>& points, std::uint32_t requests_per_slot,
                    const std::function<void(std::size_t)>& progress) {
  Validation validation;
  for (const MeasuredPoint& point : points) {
    PointResult result{&point, measured_figures(point), {}, {}};
    if (!has_room(point)) {
      result.left_out = "does not fit";
    } else {
      if (point.is_saturated) result.left_out = "measured with a full cache";
      result.simulated = simulate(point, requests_per_slot);
    }
    validation.results.push_back(std::move(result));
    progress(validation.results.size());
  }
  group(validation);
  rank(validation);
  validation.fitted_constants = count_fitted(points);
  return validation;
}

}  // namespace tacho
