#include "sim/fit_loads.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sim/profile_lists.h"
#include "stats/distribution.h"

namespace tacho {
namespace {

/// E2E says again what the others say.
constexpr double e2e_weight = 0.4;
/// Whether a request just made it into a step or just missed it is chance, so means are compared:
/// of so many requests of alike prompts, in so many groups of a load at most.
constexpr std::size_t group_least = 8, groups_max = 6;

double log_ratio(double simulated_s, double measured_s) {
  return std::log(std::max(simulated_s, 1e-9) / std::max(measured_s, 1e-9));
}

/// The measured requests of a load in groups of alike prompts, as their indices.
std::vector<std::vector<std::size_t>> groups_of(const ServedLoad& load) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    if (load.requests[i].is_measured) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return load.requests[a].input < load.requests[b].input;
  });
  const std::size_t count = std::clamp<std::size_t>(order.size() / group_least, 1, groups_max);
  std::vector<std::vector<std::size_t>> groups(count);
  for (std::size_t i = 0; i < order.size(); ++i)
    groups[i * count / order.size()].push_back(order[i]);
  return groups;
}

/// Sums of the times of some requests.
struct Times {
  double ttft = 0.0, tpot = 0.0, e2e = 0.0;
  void add(const ServedRequest& one) {
    ttft += one.ttft_s();
    tpot += one.tpot_s();
    e2e += one.e2e_s();
  }
};

void add_residuals(const std::vector<ServedRequest>& replayed, const ServedLoad& load,
                   const std::vector<std::vector<std::size_t>>& groups,
                   std::vector<double>& residuals) {
  for (const auto& group : groups) {
    Times is, was;
    for (const std::size_t i : group) {
      is.add(replayed[i]);
      was.add(load.requests[i]);
    }
    residuals.push_back(log_ratio(is.ttft, was.ttft));
    residuals.push_back(was.tpot > 0.0 ? log_ratio(is.tpot, was.tpot) : 0.0);
    residuals.push_back(e2e_weight * log_ratio(is.e2e, was.e2e));
  }
}

/// Of the measured requests of one load.
struct Totals {
  Times times;
  std::size_t requests = 0;
  double tokens = 0.0, first = 1e300, last = 0.0;

  explicit Totals(const std::vector<ServedRequest>& all) {
    for (const ServedRequest& one : all) {
      if (!one.is_measured) continue;
      ++requests;
      times.add(one);
      tokens += one.output;
      first = std::min(first, one.sent_s);
      last = std::max(last, one.last_s);
    }
  }
  double throughput() const { return tokens / std::max(last - first, 1e-9); }
};

double relative(double simulated, double measured) {
  return measured > 0.0 ? simulated / measured - 1.0 : 0.0;
}

LoadError error_of(const ServedLoad& load, const std::vector<ServedRequest>& replayed) {
  const Totals was(load.requests), is(replayed);
  return {load.label,
          was.requests,
          relative(is.times.ttft, was.times.ttft),
          relative(is.times.tpot, was.times.tpot),
          relative(is.times.e2e, was.times.e2e),
          relative(is.throughput(), was.throughput())};
}

ErrorSpread spread_of(std::vector<double> errors) {
  std::sort(errors.begin(), errors.end());
  ErrorSpread spread;
  spread.bias = percentile_of_sorted(errors, 50);
  for (double& error : errors) error = std::abs(error);
  std::sort(errors.begin(), errors.end());
  spread.median = percentile_of_sorted(errors, 50);
  spread.p90 = percentile_of_sorted(errors, 90);
  return spread;
}

/// Errors of single requests, gathered over loads.
struct RequestErrors {
  std::vector<double> ttft, tpot, e2e;

  void add(const ServedLoad& load, const std::vector<ServedRequest>& replayed) {
    for (std::size_t i = 0; i < replayed.size(); ++i) {
      const ServedRequest &was = load.requests[i], &is = replayed[i];
      if (!was.is_measured) continue;
      ttft.push_back(relative(is.ttft_s(), was.ttft_s()));
      if (was.output > 1) tpot.push_back(relative(is.tpot_s(), was.tpot_s()));
      e2e.push_back(relative(is.e2e_s(), was.e2e_s()));
    }
  }
  void put_into(LoadErrors& errors) const {
    errors.ttft = spread_of(ttft);
    errors.tpot = spread_of(tpot);
    errors.e2e = spread_of(e2e);
  }
};

/// Fits the server to all loads but that one (none: no such index).
std::vector<FittedConstant> fit_without(ModelledServer& server,
                                        const std::vector<ServedLoad>& loads, std::size_t left_out,
                                        const std::vector<ConstantName>& names,
                                        const FitRules& rules,
                                        const std::function<void()>& progress) {
  std::vector<FittedConstant> all;
  std::vector<double> bounds;
  for (const ConstantName& name : names) {
    const double value = *place_of(server, name);
    all.push_back({name, value, value});
    bounds.push_back(std::max(1.0, constant_max(name.name) / value));
  }
  std::vector<std::vector<std::vector<std::size_t>>> groups;
  for (const ServedLoad& load : loads) groups.push_back(groups_of(load));
  const auto put = [&](const std::vector<double>& factors) {
    for (std::size_t i = 0; i < all.size(); ++i)
      *place_of(server, all[i].name) =
          std::min(all[i].before * factors[i], constant_max(all[i].name.name));
  };
  const auto residuals = [&](const std::vector<double>& factors) {
    put(factors);
    std::vector<double> residuals_now;
    for (std::size_t l = 0; l < loads.size(); ++l) {
      if (l == left_out) continue;
      const auto replayed = replay(server, loads[l], true);
      TACHO_ASSERT(replayed.ok());  // It fits with all constants: none is of the memory.
      add_residuals(*replayed, loads[l], groups[l], residuals_now);
    }
    progress();
    return residuals_now;
  };
  put(fit_factors(bounds, residuals, rules));
  for (FittedConstant& one : all) one.after = *place_of(server, one.name);
  return all;
}

