// Single replicas side by side under the same loads: what a published comparison of GPUs measures,
// and what one looks at before there are bounds to plan for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/planner.h"

namespace tacho {

/// One replica under one load.
struct ComparedPoint {
  std::size_t choice = 0;   ///< Its place in Comparison::choices.
  std::uint32_t users = 0;  ///< 0: the load is a rate.
  LoadFigures figures;
};

/// All of them.
struct Comparison {
  std::vector<PlanChoice> choices;  ///< Of one replica each; those that do not fit have no points.
  std::vector<ComparedPoint> points;  ///< By load, then by choice.
};

/// Runs one replica of each configuration with each number of users, or at the question's rate when
/// there are none, for so long in virtual time.
Comparison compare(const PlanQuestion& question, const std::vector<std::uint32_t>& users,
                   double duration_s,
                   const std::function<void(std::size_t, std::size_t)>& progress);

/// As a table with the order of the GPUs under each load, and as JSON.
std::string comparison_table(const Comparison& comparison, const PlanQuestion& question,
                             double duration_s);
Json comparison_json(const Comparison& comparison, const PlanQuestion& question, double duration_s);

}  // namespace tacho
