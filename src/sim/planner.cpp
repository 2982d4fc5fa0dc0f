#include "sim/planner.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <tuple>

#include "base/text.h"
#include "sim/planner_search.h"
#include "sim/planner_tables.h"

namespace tacho {
namespace {

constexpr double what_if_step = 0.2;

std::vector<NumberFormat> precisions_of(const PlanGrid& grid, const GpuProfile& gpu) {
  if (!grid.precisions.empty()) return grid.precisions;
  std::vector<NumberFormat> all{grid.model.precision};
  const NumberFormat narrow = gpu.flops[static_cast<std::size_t>(NumberFormat::fp8)] > 0.0
                                  ? NumberFormat::fp8
                                  : NumberFormat::int8;
  const bool has_units = gpu.flops[static_cast<std::size_t>(narrow)] > 0.0;
  if (grid.model.precision == NumberFormat::bf16 && has_units) all.push_back(narrow);
  return all;
}

bool divides(const ModelProfile& model, std::uint32_t gpus) {
  return gpus <= model.heads && model.heads % gpus == 0;
}

/// The dearest way to spend less than the best choice does, and why it fails.
std::string next_cheaper(const Plan& plan) {
  const double best = plan.choices.front().usd_per_hour();
  double dearest = 0.0;
  std::string text;
  const auto consider = [&](double cost, const PlanChoice& choice, const std::string& what) {
    if (cost >= best || cost <= dearest) return;
    dearest = cost;
    text = format("{} for ${:.2f}/h: {}{}", what, cost, choice.reason,
                  choice.is_near ? near_words : "");
  };
  for (const PlanChoice& choice : plan.choices) {
    if (choice.state != PlanChoice::State::holds) {
      consider(choice.least_usd_per_hour(), choice, configuration_name(choice));
    } else if (choice.replicas > 1 && !choice.reason.empty()) {
      PlanChoice less = choice;
      --less.replicas;
      consider(less.usd_per_hour(), choice, choice_name(less));
    }
  }
  return text;
}

/// Loads that differ from the question's in one thing, and what that is.
std::vector<std::pair<std::string, PlanLoad>> other_loads(const PlanLoad& load) {
  std::vector<std::pair<std::string, PlanLoad>> loads;
  for (const double sign : {1.0, -1.0}) {
    PlanLoad other = load;
    other.rate *= 1.0 + sign * what_if_step;
    other.users = static_cast<std::uint32_t>(
        std::max(load.users > 0 ? 1.0 : 0.0, std::round(load.users * (1.0 + sign * what_if_step))));
    loads.emplace_back(format("{} {:+.0f} %", load.users > 0 ? "users" : "rate", sign * 20), other);
  }
  for (const double sign : {1.0, -1.0}) {
    PlanLoad other = load;
    const auto scaled = [&](std::uint32_t tokens) {
      return static_cast<std::uint32_t>(
          std::max(1.0, std::round(tokens * (1.0 + sign * what_if_step))));
    };
    for (PlanLengths& length : other.lengths)
      length = {scaled(length.input), scaled(length.output)};
    loads.emplace_back(format("lengths {:+.0f} %", sign * 20), other);
  }
  return loads;
}

/// What the cheapest of some choices would be with so many replicas of each, 0 for one that fails.
WhatIf what_if(std::string change, const std::vector<const PlanChoice*>& choices,
               const std::vector<std::uint32_t>& replicas, const GpuProfile* repriced,
               double price_factor) {
  WhatIf result;
  result.change = std::move(change);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    PlanChoice then = *choices[i];
    then.replicas = replicas[i];
    if (then.gpu == repriced) then.usd_per_gpu_hour *= price_factor;
    if (i == 0) {
      result.replicas_of_first = then.replicas;
      result.usd_per_hour_of_first = then.usd_per_hour();
    }
    if (then.replicas == 0) continue;
    if (!result.cheapest.empty() && then.usd_per_hour() >= result.usd_per_hour) continue;
    result.cheapest = choice_name(then);
    result.usd_per_hour = then.usd_per_hour();
  }
  return result;
}

void add_what_ifs(const PlanQuestion& question, const std::vector<const PlanChoice*>& choices,
                  Plan& plan) {
  const auto loads = other_loads(question.load);
  std::vector<std::vector<std::uint32_t>> replicas(loads.size(),
                                                   std::vector<std::uint32_t>(choices.size(), 0));
  in_parallel(loads.size() * choices.size(), question.limits.threads, [&](std::size_t i) {
    PlanChoice choice = *choices[i % choices.size()];
    const std::size_t which = i / choices.size();
    replicas[which][i % choices.size()] =
        ReplicaSearch(question, loads[which].second, choice).estimate();
  });
  for (std::size_t i = 0; i < loads.size(); ++i)
    plan.what_ifs.push_back(what_if(loads[i].first, choices, replicas[i], nullptr, 1.0));
  std::vector<std::uint32_t> as_is;
  for (const PlanChoice* choice : choices) as_is.push_back(choice->replicas);
  const GpuProfile* first = choices.front()->gpu;
  for (const double sign : {1.0, -1.0}) {
    plan.what_ifs.push_back(what_if(format("price of {} {:+.0f} %", first->id, sign * 20), choices,
                                    as_is, first, 1.0 + sign * what_if_step));
  }
}

/// What a GPU of the first choice may cost until a choice of other GPUs is cheaper.
double first_usd_most(const std::vector<const PlanChoice*>& choices) {
  const PlanChoice& first = *choices.front();
  for (const PlanChoice* choice : choices) {
    if (choice->gpu != first.gpu) return choice->usd_per_hour() / first.gpus();
  }
  return 0.0;
}

void sort_choices(Plan& plan) {
  // Of two at the same cost, the one that answers faster.
  const auto order = [](const PlanChoice& choice) {
    const bool holds = choice.state == PlanChoice::State::holds;
    return std::tuple(!holds, holds ? choice.usd_per_hour() : choice.least_usd_per_hour(),
                      holds ? choice.figures.e2e.p50 : 0.0);
  };
  std::stable_sort(plan.choices.begin(), plan.choices.end(),
                   [&](const auto& a, const auto& b) { return order(a) < order(b); });
  plan.holding = static_cast<std::size_t>(std::count_if(
      plan.choices.begin(), plan.choices.end(),
      [](const PlanChoice& choice) { return choice.state == PlanChoice::State::holds; }));
}

}  // namespace

