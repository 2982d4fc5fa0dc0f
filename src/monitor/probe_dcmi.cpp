// Huawei's Ascend NPUs through DCMI. Its units differ from call to call: power in tenths of a
// watt, voltage in hundredths of a volt, memory in MiB.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "monitor/dcmi_api.h"
#include "monitor/npu_smi.h"
#include "monitor/probes.h"
#include "monitor/processes.h"
#include "monitor/vendor_reader.h"

namespace tacho {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
// DCMI's numbers, as its documentation has them.
constexpr int utilization_core = 2;
constexpr int clock_memory = 6, clock_core = 7, clock_core_max = 9;
constexpr int ecc_of_hbm = 2;
constexpr unsigned most_codes = 128;
constexpr int most_cards = 64, most_processes = 256;
/// Each so many readings, what is not there is asked for again.
constexpr std::uint64_t slow_pace = 10;

std::string words(int code) {
  switch (code) {
    case dcmi_not_permitted:
      return "not permitted; some of it is for root only";
    case dcmi_timed_out:
      return "the driver did not answer in time";
    case dcmi_device_not_there:
      return "the device is not there";
    case dcmi_not_ready:
      return "the device is not ready, or is being reset";
    case dcmi_not_in_container:
      return "not in a container";
    case dcmi_not_supported:
      return "this device does not offer it";
    case dcmi_function_not_found:
      return "the driver is older than this function";
    default:
      return format("DCMI's error {}", code);
  }
}

Result<DcmiApi> open_dcmi(const std::string& path) {
  std::vector<std::string> places{"libdcmi.so", "/usr/local/dcmi/libdcmi.so",
                                  "/usr/local/Ascend/driver/lib64/driver/libdcmi.so",
                                  "/usr/local/Ascend/driver/lib64/common/libdcmi.so"};
  if (!path.empty()) places = {path};
  auto library = Library::open(places);
  if (!library) return library.error();
  DcmiApi api;
  api.library = std::move(*library);
  const Library& lib = api.library;
  api.init.find(lib, {"dcmi_init"});
  api.cards.find(lib, {"dcmi_get_card_list"});
  api.devices_of_card.find(lib, {"dcmi_get_device_id_in_card"});
  api.logic_id.find(lib, {"dcmi_get_device_logic_id"});
  api.driver_version.find(lib, {"dcmi_get_driver_version"});
  api.chip.find(lib, {"dcmi_get_device_chip_info"});
  api.utilization.find(lib, {"dcmi_get_device_utilization_rate"});
  api.utilizations.find(lib, {"dcmi_get_device_multi_utilization_rate"});
  api.frequency.find(lib, {"dcmi_get_device_frequency"});
  api.hbm.find(lib, {"dcmi_get_device_hbm_info"});
  api.power.find(lib, {"dcmi_get_device_power_info"});
  api.temperature.find(lib, {"dcmi_get_device_temperature"});
  api.voltage.find(lib, {"dcmi_get_device_voltage"});
  api.health.find(lib, {"dcmi_get_device_health"});
  api.error_codes.find(lib, {"dcmi_get_device_errorcode_v2"});
  api.ecc.find(lib, {"dcmi_get_device_ecc_info"});
  api.processes.find(lib, {"dcmi_get_device_resource_info"});
  if (!api.init || !api.cards) {
    return world_error(lib.name() + " is no DCMI: it has no dcmi_init and dcmi_get_card_list");
  }
  return api;
}

/// One chip.
struct Npu {
  int card = 0, chip = 0;
  std::string id;
  Labels labels, facts;
  std::set<unsigned> codes;               ///< Error codes that are standing.
  std::map<unsigned, double> code_count;  ///< How often each has come.
};

class DcmiProbe final : public Probe {
 public:
  DcmiProbe(DcmiApi api, const WatchOptions& options)
      : api_(std::move(api)), processes_(options.root) {}

  std::string_view name() const override { return "dcmi"; }

  void read(std::vector<Subject>& out) override {
    if (npus_.empty() && round_++ % slow_pace == 0) find_npus();
    if (npus_.empty()) {
      Subject subject;
      subject.kind = SubjectKind::device;
      subject.id = "ascend";
      subject.labels = {{"vendor", "ascend"}};
      subject.trouble = trouble_;
      out.push_back(std::move(subject));
      return;
    }
    processes_.begin_round();
    std::vector<Subject> processes;
    for (Npu& npu : npus_) out.push_back(read_npu(npu, processes));
    std::move(processes.begin(), processes.end(), std::back_inserter(out));
  }

