// What is known of the last while from a monitor's history, so that the rules of a bench judge a
// service that somebody else loads.
#pragma once

#include <vector>

#include "diagnosis/finding.h"
#include "monitor/history.h"

namespace tacho {

/// The situation over `window`; the client's side is empty, for nobody measures there.
Situation live_situation(const History& history, const Snapshot& latest, Duration window);

/// What is found in it. Too little is known of a window with fewer than three readings of an
/// engine: then nothing is.
std::vector<Finding> live_findings(const History& history, const Snapshot& latest, Duration window);

}  // namespace tacho
