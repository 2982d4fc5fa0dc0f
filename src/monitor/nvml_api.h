// What tacho needs of NVML, the library of NVIDIA's driver: our own declarations of its functions,
// structures and numbers, as its documentation has them. Sizes are checked, for they are the
// contract.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "monitor/library.h"

namespace tacho {

/// A GPU, a part of one, a set of events or a sample: NVML's own business.
using NvmlHandle = void*;

/// What NVML's functions answer.
enum NvmlCode : int {
  nvml_success = 0,
  nvml_uninitialized = 1,
  nvml_invalid_argument = 2,
  nvml_not_supported = 3,
  nvml_no_permission = 4,
  nvml_not_found = 6,
  nvml_insufficient_size = 7,
  nvml_driver_not_loaded = 9,
  nvml_timeout = 10,
  nvml_function_not_found = 13,
  nvml_gpu_is_lost = 15,
  nvml_reset_required = 16,
  nvml_version_mismatch = 18,
  nvml_unknown = 999,
};

/// The code in words, such as "this device does not offer it".
std::string nvml_words(int code);
/// True for codes that say that the whole library is of no use any more, until it is begun anew.
bool is_nvml_gone(int code);
/// True for codes that say that one device is of no use any more.
bool is_gpu_gone(int code);

/// The version word of a structure: its size and its version.
template <class T>
constexpr unsigned nvml_version(unsigned version) {
  return static_cast<unsigned>(sizeof(T)) | version << 24;
}

/// Percent of time.
struct NvmlUtilization {
  unsigned gpu, memory;
};
/// Bytes. What is used includes what the driver reserves.
struct NvmlMemory {
  std::uint64_t total, free, used;
};
/// Bytes. What is used does not include what the driver reserves.
struct NvmlMemory2 {
  unsigned version;
  std::uint64_t total, reserved, free, used;
};
struct NvmlBar1 {
  std::uint64_t total, free, used;
};
struct NvmlPci {
  char old_bus_id[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char bus_id[32];
};
struct NvmlTemperature {
  unsigned version;
  int sensor, celsius;
};
/// One value of many that have a number instead of a function.
struct NvmlField {
  unsigned field, scope;
  long long timestamp_us, took_us;
  int type, code;
  union {
    double real;
    unsigned u32;
    unsigned long u;
    unsigned long long u64;
    long long s64;
    int s32;
    unsigned short u16;
  } value;
};
struct NvmlProcess {
  unsigned pid;
  std::uint64_t memory_bytes;  ///< All ones: the driver cannot say.
  unsigned gpu_instance, compute_instance;
};
/// Of drivers before version 470.
struct NvmlProcess1 {
  unsigned pid;
  std::uint64_t memory_bytes;
};
struct NvmlProcessSample {
  unsigned pid;
  std::uint64_t timestamp_us;  ///< Of the wall clock.
  unsigned sm, memory, encoder, decoder;
};
/// Nanoseconds.
struct NvmlViolation {
  std::uint64_t reference, violation;
};
struct NvmlEvent {
  NvmlHandle device;
  std::uint64_t type, data;
  unsigned gpu_instance, compute_instance;
};
struct NvmlGpmSupport {
  unsigned version, is_supported;
};
struct NvmlGpmMetric {
  unsigned id;
  int code;
  double value;
  const char *short_name, *long_name, *unit;
};
/// The library writes as many metrics as are asked for; newer ones know more of them than fit into
/// the structure of an older header, so there is room for all.
struct NvmlGpmQuestion {
  unsigned version, count;
  NvmlHandle first, second;
  NvmlGpmMetric metrics[333];
};
static_assert(sizeof(NvmlMemory) == 24 && sizeof(NvmlMemory2) == 40 && sizeof(NvmlPci) == 68);
static_assert(sizeof(NvmlField) == 40 && sizeof(NvmlProcess) == 24 && sizeof(NvmlProcess1) == 16);
static_assert(sizeof(NvmlProcessSample) == 32 && sizeof(NvmlEvent) == 32);
static_assert(sizeof(NvmlGpmMetric) == 40 && sizeof(NvmlGpmQuestion) == 13344);
static_assert(nvml_version<NvmlTemperature>(1) == 0x0100000c);

/// A function of NVML.
template <class... Arguments>
using NvmlCall = VendorCall<nvml_function_not_found, Arguments...>;

/// The functions of the library that was found; an old driver's has not all of them.
struct NvmlApi {
  /// Opens the library at `path`, or the system's own where that is "". Nothing is asked of the
  /// driver yet.
  static Result<NvmlApi> open(const std::string& path);

