// One reading as plain text, for a terminal or a log.
#pragma once

#include <string>

#include "monitor/snapshot.h"

namespace tacho {

/// A table of devices, one of engines, and the host, in that order; what could not be read is said.
std::string reading_text(const Snapshot& snapshot);

}  // namespace tacho
