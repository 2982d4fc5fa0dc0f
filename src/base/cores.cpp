#include "base/cores.h"

#include <sched.h>

#include <algorithm>

namespace tacho {

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

bool keep_on_cores(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  return !cores.empty() && sched_setaffinity(0, sizeof set, &set) == 0;
}

std::vector<int> worker_cores(std::size_t workers) {
  std::vector<int> cores = usable_cores();
  if (cores.size() < 2 || workers >= cores.size()) return {};
  std::reverse(cores.begin(), cores.end());
  cores.resize(workers);
  return cores;
}

}  // namespace tacho