  Library library;
  NvmlCall<> init, shutdown;
  NvmlCall<char*, unsigned> driver_version, library_version;
  NvmlCall<int*> cuda_version;
  NvmlCall<unsigned*> count;
  NvmlCall<unsigned, NvmlHandle*> handle_by_index;
  NvmlCall<NvmlHandle, char*, unsigned> name, uuid;
  NvmlCall<NvmlHandle, NvmlPci*> pci;
  NvmlCall<NvmlHandle, int*, int*> compute_capability;
  NvmlCall<NvmlHandle, NvmlUtilization*> utilization;
  NvmlCall<NvmlHandle, NvmlMemory2*> memory2;
  NvmlCall<NvmlHandle, NvmlMemory*> memory;
  NvmlCall<NvmlHandle, NvmlBar1*> bar1;
  NvmlCall<NvmlHandle, unsigned*, unsigned*> encoder, decoder;
  NvmlCall<NvmlHandle, NvmlTemperature*> temperature_v;
  NvmlCall<NvmlHandle, int, unsigned*> temperature, temperature_limit, clock, clock_max;
  NvmlCall<NvmlHandle, unsigned*> power, power_limit, fan;
  NvmlCall<NvmlHandle, int*> performance_state;
  NvmlCall<NvmlHandle, std::uint64_t*> energy, throttle_reasons;
  NvmlCall<NvmlHandle, int, NvmlViolation*> violation;
  NvmlCall<NvmlHandle, int, unsigned*> pcie_throughput;
  NvmlCall<NvmlHandle, unsigned*> pcie_generation, pcie_generation_max, pcie_width, pcie_width_max,
      pcie_replays;
  NvmlCall<NvmlHandle, int, NvmlField*> fields;
  NvmlCall<NvmlHandle, unsigned, int*> link_state;
  NvmlCall<NvmlHandle, int, int, std::uint64_t*> ecc_errors;
  NvmlCall<NvmlHandle, unsigned*, unsigned*, unsigned*, unsigned*> remapped_rows;
  NvmlCall<NvmlHandle, int*> retired_pages_pending;
  NvmlCall<NvmlHandle, unsigned*, NvmlProcess*> compute_processes, graphics_processes,
      mps_processes;
  NvmlCall<NvmlHandle, unsigned*, NvmlProcess1*> compute_processes1, graphics_processes1;
  NvmlCall<NvmlHandle, NvmlProcessSample*, unsigned*, std::uint64_t> process_samples;
  NvmlCall<NvmlHandle, unsigned*, unsigned*> mig_mode;
  NvmlCall<NvmlHandle, unsigned*> mig_count, gpu_instance, compute_instance;
  NvmlCall<NvmlHandle, unsigned, NvmlHandle*> mig_handle;
  NvmlCall<NvmlHandle*> event_set_create;
  NvmlCall<NvmlHandle> event_set_free;
  NvmlCall<NvmlHandle, std::uint64_t*> event_types;
  NvmlCall<NvmlHandle, std::uint64_t, NvmlHandle> register_events;
  NvmlCall<NvmlHandle, NvmlEvent*, unsigned> event_wait;
  NvmlCall<NvmlHandle, NvmlGpmSupport*> gpm_support;
  NvmlCall<NvmlHandle*> gpm_alloc;
  NvmlCall<NvmlHandle> gpm_free;
  NvmlCall<NvmlHandle, NvmlHandle> gpm_sample;
  NvmlCall<NvmlHandle, unsigned, NvmlHandle> gpm_sample_mig;
  NvmlCall<NvmlGpmQuestion*> gpm_metrics;
};

}  // namespace tacho
