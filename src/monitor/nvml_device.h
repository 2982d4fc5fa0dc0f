// One GPU as NVML sees it, or a part of one (MIG): what it is, and what is read of it each time.
#pragma once

#include <string>
#include <vector>

#include "monitor/nvml_reader.h"

namespace tacho {

/// What a GPU, or a part of one, is; it does not change while the driver lives.
struct NvmlDevice {
  NvmlHandle handle = nullptr;
  unsigned index = 0;         ///< Of the GPU, as the driver counts.
  std::string id;             ///< "nvidia:0", or "nvidia:0:1" of a part.
  Labels labels;              ///< vendor, device, model, uuid, and mig of a part.
  Labels facts;               ///< What else is known by name: driver, bus, compute capability.
  bool is_part = false;       ///< It is a part; of which GPU instance is next.
  unsigned gpu_instance = 0;  ///< NVML's number of the part's GPU instance.
  bool is_parted = false;     ///< MIG is on: it has parts, and what runs runs there.
  unsigned links = 0;         ///< NVLinks that it has.
};

/// Asks for the GPU at that index. The answer is NVML's; on success `device` is filled in.
int find_nvml_device(const NvmlApi& api, unsigned index, NvmlDevice& device);

/// The parts of a GPU; none where MIG is off.
std::vector<NvmlDevice> find_nvml_parts(const NvmlApi& api, const NvmlDevice& parent);

/// Reads all that has a function or a field of its own. Activity, processes, PCIe throughput and
/// faults are read elsewhere.
void read_nvml_device(NvmlReader& reader, const NvmlDevice& device);

}  // namespace tacho