/// Fits anew without each load and says the error on it; notes where the constants went.
LoadErrors errors_unseen(const ModelledServer& before, const std::vector<ServedLoad>& loads,
                         const std::vector<ConstantName>& names, const FitRules& rules,
                         const std::function<void()>& progress, LoadFit& fit) {
  LoadErrors errors;
  RequestErrors single;
  for (std::size_t l = 0; l < loads.size(); ++l) {
    ModelledServer server = before;
    const auto constants = fit_without(server, loads, l, names, rules, progress);
    for (std::size_t i = 0; i < constants.size(); ++i) {
      auto& range = fit.constants[i].range;
      const double value = constants[i].after;
      range = range ? std::pair(std::min(range->first, value), std::max(range->second, value))
                    : std::pair(value, value);
    }
    const auto replayed = replay(server, loads[l], true);
    TACHO_ASSERT(replayed.ok());
    errors.loads.push_back(error_of(loads[l], *replayed));
    single.add(loads[l], *replayed);
  }
  single.put_into(errors);
  return errors;
}

}  // namespace

FitRules run_fit_rules() {
  FitRules rules;
  rules.rounds = 10;
  rules.prior = 1.4;
  rules.search = 0.16;
  return rules;
}

std::vector<ConstantName> usual_constants(const ModelledServer& server) {
  ModelledServer copy = server;
  const NumberFormat narrow = server.serving.precision;
  const bool has_blocks = narrow == NumberFormat::fp8 && server.model.fp8_blocks;
  const NumberFormat dense =
      server.model.only_experts_are_narrow(narrow) ? NumberFormat::bf16 : narrow;
  const std::string& engine = server.serving.engine.id;
  const std::string gemm = GpuProfile::law_name(server.gpu.gemm, engine, dense, has_blocks),
                    moe = GpuProfile::law_name(server.gpu.moe, engine, narrow, has_blocks);
  std::vector<ConstantName> names{{server.gpu.id, "gemm." + gemm + ".0"},
                                  {server.gpu.id, "gemm." + gemm + ".1"}};
  if (gemm.empty()) names = {{server.gpu.id, "efficiency"}};
  if (server.model.experts > 0 && !moe.empty()) {
    names.push_back({server.gpu.id, "moe." + moe + ".0"});
    names.push_back({server.gpu.id, "moe." + moe + ".1"});
  }
  for (const char* name : {"step_ms", "sequence_us", "request_ms", "prompt_token_us"})
    names.push_back({engine, name});
  // A fit moves constants by factors, so it cannot move a zero.
  std::erase_if(names, [&](const ConstantName& name) {
    const double* place = place_of(copy, name);
    return place == nullptr || !(*place > 0.0);
  });
  return names;
}

Result<ConstantName> parse_constant(const ModelledServer& server, std::string_view name) {
  ModelledServer copy = server;
  for (const std::string& owner : {server.serving.engine.id, server.gpu.id}) {
    ConstantName found{owner, std::string(name)};
    const double* place = place_of(copy, found);
    if (place == nullptr || name == "memory_share" || name == "reserve_gb") continue;
    if (*place > 0.0) return found;
    return input_error(
        format("{} is 0 in the profile, and a fit moves constants by factors", found.text()));
  }
  std::vector<std::string> known = engine_constants();
  std::erase_if(known,
                [](const auto& one) { return one == "memory_share" || one == "reserve_gb"; });
  for (const auto& [law, constants] : server.gpu.gemm) known.push_back("gemm." + law + ".0");
  return input_error(
      format("no constant '{}' to fit; there are {}, with .1 for the bandwidth and "
             ".2 for the start (docs/engine-model.md)",
             name, join(known, ", ")));
}

Result<LoadErrors> load_errors(const ModelledServer& server, const std::vector<ServedLoad>& loads) {
  LoadErrors errors;
  RequestErrors single;
  for (const ServedLoad& load : loads) {
    const auto replayed = replay(server, load, true);
    if (!replayed) return replayed.error();
    errors.loads.push_back(error_of(load, *replayed));
    single.add(load, *replayed);
  }
  single.put_into(errors);
  return errors;
}

Result<LoadFit> fit_loads(ModelledServer& server, const std::vector<ServedLoad>& loads,
                          const std::vector<ConstantName>& names, const FitRules& rules,
                          const std::function<void(std::size_t, std::size_t)>& progress) {
  LoadFit fit;
  auto before = load_errors(server, loads);
  if (!before) return before.error();
  fit.before = std::move(*before);
  const std::size_t fits = loads.size() > 1 ? loads.size() + 1 : 1;
  // About: a round moves each constant once and then tries a step or two, and the search moves each
  // both ways some dozens of times.
  const std::size_t most =
      fits * (static_cast<std::size_t>(rules.rounds) * (names.size() + 2) + 40 * names.size());
  std::size_t done = 0;
  const auto count = [&] { progress(std::min(++done, most), most); };
  const ModelledServer started = server;
  for (auto& one : fit_without(server, loads, loads.size(), names, rules, count))
    fit.constants.push_back({std::move(one), std::nullopt});
  auto after = load_errors(server, loads);
  TACHO_ASSERT(after.ok());
  fit.after = std::move(*after);
  if (loads.size() > 1) fit.unseen = errors_unseen(started, loads, names, rules, count, fit);
  return fit;
}

}  // namespace tacho
