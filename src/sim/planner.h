// Which GPUs, how many and how set up carry a load within its bounds, and at what cost. Everything
// that can be excluded by arithmetic is; the rest is run in virtual time, with as many replicas as
// it needs. docs/plan.md has it in words.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/planner_band.h"
#include "sim/planner_load.h"
#include "sim/prices.h"

namespace tacho {

/// What is tried: the product of the lists.
struct PlanGrid {
  ModelProfile model;
  EngineProfile engine;
  std::vector<GpuProfile> gpus;
  std::vector<NumberFormat> precisions;  ///< Empty: as published, and 8 bit where the GPU has it.
  std::vector<std::uint32_t> tensor_parallel{1, 2, 4, 8};
  std::vector<std::uint32_t> max_num_seqs{256};
  std::vector<std::uint32_t> max_num_batched_tokens{2048, 8192};
  double kv_element_bytes = 2.0;
  std::uint32_t num_gpu_blocks = 0;  ///< Of the cache, instead of what the memory has room for.
  bool is_eager = false;
  BatchPolicy policy = BatchPolicy::vllm;
  bool chunked_prefill = true;
};

/// How far the search goes.
struct PlanLimits {
  std::uint32_t gpus_max = 1024;  ///< Of one kind.
  std::size_t requests = 1000;    ///< Of one replica in a trial; a choice is checked with six times
                                  ///< as many.
  std::size_t shown = 10;         ///< Choices that get a capacity and a sensitivity.
  std::uint64_t seed = 0;
  unsigned threads = 1;
};

/// All that a plan depends on. It must outlive the plan, which points into it.
struct PlanQuestion {
  PlanGrid grid;
  Prices prices;
  PlanLoad load;
  std::vector<PlanBound> bounds;
  PlanLimits limits;
};

/// One configuration, and what became of it.
struct PlanChoice {
  enum class State {
    holds,       ///< With `replicas`, all bounds hold.
    no_room,     ///< The weights and the longest request do not fit.
    too_slow,    ///< Even an idle server breaks a bound.
    overloaded,  ///< The bounds do not hold with as many GPUs as are allowed.
  };
  const GpuProfile* gpu = nullptr;
  Serving serving;
  EngineOptions engine;
  double usd_per_gpu_hour = 0.0;
  std::uint64_t kv_tokens = 0;
  double weights_gb = 0.0;  ///< On one GPU.
  ErrorBand band;
  State state = State::holds;
  std::string reason;    ///< Of any other state, and why one replica less would not do.
  bool is_near = false;  ///< It fails by no more than the model may be wrong.
  std::string binds;     ///< The bound that breaks first, and the resource behind it.
  std::uint32_t replicas = 1;
  LoadFigures figures;       ///< Of one replica.
  double capacity = 0.0;     ///< Requests/s of all replicas with bounds held; 0: not asked.
  bool is_explored = false;  ///< The two below are known.
  std::uint32_t replicas_if_slower = 0;  ///< All times longer by the error band; 0: none do.
  std::uint32_t replicas_if_faster = 0;  ///< All times shorter by it.

  std::uint32_t gpus() const { return replicas * serving.tensor_parallel; }
  double usd_per_hour() const { return gpus() * usd_per_gpu_hour; }
  /// Of one replica.
  double least_usd_per_hour() const { return serving.tensor_parallel * usd_per_gpu_hour; }
  /// Dollars for a million output tokens at this load.
  double usd_per_million() const;
  /// True when it holds even if the model is wrong by its error band.
  bool is_sure() const { return replicas_if_slower > 0 && replicas_if_slower <= replicas; }
};

/// What would become of the plan if something were otherwise.
struct WhatIf {
  std::string change;    ///< "rate +20 %".
  std::string cheapest;  ///< The cheapest choice then, as choice_name(); empty: none holds.
  double usd_per_hour = 0.0;
  std::uint32_t replicas_of_first = 0;  ///< The first choice's then; 0: none do.
  double usd_per_hour_of_first = 0.0;
};

/// The whole plan.
struct Plan {
  std::vector<PlanChoice> choices;  ///< Those that hold first, by cost; then the others.
  std::size_t holding = 0;
  std::vector<WhatIf> what_ifs;
  std::string next_cheaper;  ///< Why the next cheaper option fails; empty: nothing is cheaper.
  /// What a GPU of the first choice may cost an hour until another is cheaper; 0: there is none.
  double first_usd_most = 0.0;
  std::vector<std::string> unpriced;  ///< GPUs without a price, left out.
};

/// All configurations of the grid that the model's shape allows; GPUs without a price are left out.
std::vector<PlanChoice> plan_choices(const PlanGrid& grid, const Prices& prices);

/// Makes the plan; `progress` is told how many configurations are done, from any thread.
Plan make_plan(const PlanQuestion& question,
               const std::function<void(std::size_t done, std::size_t all)>& progress);

/// Of the choices that hold, the best scheduler settings for each GPU, precision and number of GPUs
/// a replica; by cost.
std::vector<const PlanChoice*> best_of_each(const Plan& plan);

/// Those of them that nothing beats both in cost and in the time of a request (p50 of E2E).
std::vector<const PlanChoice*> pareto_front(const std::vector<const PlanChoice*>& choices);

/// One line: the configuration, such as "2 × (4 × h100) fp8".
std::string choice_name(const PlanChoice& choice);

/// The same for one replica: "4 × h100 fp8".
std::string configuration_name(const PlanChoice& choice);

/// Runs one replica of a choice as `tacho bench` with this seed and number of requests would: the
/// same arrivals, and no warm-up.
LoadFigures expect_run(const PlanQuestion& question, const PlanChoice& choice,
                       std::size_t requests);

/// Mean and percentiles of times, in ms.
Json times_json(const PlanTimes& times);

/// The load, the bounds: one line each.
std::string load_text(const PlanLoad& load);
std::string bounds_text(const std::vector<PlanBound>& bounds);

/// The plan as a table, as a plot of cost against time, and as JSON.
std::string plan_table(const Plan& plan, const PlanQuestion& question);
std::string plan_plot(const Plan& plan);
Json plan_json(const Plan& plan, const PlanQuestion& question);

}  // namespace tacho
