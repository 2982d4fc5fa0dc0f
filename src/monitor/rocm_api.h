// What tacho needs of ROCm SMI, AMD's library: our own declarations of the functions that have kept
// their form through its versions, as its documentation has them.
#pragma once

#include <cstdint>

#include "monitor/library.h"

namespace tacho {

/// Answers of ROCm SMI that mean something to us.
enum RocmCode : int {
  rocm_success = 0,
  rocm_not_supported = 2,
  rocm_file_error = 3,
  rocm_permission = 4,
  rocm_init_error = 8,
  rocm_not_implemented = 9,
  rocm_not_found = 10,
  rocm_insufficient_size = 11,
  rocm_no_data = 14,
  rocm_busy = 16,
  rocm_function_not_found = -1,
};

/// Numbers of sensors and kinds.
enum RocmNumber : unsigned {
  rocm_edge = 0,
  rocm_junction = 1,
  rocm_memory_sensor = 2,
  rocm_current = 0,
  rocm_critical = 5,
  rocm_vram = 0,
  rocm_block_memory = 1,
};

/// One process, over all devices or on one.
struct RocmProcess {
  std::uint32_t pid, address_space;
  std::uint64_t memory_bytes, sdma_us;
  std::uint32_t compute_units_percent;
};
/// Memory errors since the driver was loaded.
struct RocmErrors {
  std::uint64_t corrected, uncorrected;
};
static_assert(sizeof(RocmProcess) == 32 && sizeof(RocmErrors) == 16);

/// A function of ROCm SMI. Most are told the number of a device.
template <class... Arguments>
using RocmCall = VendorCall<rocm_function_not_found, Arguments...>;

/// The functions of the library that was found.
struct RocmApi {
  Library library;
  RocmCall<std::uint64_t> init;
  RocmCall<> shut_down;
  RocmCall<std::uint32_t*> count;
  RocmCall<std::uint32_t, char*, std::size_t> name;
  RocmCall<std::uint32_t, std::uint64_t*> unique_id, pci_id, pcie_replays;
  RocmCall<std::uint32_t, std::uint32_t*> busy, memory_busy;
  RocmCall<std::uint32_t, int, std::uint64_t*> memory_total, memory_used;
  RocmCall<std::uint32_t, std::uint32_t, int, std::int64_t*> temperature;
  RocmCall<std::uint32_t, std::uint32_t, std::uint64_t*> power, power_cap, fan_max;
  RocmCall<std::uint32_t, std::uint64_t*, float*, std::uint64_t*> energy;
  RocmCall<std::uint32_t, std::uint32_t, std::int64_t*> fan;
  RocmCall<std::uint32_t, std::uint64_t, RocmErrors*> errors;
  RocmCall<RocmProcess*, std::uint32_t*> processes;
  RocmCall<std::uint32_t, std::uint32_t*, std::uint32_t*> devices_of_process;
  RocmCall<std::uint32_t, std::uint32_t, RocmProcess*> process_on_device;
};

}  // namespace tacho
