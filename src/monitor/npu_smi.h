// Ascend NPUs without their library: `npu-smi info` is run and its table read, by the names of its
// columns, for products and versions differ in which there are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "monitor/probe.h"

namespace tacho {

/// What the table says: NPUs, and the processes on them.
std::vector<Subject> read_npu_smi(std::string_view table);

/// Where npu-smi is on PATH; "" when it is not.
std::string find_npu_smi();

/// Runs that program at each reading; it takes seconds on a large machine.
ProbePtr make_npu_smi_probe(const std::string& path);

}  // namespace tacho
