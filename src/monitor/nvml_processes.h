// Which processes use a GPU: three lists of NVML (compute, graphics, MPS) become one, each process
// with its memory and what its kernels did of late.
#pragma once

#include <vector>

#include "monitor/nvml_device.h"
#include "monitor/processes.h"

namespace tacho {

/// Appends a subject for each process of the device. What could not be asked is noted in the
/// reader's own subject. `now_wall_ns` is the wall clock's, by which NVML stamps.
void read_nvml_processes(NvmlReader& reader, const NvmlDevice& device, ProcessTable& table,
                         std::int64_t now_wall_ns, std::vector<Subject>& out);

}  // namespace tacho
