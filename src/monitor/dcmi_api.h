// What tacho needs of DCMI, the library of Huawei's Ascend driver: our own declarations of its
// functions, structures and numbers, as its documentation has them.
#pragma once

#include "monitor/library.h"

namespace tacho {

/// Answers of DCMI that mean something to us.
enum DcmiCode : int {
  dcmi_success = 0,
  dcmi_not_permitted = -8002,
  dcmi_timed_out = -8006,
  dcmi_device_not_there = -8008,
  dcmi_not_ready = -8012,
  dcmi_not_in_container = -8013,
  dcmi_not_supported = -8255,
  dcmi_function_not_found = -99998,
};

/// What a chip is.
struct DcmiChip {
  char type[32], name[32], version[32];
  unsigned cores;
};
/// Of memory on the package; in MiB, MHz, degrees and percent.
struct DcmiHbm {
  unsigned long long size;
  unsigned clock;
  unsigned long long used;
  int temperature;
  unsigned bandwidth_percent;
};
/// Percent. Newer drivers may write more behind it.
struct DcmiUtilization {
  unsigned cube, vector, core, overall;
  unsigned reserved[60];
};
struct DcmiEcc {
  int is_enabled;
  unsigned corrected, uncorrected, corrected_ever, uncorrected_ever, corrected_pages,
      uncorrected_pages;
};
struct DcmiProcess {
  int pid;
  unsigned long memory_bytes;
};
static_assert(sizeof(DcmiHbm) == 32 && sizeof(DcmiChip) == 100 && sizeof(DcmiProcess) == 16);

/// A function of DCMI. Most are told a card and a device on it.
template <class... Arguments>
using DcmiCall = VendorCall<dcmi_function_not_found, Arguments...>;

/// The functions of the library that was found.
struct DcmiApi {
  Library library;
  DcmiCall<> init;
  DcmiCall<int*, int*, int> cards;
  DcmiCall<int, int*, int*, int*> devices_of_card;
  DcmiCall<int*, int, int> logic_id;
  DcmiCall<char*, unsigned> driver_version;
  DcmiCall<int, int, DcmiChip*> chip;
  DcmiCall<int, int, int, unsigned*> utilization, frequency;
  DcmiCall<int, int, DcmiUtilization*> utilizations;
  DcmiCall<int, int, DcmiHbm*> hbm;
  DcmiCall<int, int, int*> power, temperature;
  DcmiCall<int, int, unsigned*> voltage, health;
  DcmiCall<int, int, int*, unsigned*, unsigned> error_codes;
  DcmiCall<int, int, int, DcmiEcc*> ecc;
  DcmiCall<int, int, DcmiProcess*, int*> processes;
};

}  // namespace tacho
