// One short name for all that a cell sends: two runs with the same digest sent the same requests on
// the same schedule, whatever the number of threads and wherever the server was.
#pragma once

#include <string>

#include "load/cell_plan.h"

namespace tacho {

/// FNV-1a of every request's id, due time, think time and body, warm-up included, and of when the
/// streams begin; 16 hexadecimal digits. Headers are left out: they name the server's address, and
/// a run's keys.
std::string workload_digest(const CellPlan& plan);

}  // namespace tacho
