// The commands that main.cpp lists, one function for each file.
#pragma once

#include "cli/flags.h"

namespace tacho {

/// `tacho bench`: puts load on a server and reports.
Command bench_command();
/// `tacho sim`: the built-in engine as a server.
Command sim_command();
/// `tacho sim validate`: how right the engine's model is.
Command sim_validate_command();
/// `tacho sim fit`: profiles from one's own runs.
Command sim_fit_command();
/// `tacho plan`: the GPUs for a load, and what they cost.
Command plan_command();
/// `tacho calibrate`: what this machine can carry, and at what error.
Command calibrate_command();
/// `tacho monitor`.
Command monitor_command();
/// `tacho report`: renders a run directory again.
Command report_command();
/// `tacho dataset`: looks into and generates datasets.
Command dataset_command();
/// `tacho export`: rules and dashboards for other programs.
Command export_command();
/// `tacho metrics`: the list of metrics, each with its one meaning.
Command metrics_command();
/// `tacho print`: the man page and shell completions.
Command print_command();
/// `tacho version`.
Command version_command();

}  // namespace tacho
