// The table of commands.
#include "cli/commands.h"

#include <cstdio>

namespace tacho {

const std::vector<Command>& commands() {
  static const std::vector<Command> all{
      bench_command(),   sim_command(),       sim_validate_command(), sim_fit_command(),
      plan_command(),    calibrate_command(), monitor_command(),      report_command(),
      dataset_command(), export_command(),    metrics_command(),      print_command(),
      version_command(),
  };
  return all;
}

int fail(const Error& error) {
  std::fprintf(stderr, "tacho: %s\n", error.message.c_str());
  return error.kind == Error::Kind::input ? 2 : 4;
}

}  // namespace tacho