 private:
  void find_npus() {
    int cards[most_cards] = {};
    int count = 0;
    int code = api_.init();
    if (code == dcmi_success) code = api_.cards(&count, cards, most_cards);
    trouble_ = code == dcmi_success ? "the Ascend driver finds no NPU"
                                    : format("{}: {}", api_.init.name, words(code));
    for (int i = 0; code == dcmi_success && i < std::min(count, most_cards); ++i) {
      int chips = 0, controller = 0, processor = 0;
      if (api_.devices_of_card(cards[i], &chips, &controller, &processor) != dcmi_success) {
        chips = 1;
      }
      for (int chip = 0; chip < chips; ++chip) add_npu(cards[i], chip);
    }
  }

  void add_npu(int card, int chip) {
    Npu npu;
    npu.card = card;
    npu.chip = chip;
    int number = static_cast<int>(npus_.size());
    int logic = 0;
    if (api_.logic_id(&logic, card, chip) == dcmi_success) number = logic;
    npu.id = format("ascend:{}", number);
    DcmiChip info{};
    std::string model = "Ascend";
    if (api_.chip(card, chip, &info) == dcmi_success) {
      info.name[sizeof info.name - 1] = '\0';
      model = info.name;
      if (!model.starts_with("Ascend")) model = "Ascend " + model;
    }
    npu.labels = {{"vendor", "ascend"}, {"device", format("{}", number)}, {"model", model}};
    npu.facts = {{"card", format("{}", card)}, {"chip", format("{}", chip)}};
    char driver[64] = "";
    if (api_.driver_version(driver, sizeof driver - 1) == dcmi_success) {
      npu.facts.emplace_back("driver", driver);
    }
    npus_.push_back(std::move(npu));
  }

  Subject read_npu(Npu& npu, std::vector<Subject>& processes) {
    Subject subject;
    subject.kind = SubjectKind::device;
    subject.id = npu.id;
    subject.labels = npu.labels;
    unsigned health = 0;
    const int code = api_.health(npu.card, npu.chip, &health);
    if (code == dcmi_device_not_there || code == dcmi_not_ready || health == ~0U) {
      subject.trouble = format("{}: {}", api_.health.name,
                               words(code != dcmi_success ? code : dcmi_device_not_there));
      subject.add(quantity::device_up, 0.0);
      return subject;
    }
    const VendorReader r{subject, words};
    subject.add(quantity::device_up, 1.0);
    subject.add(quantity::device_info, 1.0, npu.facts);
    if (r.took(code, api_.health.name, quantity::device_healthy)) {
      subject.add(quantity::device_healthy, health == 0 ? 1.0 : 0.0);
    }
    read_load(r, npu);
    read_memory(r, npu);
    read_power(r, npu);
    read_faults(r, npu);
    read_processes(r, npu, processes);
    return subject;
  }

  void read_load(const VendorReader& r, const Npu& npu) {
    DcmiUtilization busy{};
    if (api_.utilizations(npu.card, npu.chip, &busy) == dcmi_success) {
      r.subject.add(quantity::device_utilization, busy.overall / 100.0);
      r.subject.add(quantity::device_sm_active, busy.core / 100.0);
      r.subject.add(quantity::device_tensor_active, busy.cube / 100.0);
      r.subject.add(quantity::device_vector_active, busy.vector / 100.0);
      return;
    }
    // Older drivers take about 36 ms for each number, so that only one is asked for.
    unsigned core = 0;
    const int code = api_.utilization(npu.card, npu.chip, utilization_core, &core);
    if (r.took(code, api_.utilization.name, quantity::device_utilization)) {
      r.subject.add(quantity::device_utilization, core / 100.0);
      r.subject.add(quantity::device_sm_active, core / 100.0);
    }
    for (const Quantity* quantity :
         {&quantity::device_tensor_active, &quantity::device_vector_active}) {
      r.took(dcmi_function_not_found, api_.utilizations.name, *quantity);
    }
  }

