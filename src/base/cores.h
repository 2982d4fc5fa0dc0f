// Which cores a thread runs on. A generator that shares a core with the server it measures is woken
// late: the scheduler lets the server finish its slice first, up to 4 ms on the machines this was
// seen on.
#pragma once

#include <vector>

namespace tacho {

/// The cores that this process may use, ascending.
std::vector<int> usable_cores();

/// Keeps the calling thread on these cores. False when the system does not allow it; nothing is
/// changed then.
bool keep_on_cores(const std::vector<int>& cores);

/// The cores of so many workers, from the last one down, and at most all but one. Empty when there
/// is no choice.
std::vector<int> worker_cores(std::size_t workers);

}  // namespace tacho
