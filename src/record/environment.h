// The facts of the machine that a run was made on. A figure without them cannot be compared with
// another: the clock source, the power governor or a CPU quota move a measurement as much as the
// server does.
#pragma once

#include <string>

#include "base/json.h"

namespace tacho {

/// The machine as JSON for the manifest: CPU, memory, system, limits, accelerators and their
/// drivers, network.
///
/// Only files below /proc, /sys, /etc and the drivers' own folders are read; no program is started,
/// so it cannot hang on a sick device and takes a few milliseconds. What cannot be read is
/// "unknown"; a list that could be read and holds nothing is empty. Host names, addresses and
/// serial numbers are left out. `root` stands before every path, for tests and for a host's file
/// system mounted into a container.
Json collect_environment(const std::string& root = "/");

}  // namespace tacho
