// `tacho export dashboards`: boards, rules and what it takes to run them, as a folder of files.
#pragma once

#include <string>
#include <vector>

#include "monitor/alert_rules.h"

namespace tacho {

/// Writes the folder; the files that were written.
Result<std::vector<std::string>> write_dashboards(const std::string& folder,
                                                  const std::vector<AlertRule>& rules);

}  // namespace tacho
