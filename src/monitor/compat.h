// The names of other exporters for what tacho reads, so that their boards and alerts go on working:
// nvitop-exporter, dcgm-exporter, Ascend's npu-exporter.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/snapshot.h"

namespace tacho {

/// Whose names are written beside the canonical ones.
struct CompatNames {
  bool nvitop = false, dcgm = false, npu = false;
};

/// The sets of these words. The error names the ones that there are.
Result<CompatNames> parse_compat_names(const std::vector<std::string>& words);

/// The families under those names: what a snapshot has of them, in the units that they promise.
/// What cannot be had from it (a rate of each link, say) is not there.
std::string compat_page(const Snapshot& snapshot, const CompatNames& names, bool is_openmetrics);

}  // namespace tacho
