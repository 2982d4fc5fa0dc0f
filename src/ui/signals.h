// Sends signals to processes of the list, and never to another one that has got their number since.
#pragma once

#include <string>
#include <vector>

#include "monitor/snapshot.h"

namespace tacho {

/// Sends the signal to each of them and says what came of it, in one line. A process whose start
/// time is not known, or is another than in the snapshot, is left alone.
std::string send_signals(const Snapshot& snapshot, int signal, const std::vector<int>& pids);

}  // namespace tacho
