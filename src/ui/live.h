// The live screen: reads the sampler at its interval, keeps the past, draws, and does what keys ask
// for until the user has seen enough.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/sampler.h"
#include "ui/terminal.h"
#include "ui/view.h"

namespace tacho {

/// What the screen is told when it begins.
struct LiveOptions {
  TerminalOptions terminal;
  ViewState view;  ///< As it is at the beginning.
  Duration interval = std::chrono::seconds(1);
  std::string source;  ///< Whose readings these are; "" for this host's name.
  bool is_remote = false;
  /// What someone should read, the most important first; asked once for each reading.
  std::function<std::vector<Notice>(const Snapshot&, const History&)> notices;
};

/// Shows the screen until q or a signal; the exit code: 0, or 130 after ^C or a signal.
Result<int> run_live(Sampler& sampler, const LiveOptions& options);

}  // namespace tacho
