// One reading as plain text, for a terminal, a log, or a colleague.
#pragma once

#include <string>

#include "monitor/goodput.h"
#include "monitor/history.h"

namespace tacho {

/// The panels of the screen below each other, as wide as asked for and as high as they need to be.
/// Rates come from the history; quantiles are of all that an engine has counted since it began.
std::string once_text(const Snapshot& snapshot, const History& history, int width, bool is_ascii,
                      const ServiceBounds& service = {});

}  // namespace tacho