double PlanChoice::usd_per_million() const {
  const double tokens_per_hour = figures.tokens_per_s * replicas * 3600.0;
  return tokens_per_hour > 0.0 ? usd_per_hour() / tokens_per_hour * 1e6 : 0.0;
}

std::string choice_name(const PlanChoice& choice) {
  const std::string each =
      choice.serving.tensor_parallel == 1
          ? choice.gpu->id
          : format("({} × {})", choice.serving.tensor_parallel, choice.gpu->id);
  return format("{} × {} {}", choice.replicas, each, to_text(choice.serving.precision));
}

std::string configuration_name(const PlanChoice& choice) {
  return format("{} × {} {}", choice.serving.tensor_parallel, choice.gpu->id,
                to_text(choice.serving.precision));
}

std::vector<PlanChoice> plan_choices(const PlanGrid& grid, const Prices& prices) {
  std::vector<PlanChoice> all;
  for (const GpuProfile& gpu : grid.gpus) {
    const Price* price = prices.find(gpu.id);
    if (price == nullptr) continue;
    PlanChoice choice;
    choice.gpu = &gpu;
    choice.usd_per_gpu_hour = price->usd_per_hour;
    choice.serving.engine = grid.engine;
    choice.serving.kv_element_bytes = grid.kv_element_bytes;
    choice.serving.is_eager = grid.is_eager;
    choice.engine.policy = grid.policy;
    choice.engine.num_gpu_blocks = grid.num_gpu_blocks;
    choice.engine.chunked_prefill = grid.chunked_prefill;
    choice.engine.prefix_caching = false;  // A plan does not count on prompts that are alike.
    for (const NumberFormat precision : precisions_of(grid, gpu)) {
      choice.serving.precision = precision;
      for (const std::uint32_t gpus : grid.tensor_parallel) {
        if (!divides(grid.model, gpus)) continue;
        choice.serving.tensor_parallel = gpus;
        for (const std::uint32_t sequences : grid.max_num_seqs) {
          choice.engine.max_num_seqs = sequences;
          for (const std::uint32_t tokens : grid.max_num_batched_tokens) {
            choice.engine.max_num_batched_tokens = tokens;
            all.push_back(choice);
          }
        }
      }
    }
  }
  return all;
}

Plan make_plan(const PlanQuestion& question,
               const std::function<void(std::size_t, std::size_t)>& progress) {
  Plan plan;
  for (const GpuProfile& gpu : question.grid.gpus) {
    if (question.prices.find(gpu.id) == nullptr) plan.unpriced.push_back(gpu.id);
  }
  plan.choices = plan_choices(question.grid, question.prices);
  std::atomic<std::size_t> done{0};
  in_parallel(plan.choices.size(), question.limits.threads, [&](std::size_t i) {
    ReplicaSearch(question, question.load, plan.choices[i]).run();
    progress(++done, plan.choices.size());
  });
  sort_choices(plan);
  if (plan.holding == 0) return plan;
  const auto best = best_of_each(plan);
  const std::vector<const PlanChoice*> shown(
      best.begin(),
      best.begin() + static_cast<std::ptrdiff_t>(std::min(best.size(), question.limits.shown)));
  in_parallel(shown.size(), question.limits.threads, [&](std::size_t i) {
    const auto index = static_cast<std::size_t>(shown[i] - plan.choices.data());
    ReplicaSearch(question, question.load, plan.choices[index]).explore();
  });
  add_what_ifs(question, shown, plan);
  plan.first_usd_most = first_usd_most(best);
  plan.next_cheaper = next_cheaper(plan);
  return plan;
}

std::vector<const PlanChoice*> best_of_each(const Plan& plan) {
  std::vector<const PlanChoice*> best;
  std::map<std::tuple<const GpuProfile*, NumberFormat, std::uint32_t>, bool> seen;
  for (std::size_t i = 0; i < plan.holding; ++i) {
    const PlanChoice& choice = plan.choices[i];
    bool& is_seen = seen[{choice.gpu, choice.serving.precision, choice.serving.tensor_parallel}];
    if (!is_seen) best.push_back(&choice);
    is_seen = true;
  }
  return best;
}

std::vector<const PlanChoice*> pareto_front(const std::vector<const PlanChoice*>& choices) {
  std::vector<const PlanChoice*> front;  // The choices come by cost.
  for (const PlanChoice* choice : choices) {
    if (front.empty() || choice->figures.e2e.p50 < front.back()->figures.e2e.p50)
      front.push_back(choice);
  }
  return front;
}

LoadFigures expect_run(const PlanQuestion& question, const PlanChoice& choice,
                       std::size_t requests) {
  PlanChoice copy = choice;
  return ReplicaSearch(question, question.load, copy)
      .run_one({.replicas = choice.replicas,
                .requests = requests,
                .seed = question.limits.seed,
                .has_warm_up = false});
}

}  // namespace tacho