  void read_memory(const VendorReader& r, const Npu& npu) {
    DcmiHbm hbm{};
    const int code = api_.hbm(npu.card, npu.chip, &hbm);
    const Labels memory{{"sensor", "memory"}};
    if (r.took(code, api_.hbm.name, quantity::device_memory_total)) {
      r.subject.add(quantity::device_memory_total, mebibyte * static_cast<double>(hbm.size));
      r.subject.add(quantity::device_memory_used, mebibyte * static_cast<double>(hbm.used));
      r.subject.add(quantity::device_dram_active, hbm.bandwidth_percent / 100.0);
    } else {
      r.took(code, api_.hbm.name, quantity::device_memory_used);
      r.took(code, api_.hbm.name, quantity::device_dram_active);
    }
    int celsius = 0;
    if (r.took(api_.temperature(npu.card, npu.chip, &celsius), api_.temperature.name,
               quantity::device_temperature, {{"sensor", "core"}})) {
      r.subject.add(quantity::device_temperature, celsius, {{"sensor", "core"}});
    }
    if (code == dcmi_success) r.subject.add(quantity::device_temperature, hbm.temperature, memory);
    DcmiEcc ecc{};
    if (r.took(api_.ecc(npu.card, npu.chip, ecc_of_hbm, &ecc), api_.ecc.name,
               quantity::device_ecc_errors)) {
      r.subject.add(quantity::device_ecc_errors, ecc.corrected, {{"type", "corrected"}});
      r.subject.add(quantity::device_ecc_errors, ecc.uncorrected, {{"type", "uncorrected"}});
    }
  }

  void read_power(const VendorReader& r, const Npu& npu) {
    int tenths_of_watt = 0;
    if (r.took(api_.power(npu.card, npu.chip, &tenths_of_watt), api_.power.name,
               quantity::device_power)) {
      r.subject.add(quantity::device_power, 0.1 * tenths_of_watt);
    }
    unsigned hundredths_of_volt = 0;
    if (r.took(api_.voltage(npu.card, npu.chip, &hundredths_of_volt), api_.voltage.name,
               quantity::device_voltage)) {
      r.subject.add(quantity::device_voltage, 0.01 * hundredths_of_volt);
    }
    const auto clock = [&](int which, const Quantity& quantity, const char* domain) {
      unsigned mhz = 0;
      const Labels labels{{"domain", domain}};
      if (r.took(api_.frequency(npu.card, npu.chip, which, &mhz), api_.frequency.name, quantity,
                 labels)) {
        r.subject.add(quantity, 1e6 * mhz, labels);
      }
    };
    clock(clock_core, quantity::device_clock, "sm");
    clock(clock_memory, quantity::device_clock, "memory");
    clock(clock_core_max, quantity::device_clock_max, "sm");
  }

  /// Codes stand for as long as the fault does; one that comes is counted.
  void read_faults(const VendorReader& r, Npu& npu) {
    unsigned codes[most_codes] = {};
    int count = 0;
    if (!r.took(api_.error_codes(npu.card, npu.chip, &count, codes, most_codes),
                api_.error_codes.name, quantity::device_faults)) {
      return;
    }
    std::set<unsigned> now;
    for (int i = 0; i < std::min(count, static_cast<int>(most_codes)); ++i) now.insert(codes[i]);
    for (const unsigned code : now) {
      if (!npu.codes.contains(code)) npu.code_count[code] += 1.0;
    }
    npu.codes = std::move(now);
    r.subject.add(quantity::device_faults, 0.0, {{"code", "none"}});
    for (const auto& [code, times] : npu.code_count) {
      r.subject.add(quantity::device_faults, times, {{"code", format("{:08X}", code)}});
    }
  }

  void read_processes(const VendorReader& r, const Npu& npu, std::vector<Subject>& out) {
    std::vector<DcmiProcess> list(most_processes);
    int count = most_processes;
    if (!r.took(api_.processes(npu.card, npu.chip, list.data(), &count), api_.processes.name,
                quantity::device_processes)) {
      return;
    }
    list.resize(static_cast<std::size_t>(std::clamp(count, 0, most_processes)));
    r.subject.add(quantity::device_processes, static_cast<double>(list.size()));
    for (const DcmiProcess& process : list) {
      Subject subject;
      subject.kind = SubjectKind::process;
      subject.id = format("{}/{}", npu.id, process.pid);
      subject.labels = {
          {"vendor", "ascend"}, {"device", npu.labels[1].second}, {"type", "compute"}};
      subject.add(quantity::process_device_memory, static_cast<double>(process.memory_bytes));
      processes_.describe(process.pid, monotonic_now(), subject);
      out.push_back(std::move(subject));
    }
  }

  DcmiApi api_;
  ProcessTable processes_;
  std::uint64_t round_ = 0;
  std::string trouble_;
  std::vector<Npu> npus_;
};

}  // namespace

Result<ProbePtr> make_dcmi_probe(const WatchOptions& options) {
  auto api = open_dcmi(options.dcmi_library);
  if (api) return ProbePtr(std::make_unique<DcmiProbe>(std::move(*api), options));
  const std::string tool = find_npu_smi();
  if (!options.dcmi_library.empty() || tool.empty()) return api.error();
  return make_npu_smi_probe(tool);
}

}  // namespace tacho
