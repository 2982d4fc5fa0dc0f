#include "monitor/nvml_device.h"

#include <algorithm>
#include <climits>

#include "base/text.h"

namespace tacho {
namespace {

// NVML's numbers, as its documentation has them.
constexpr int sensor_core = 0;
constexpr int limit_slowdown = 1, limit_memory = 2;
constexpr int clock_graphics = 0, clock_sm = 1, clock_memory = 2, clock_video = 3;
constexpr unsigned field_memory_temperature = 82, field_link_count = 91;
constexpr unsigned field_link_transmit = 138, field_link_receive = 139;
constexpr unsigned most_links = 18;
constexpr unsigned unknown_performance_state = 32;

struct NamedNumber {
  std::string_view name;
  int number;
};

constexpr NamedNumber clock_domains[] = {{"sm", clock_sm},
                                         {"memory", clock_memory},
                                         {"graphics", clock_graphics},
                                         {"video", clock_video}};

// Bits of the clocks' event reasons. Bit 1, "idle", is left out: nothing is held down then.
constexpr NamedNumber throttle_bits[] = {{"application_clocks", 0x2}, {"power_cap", 0x4},
                                         {"hardware_slowdown", 0x8},  {"sync_boost", 0x10},
                                         {"thermal", 0x20},           {"thermal_hardware", 0x40},
                                         {"power_brake", 0x80},       {"display_clocks", 0x100}};

// Policies whose violation time NVML adds up.
constexpr NamedNumber violations[] = {
    {"power_cap", 0}, {"thermal", 1}, {"sync_boost", 2}, {"board_limit", 3}, {"reliability", 5}};

double number_of(const NvmlField& field) {
  switch (field.type) {
    case 0:
      return field.value.real;
    case 1:
      return field.value.u32;
    case 2:
      return static_cast<double>(field.value.u);
    case 3:
      return static_cast<double>(field.value.u64);
    case 4:
      return static_cast<double>(field.value.s64);
    case 5:
      return field.value.s32;
    default:
      return field.value.u16;
  }
}

/// Asks for one field. The answer is the call's, or the field's own.
int ask_field(const NvmlApi& api, NvmlHandle handle, unsigned id, NvmlField& field) {
  field = {};
  field.field = id;
  const int code = api.fields(handle, 1, &field);
  return code != nvml_success ? code : field.code;
}

std::string text_of(const NvmlCall<NvmlHandle, char*, unsigned>& call, NvmlHandle handle) {
  char text[96] = "";
  return call(handle, text, sizeof text - 1) == nvml_success ? text : "";
}

unsigned count_links(const NvmlApi& api, NvmlHandle handle) {
  NvmlField field;
  if (ask_field(api, handle, field_link_count, field) == nvml_success) {
    return std::min(most_links, static_cast<unsigned>(number_of(field)));
  }
  unsigned links = 0;
  int state = 0;
  while (links < most_links && api.link_state(handle, links, &state) == nvml_success) ++links;
  return links;
}

void read_busy(NvmlReader& r) {
  const NvmlApi& api = r.api();
  NvmlUtilization busy{};
  const int code = api.utilization(r.handle(), &busy);
  if (!r.took(code, api.utilization.name, quantity::device_utilization)) {
    r.took(code, api.utilization.name, quantity::device_memory_busy);
    return;
  }
  r.subject().add(quantity::device_utilization, busy.gpu / 100.0);
  r.subject().add(quantity::device_memory_busy, busy.memory / 100.0);
}

void read_load(NvmlReader& r, const NvmlDevice& device) {
  const NvmlApi& api = r.api();
  if (device.is_part) {
    // Asking would be answered with "not supported", which says less.
    const char* why = "NVML has no utilisation of a part of a GPU; see the activity";
    r.subject().miss(quantity::device_utilization, why);
    r.subject().miss(quantity::device_memory_busy, why);
    return;
  }
  read_busy(r);
  unsigned percent = 0, period = 0;
  if (r.fatal() == nvml_success && r.took(api.encoder(r.handle(), &percent, &period),
                                          api.encoder.name, quantity::device_encoder)) {
    r.subject().add(quantity::device_encoder, percent / 100.0);
  }
  if (r.fatal() == nvml_success && r.took(api.decoder(r.handle(), &percent, &period),
                                          api.decoder.name, quantity::device_decoder)) {
    r.subject().add(quantity::device_decoder, percent / 100.0);
  }
}

void read_memory(NvmlReader& r, const NvmlDevice& device) {
  const NvmlApi& api = r.api();
  Subject& subject = r.subject();
  if (r.fatal() != nvml_success) return;
  NvmlMemory2 memory{};
  memory.version = nvml_version<NvmlMemory2>(2);
  if (api.memory2(r.handle(), &memory) == nvml_success) {
    subject.add(quantity::device_memory_total, static_cast<double>(memory.total));
    subject.add(quantity::device_memory_used, static_cast<double>(memory.used));
    subject.add(quantity::device_memory_reserved, static_cast<double>(memory.reserved));
  } else {
    // What older drivers call used includes what they keep for themselves.
    NvmlMemory old{};
    const int code = api.memory(r.handle(), &old);
    if (r.took(code, api.memory.name, quantity::device_memory_total)) {
      subject.add(quantity::device_memory_total, static_cast<double>(old.total));
      subject.add(quantity::device_memory_used, static_cast<double>(old.used));
      subject.miss(quantity::device_memory_reserved,
                   "this driver counts it as used; nvmlDeviceGetMemoryInfo_v2 is missing");
    } else {
      r.took(code, api.memory.name, quantity::device_memory_used);
    }
  }
  NvmlBar1 bar1{};
  if (!device.is_part && r.fatal() == nvml_success &&
      r.took(api.bar1(r.handle(), &bar1), api.bar1.name, quantity::device_bar1_used)) {
    subject.add(quantity::device_bar1_used, static_cast<double>(bar1.used));
    subject.add(quantity::device_bar1_total, static_cast<double>(bar1.total));
  }
}

void read_heat(NvmlReader& r) {
  const NvmlApi& api = r.api();
  if (r.fatal() != nvml_success) return;
  const Labels core{{"sensor", "core"}}, memory{{"sensor", "memory"}};
  NvmlTemperature now{nvml_version<NvmlTemperature>(1), sensor_core, 0};
  if (api.temperature_v(r.handle(), &now) == nvml_success) {
    r.subject().add(quantity::device_temperature, now.celsius, core);
  } else {
    r.chosen(api.temperature, sensor_core, quantity::device_temperature, 1.0, core);
  }
  r.chosen(api.temperature_limit, limit_slowdown, quantity::device_temperature_limit, 1.0, core);
  if (r.fatal() != nvml_success) return;
  NvmlField field;
  const int code = ask_field(api, r.handle(), field_memory_temperature, field);
  if (r.took(code, api.fields.name, quantity::device_temperature, memory)) {
    r.subject().add(quantity::device_temperature, number_of(field), memory);
  }
  r.chosen(api.temperature_limit, limit_memory, quantity::device_temperature_limit, 1.0, memory);
  r.one(api.fan, quantity::device_fan, 0.01);
}

void read_power(NvmlReader& r) {
  const NvmlApi& api = r.api();
  r.one(api.power, quantity::device_power, 1e-3);
  r.one(api.power_limit, quantity::device_power_limit, 1e-3);
  r.one(api.energy, quantity::device_energy, 1e-3);
}

void read_clocks(NvmlReader& r) {
  const NvmlApi& api = r.api();
  for (const auto& [name, number] : clock_domains) {
    const Labels domain{{"domain", std::string(name)}};
    r.chosen(api.clock, number, quantity::device_clock, 1e6, domain);
    r.chosen(api.clock_max, number, quantity::device_clock_max, 1e6, domain);
  }
  if (r.fatal() != nvml_success) return;
  int state = 0;
  if (const int code = api.performance_state(r.handle(), &state);
      r.took(code, api.performance_state.name, quantity::device_performance_state)) {
    if (state != unknown_performance_state) {
      r.subject().add(quantity::device_performance_state, state);
    } else {
      r.subject().miss(quantity::device_performance_state, "the driver does not know it");
    }
  }
  std::uint64_t reasons = 0;
  if (r.took(api.throttle_reasons(r.handle(), &reasons), api.throttle_reasons.name,
             quantity::device_throttled)) {
    for (const auto& [name, bit] : throttle_bits) {
      const bool is_set = (reasons & static_cast<unsigned>(bit)) != 0;
      r.subject().add(quantity::device_throttled, is_set ? 1.0 : 0.0,
                      {{"reason", std::string(name)}});
    }
  }
  for (const auto& [name, policy] : violations) {
    if (r.fatal() != nvml_success) return;
    NvmlViolation violation{};
    const Labels labels{{"reason", std::string(name)}};
    if (r.took(api.violation(r.handle(), policy, &violation), api.violation.name,
               quantity::device_throttled_time, labels)) {
      r.subject().add(quantity::device_throttled_time,
                      1e-9 * static_cast<double>(violation.violation), labels);
    }
  }
}

void read_pcie(NvmlReader& r) {
  const NvmlApi& api = r.api();
  r.one(api.pcie_generation, quantity::device_pcie_generation);
  r.one(api.pcie_generation_max, quantity::device_pcie_generation_max);
  r.one(api.pcie_width, quantity::device_pcie_width);
  r.one(api.pcie_width_max, quantity::device_pcie_width_max);
  r.one(api.pcie_replays, quantity::device_pcie_replays);
}

/// Counters in KiB, one of each link and direction; the sum of a device is ours, because what a
/// driver answers for all links at once depends on its version.
void read_link_counters(NvmlReader& r, const NvmlDevice& device) {
  const NvmlApi& api = r.api();
  std::vector<NvmlField> fields;
  for (unsigned link = 0; link < device.links; ++link) {
    for (const unsigned id : {field_link_transmit, field_link_receive}) {
      NvmlField field{};
      field.field = id;
      field.scope = link;
      fields.push_back(field);
    }
  }
  int code = api.fields(r.handle(), static_cast<int>(fields.size()), fields.data());
  double bytes[2] = {0.0, 0.0};
  bool has_any = false;
  for (const NvmlField& field : fields) {
    if (code != nvml_success || field.code != nvml_success) continue;
    bytes[field.field == field_link_receive] += 1024.0 * number_of(field);
    has_any = true;
  }
  if (has_any) {
    r.subject().add(quantity::device_link_transmit, bytes[0]);
    r.subject().add(quantity::device_link_receive, bytes[1]);
    return;
  }
  if (code == nvml_success) code = fields.front().code;
  r.took(code, api.fields.name, quantity::device_link_transmit);
  r.took(code, api.fields.name, quantity::device_link_receive);
}

void read_links(NvmlReader& r, const NvmlDevice& device) {
  if (r.fatal() != nvml_success) return;
  r.subject().add(quantity::device_links, device.links);
  if (device.links == 0) return;
  unsigned active = 0;
  bool has_state = true;
  for (unsigned link = 0; link < device.links && has_state; ++link) {
    int is_active = 0;
    has_state = r.took(r.api().link_state(r.handle(), link, &is_active), r.api().link_state.name,
                       quantity::device_links_active);
    if (has_state && is_active != 0) ++active;
  }
  if (has_state) r.subject().add(quantity::device_links_active, active);
  if (r.fatal() == nvml_success) read_link_counters(r, device);
}

void read_errors(NvmlReader& r) {
  const NvmlApi& api = r.api();
  constexpr int since_driver_start = 0;
  constexpr NamedNumber types[] = {{"corrected", 0}, {"uncorrected", 1}};
  for (const auto& [name, type] : types) {
    if (r.fatal() != nvml_success) return;
    const Labels labels{{"type", std::string(name)}};
    std::uint64_t errors = 0;
    if (r.took(api.ecc_errors(r.handle(), type, since_driver_start, &errors), api.ecc_errors.name,
               quantity::device_ecc_errors, labels)) {
      r.subject().add(quantity::device_ecc_errors, static_cast<double>(errors), labels);
    }
  }
  if (r.fatal() != nvml_success) return;
  unsigned corrected = 0, uncorrected = 0, is_pending = 0, has_failed = 0;
  const int code =
      api.remapped_rows(r.handle(), &corrected, &uncorrected, &is_pending, &has_failed);
  if (code == nvml_success) {
    r.subject().add(quantity::device_remapped_rows, corrected, {{"type", "corrected"}});
    r.subject().add(quantity::device_remapped_rows, uncorrected, {{"type", "uncorrected"}});
    r.subject().add(quantity::device_repair, is_pending, {{"state", "pending"}});
    r.subject().add(quantity::device_repair, has_failed, {{"state", "failed"}});
    return;
  }
  // GPUs before Ampere retire pages instead.
  r.took(code, api.remapped_rows.name, quantity::device_remapped_rows);
  int pages_pending = 0;
  if (r.fatal() == nvml_success &&
      r.took(api.retired_pages_pending(r.handle(), &pages_pending), api.retired_pages_pending.name,
             quantity::device_repair, {{"state", "pending"}})) {
    r.subject().add(quantity::device_repair, pages_pending, {{"state", "pending"}});
  }
}

}  // namespace

int find_nvml_device(const NvmlApi& api, unsigned index, NvmlDevice& device) {
  NvmlHandle handle = nullptr;
  if (const int code = api.handle_by_index(index, &handle); code != nvml_success) return code;
  const std::string number = format("{}", index);
  device = NvmlDevice{};
  device.handle = handle;
  device.index = index;
  device.id = "nvidia:" + number;
  device.labels = {{"vendor", "nvidia"},
                   {"device", number},
                   {"model", text_of(api.name, handle)},
                   {"uuid", text_of(api.uuid, handle)}};
  char driver[96] = "";
  if (api.driver_version(driver, sizeof driver - 1) == nvml_success) {
    device.facts.emplace_back("driver", driver);
  }
  NvmlPci pci{};
  if (api.pci(handle, &pci) == nvml_success) {
    pci.bus_id[sizeof pci.bus_id - 1] = '\0';
    device.facts.emplace_back("bus", lower(pci.bus_id));
  }
  int major = 0, minor = 0;
  if (api.compute_capability(handle, &major, &minor) == nvml_success) {
    device.facts.emplace_back("compute_capability", format("{}.{}", major, minor));
  }
  int cuda = 0;
  if (api.cuda_version(&cuda) == nvml_success) {
    device.facts.emplace_back("cuda", format("{}.{}", cuda / 1000, cuda % 1000 / 10));
  }
  device.links = count_links(api, handle);
  unsigned is_parted = 0, is_parted_later = 0;
  device.is_parted =
      api.mig_mode(handle, &is_parted, &is_parted_later) == nvml_success && is_parted == 1;
  return nvml_success;
}

std::vector<NvmlDevice> find_nvml_parts(const NvmlApi& api, const NvmlDevice& parent) {
  std::vector<NvmlDevice> parts;
  unsigned most = 0;
  if (!parent.is_parted || api.mig_count(parent.handle, &most) != nvml_success) return parts;
  for (unsigned i = 0; i < most; ++i) {
    NvmlDevice part;
    // There may be gaps.
    if (api.mig_handle(parent.handle, i, &part.handle) != nvml_success) continue;
    part.index = parent.index;
    part.id = format("{}:{}", parent.id, i);
    part.labels = {{"vendor", "nvidia"},
                   {"device", format("{}", parent.index)},
                   {"model", text_of(api.name, part.handle)},
                   {"uuid", text_of(api.uuid, part.handle)},
                   {"mig", format("{}", i)}};
    part.is_part = true;
    unsigned compute_instance = 0;
    if (api.gpu_instance(part.handle, &part.gpu_instance) == nvml_success) {
      part.facts.emplace_back("gpu_instance", format("{}", part.gpu_instance));
    }
    if (api.compute_instance(part.handle, &compute_instance) == nvml_success) {
      part.facts.emplace_back("compute_instance", format("{}", compute_instance));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

void read_nvml_device(NvmlReader& reader, const NvmlDevice& device) {
  reader.subject().add(quantity::device_info, 1.0, device.facts);
  read_load(reader, device);
  read_memory(reader, device);
  if (device.is_part) return;
  read_heat(reader);
  read_power(reader);
  read_clocks(reader);
  read_pcie(reader);
  read_links(reader, device);
  read_errors(reader);
}

}  // namespace tacho
