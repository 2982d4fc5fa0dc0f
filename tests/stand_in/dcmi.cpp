// Stands in for Huawei's libdcmi.so: the same symbols and structures, with the answers of a script
// (see script.h). "chips 2" puts two devices on a card. Built with TACHO_STAND_IN_OLD, it lacks the
// call that answers all utilisations at once.
#include "monitor/dcmi_api.h"
#include "script.h"

#define EXPORT extern "C" __attribute__((visibility("default"))) int

using namespace tacho;           // NOLINT: a test's own library
using namespace tacho_stand_in;  // NOLINT

namespace {

struct State {
  std::mutex mutex;
  Script script;
};

State& state() {
  static State the_state;
  return the_state;
}

int chips_of(Script& script) {
  double chips = 1.0;
  script.value("system", "chips", chips);
  return static_cast<int>(chips);
}

/// A call of the library, about a device or the whole system.
struct Call {
  explicit Call(const char* function, int card = -1, int chip = 0) : lock(state().mutex) {
    state().script.refresh();
    if (card >= 0) who = std::to_string(card * chips_of(state().script) + chip);
    code = state().script.failure(function, who);
  }
  template <class T>
  int give(const std::string& key, T* out) {
    double value = 0.0;
    if (code == 0 && !state().script.value(who, key, value)) code = dcmi_not_supported;
    if (code == 0) *out = static_cast<T>(value);
    return code;
  }
  std::lock_guard<std::mutex> lock;
  std::string who = "system";
  int code = 0;
};

}  // namespace

EXPORT dcmi_init() { return Call("dcmi_init").code; }
EXPORT dcmi_get_card_list(int* count, int* cards, int room) {
  Call call("dcmi_get_card_list");
  const int chips = chips_of(state().script);
  *count = (state().script.devices() + chips - 1) / chips;
  for (int i = 0; i < *count && i < room; ++i) cards[i] = i;
  return call.code;
}
EXPORT dcmi_get_device_id_in_card(int card, int* chips, int* controller, int* processor) {
  Call call("dcmi_get_device_id_in_card", card);
  *chips = chips_of(state().script);
  *controller = *chips;
  *processor = -1;
  return call.code;
}
EXPORT dcmi_get_device_logic_id(int* logic, int card, int chip) {
  Call call("dcmi_get_device_logic_id", card, chip);
  *logic = std::stoi(call.who);
  return call.code;
}
EXPORT dcmi_get_driver_version(char* out, unsigned room) {
  Call call("dcmi_get_driver_version");
  put_text(out, room, state().script.text("system", "driver"));
  return call.code;
}
EXPORT dcmi_get_device_chip_info(int card, int chip, DcmiChip* out) {
  Call call("dcmi_get_device_chip_info", card, chip);
  put_text(out->type, sizeof out->type, "Ascend");
  put_text(out->name, sizeof out->name, state().script.text(call.who, "name"));
  return call.code;
}
EXPORT dcmi_get_device_utilization_rate(int card, int chip, int type, unsigned* out) {
  Call call("dcmi_get_device_utilization_rate", card, chip);
  return call.give("utilization_" + std::to_string(type), out);
}
EXPORT dcmi_get_device_frequency(int card, int chip, int type, unsigned* out) {
  Call call("dcmi_get_device_frequency", card, chip);
  return call.give("frequency_" + std::to_string(type), out);
}
EXPORT dcmi_get_device_hbm_info(int card, int chip, DcmiHbm* out) {
  Call call("dcmi_get_device_hbm_info", card, chip);
  call.give("hbm_total_mb", &out->size);
  call.give("hbm_used_mb", &out->used);
  call.give("hbm_temperature", &out->temperature);
  return call.give("hbm_bandwidth", &out->bandwidth_percent);
}
EXPORT dcmi_get_device_power_info(int card, int chip, int* out) {
  return Call("dcmi_get_device_power_info", card, chip).give("power_deciwatt", out);
}
EXPORT dcmi_get_device_temperature(int card, int chip, int* out) {
  return Call("dcmi_get_device_temperature", card, chip).give("temperature", out);
}
EXPORT dcmi_get_device_voltage(int card, int chip, unsigned* out) {
  return Call("dcmi_get_device_voltage", card, chip).give("voltage_centivolt", out);
}
EXPORT dcmi_get_device_health(int card, int chip, unsigned* out) {
  return Call("dcmi_get_device_health", card, chip).give("health", out);
}
EXPORT dcmi_get_device_errorcode_v2(int card, int chip, int* count, unsigned* codes, unsigned) {
  Call call("dcmi_get_device_errorcode_v2", card, chip);
  double code = 0.0;
  *count = state().script.value(call.who, "error_code", code) ? 1 : 0;
  codes[0] = static_cast<unsigned>(code);
  return call.code;
}
EXPORT dcmi_get_device_ecc_info(int card, int chip, int, DcmiEcc* out) {
  Call call("dcmi_get_device_ecc_info", card, chip);
  call.give("ecc_corrected", &out->corrected);
  return call.give("ecc_uncorrected", &out->uncorrected);
}
EXPORT dcmi_get_device_resource_info(int card, int chip, DcmiProcess* out, int* count) {
  Call call("dcmi_get_device_resource_info", card, chip);
  const int room = *count;
  *count = 0;
  for (const ProcessLine& line : state().script.processes()) {
    if (line.device != call.who || *count >= room) continue;
    out[(*count)++] = {static_cast<int>(line.pid),
                       static_cast<unsigned long>(line.memory_mib * 1024.0 * 1024.0)};
  }
  return call.code;
}
#ifndef TACHO_STAND_IN_OLD
EXPORT dcmi_get_device_multi_utilization_rate(int card, int chip, DcmiUtilization* out) {
  Call call("dcmi_get_device_multi_utilization_rate", card, chip);
  call.give("cube", &out->cube);
  call.give("vector", &out->vector);
  call.give("core", &out->core);
  return call.give("overall", &out->overall);
}
#endif
