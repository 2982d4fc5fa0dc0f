// What the tables of plans and comparisons are made of.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "sim/planner.h"

namespace tacho {

using TableRow = std::vector<std::string>;

/// Lines of equal columns, flush right but for those that are words.
std::string aligned(const std::vector<TableRow>& rows, const std::set<std::size_t>& words);

/// "12.3 / 45.6", and a share in percent.
std::string figure_pair(double first, double second);
std::string percent_text(double share);

/// The lengths of a load, in words.
std::string lengths_text(const PlanLoad& load);

/// How far the figures of each GPU of these choices may be off.
std::string band_table(const std::vector<const PlanChoice*>& choices);

/// What an hour of each costs, seen when and where.
std::string price_table(const std::vector<const PlanChoice*>& choices, const Prices& prices);

/// One choice, with all its figures where it holds.
Json choice_json(const PlanChoice& choice);

/// Calls `work` for 0 ... count - 1 on several threads.
void in_parallel(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work);

}  // namespace tacho
