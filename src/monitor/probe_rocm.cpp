// AMD's GPUs through ROCm SMI where it is, and through /sys where it is not.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "monitor/amd_sysfs.h"
#include "monitor/probes.h"
#include "monitor/processes.h"
#include "monitor/rocm_api.h"
#include "monitor/vendor_reader.h"

namespace tacho {
namespace {

constexpr std::uint32_t most_devices = 64, most_processes = 1024;
/// Each so many readings, a library that failed is begun anew.
constexpr std::uint64_t slow_pace = 10;

std::string words(int code) {
  switch (code) {
    case rocm_not_supported:
    case rocm_not_implemented:
      return "this device does not offer it";
    case rocm_file_error:
      return "the kernel's driver does not offer it";
    case rocm_permission:
      return "no permission; some of it is for root only";
    case rocm_init_error:
      return "the library could not be begun; is the amdgpu driver loaded?";
    case rocm_not_found:
      return "nothing found";
    case rocm_no_data:
      return "no data";
    case rocm_busy:
      return "the device is busy with another reader";
    case rocm_function_not_found:
      return "the library is older than this function";
    default:
      return format("ROCm SMI's error {}", code);
  }
}

Result<RocmApi> open_rocm(const std::string& path) {
  std::vector<std::string> places{"librocm_smi64.so.1", "librocm_smi64.so.7", "librocm_smi64.so",
                                  "/opt/rocm/lib/librocm_smi64.so"};
  if (!path.empty()) places = {path};
  auto library = Library::open(places);
  if (!library) return library.error();
  RocmApi api;
  api.library = std::move(*library);
  const Library& lib = api.library;
  api.init.find(lib, {"rsmi_init"});
  api.shut_down.find(lib, {"rsmi_shut_down"});
  api.count.find(lib, {"rsmi_num_monitor_devices"});
  api.name.find(lib, {"rsmi_dev_name_get"});
  api.unique_id.find(lib, {"rsmi_dev_unique_id_get"});
  api.pci_id.find(lib, {"rsmi_dev_pci_id_get"});
  api.pcie_replays.find(lib, {"rsmi_dev_pci_replay_counter_get"});
  api.busy.find(lib, {"rsmi_dev_busy_percent_get"});
  api.memory_busy.find(lib, {"rsmi_dev_memory_busy_percent_get"});
  api.memory_total.find(lib, {"rsmi_dev_memory_total_get"});
  api.memory_used.find(lib, {"rsmi_dev_memory_usage_get"});
  api.temperature.find(lib, {"rsmi_dev_temp_metric_get"});
  api.power.find(lib, {"rsmi_dev_power_ave_get"});
  api.power_cap.find(lib, {"rsmi_dev_power_cap_get"});
  api.energy.find(lib, {"rsmi_dev_energy_count_get"});
  api.fan.find(lib, {"rsmi_dev_fan_speed_get"});
  api.fan_max.find(lib, {"rsmi_dev_fan_speed_max_get"});
  api.errors.find(lib, {"rsmi_dev_ecc_count_get"});
  api.processes.find(lib, {"rsmi_compute_process_info_get"});
  api.devices_of_process.find(lib, {"rsmi_compute_process_gpus_get"});
  api.process_on_device.find(lib, {"rsmi_compute_process_info_by_device_get"});
  if (!api.init || !api.count) {
    return world_error(lib.name() +
                       " is no ROCm SMI: it has no rsmi_init and rsmi_num_monitor_devices");
  }
  return api;
}

/// One GPU.
struct AmdGpu {
  std::uint32_t index = 0;
  std::string id, card;  ///< `card` is its folder in /sys, "" when there is none.
  Labels labels, facts;
};

class RocmProbe final : public Probe {
 public:
  RocmProbe(RocmApi api, const WatchOptions& options)
      : api_(std::move(api)), root_(options.root), processes_(options.root) {}
  ~RocmProbe() override {
    if (is_open_) api_.shut_down();
  }

  std::string_view name() const override { return "rocm"; }

  void read(std::vector<Subject>& out) override {
    if (!is_open_ && round_++ % slow_pace == 0) open();
    if (gpus_.empty()) {
      Subject subject;
      subject.kind = SubjectKind::device;
      subject.id = "amd";
      subject.labels = {{"vendor", "amd"}};
      subject.trouble = trouble_;
      out.push_back(std::move(subject));
      return;
    }
    for (const AmdGpu& gpu : gpus_) out.push_back(read_gpu(gpu));
    read_processes(out);
  }

 private:
  void open() {
    const int code = api_.init(0);
    is_open_ = code == rocm_success;
    trouble_ = is_open_ ? "ROCm SMI finds no GPU" : format("{}: {}", api_.init.name, words(code));
    std::uint32_t count = 0;
    if (!is_open_ || api_.count(&count) != rocm_success) return;
    const std::vector<std::string> cards = find_amd_cards(root_);
    for (std::uint32_t i = 0; i < std::min(count, most_devices); ++i) add_gpu(i, cards);
  }

  void add_gpu(std::uint32_t index, const std::vector<std::string>& cards) {
    AmdGpu gpu;
    gpu.index = index;
    gpu.id = format("amd:{}", index);
    char name[128] = "AMD";
    api_.name(index, name, sizeof name - 1);
    std::uint64_t unique = 0, address = 0;
    gpu.labels = {{"vendor", "amd"}, {"device", format("{}", index)}, {"model", name}};
    if (api_.unique_id(index, &unique) == rocm_success) {
      gpu.labels.emplace_back("uuid", format("{:016x}", unique));
    }
    if (api_.pci_id(index, &address) == rocm_success) {
      // Domain, bus, device and function in one number.
      const std::string bus = format("{:04x}:{:02x}:{:02x}.{}", address >> 32,
                                     (address >> 8) & 0xff, (address >> 3) & 0x1f, address & 7);
      gpu.facts.emplace_back("bus", bus);
      const auto card = std::find_if(cards.begin(), cards.end(), [&](const std::string& folder) {
        return amd_bus_id(folder) == bus;
      });
      if (card != cards.end()) gpu.card = *card;
    }
    gpus_.push_back(std::move(gpu));
  }

  Subject read_gpu(const AmdGpu& gpu) {
    Subject subject;
    subject.kind = SubjectKind::device;
    subject.id = gpu.id;
    subject.labels = gpu.labels;
    const VendorReader r{subject, words};
    subject.add(quantity::device_up, 1.0);
    subject.add(quantity::device_info, 1.0, gpu.facts);
    read_load(r, gpu.index);
    read_heat(r, gpu.index);
    read_power(r, gpu.index);
    if (gpu.card.empty()) {
      subject.miss(quantity::device_clock, "its folder in /sys was not found");
    } else {
      read_amd_clocks_and_link(gpu.card, subject);
    }
    std::uint64_t replays = 0;
    if (r.took(api_.pcie_replays(gpu.index, &replays), api_.pcie_replays.name,
               quantity::device_pcie_replays)) {
      subject.add(quantity::device_pcie_replays, static_cast<double>(replays));
    }
    RocmErrors errors{};
    if (r.took(api_.errors(gpu.index, rocm_block_memory, &errors), api_.errors.name,
               quantity::device_ecc_errors)) {
      subject.add(quantity::device_ecc_errors, static_cast<double>(errors.corrected),
                  {{"type", "corrected"}});
      subject.add(quantity::device_ecc_errors, static_cast<double>(errors.uncorrected),
                  {{"type", "uncorrected"}});
    }
    return subject;
  }

  void read_load(const VendorReader& r, std::uint32_t gpu) {
    std::uint32_t percent = 0;
    if (r.took(api_.busy(gpu, &percent), api_.busy.name, quantity::device_utilization)) {
      r.subject.add(quantity::device_utilization, percent / 100.0);
    }
    if (r.took(api_.memory_busy(gpu, &percent), api_.memory_busy.name,
               quantity::device_memory_busy)) {
      r.subject.add(quantity::device_memory_busy, percent / 100.0);
    }
    std::uint64_t bytes = 0;
    if (r.took(api_.memory_total(gpu, rocm_vram, &bytes), api_.memory_total.name,
               quantity::device_memory_total)) {
      r.subject.add(quantity::device_memory_total, static_cast<double>(bytes));
    }
    if (r.took(api_.memory_used(gpu, rocm_vram, &bytes), api_.memory_used.name,
               quantity::device_memory_used)) {
      r.subject.add(quantity::device_memory_used, static_cast<double>(bytes));
    }
  }

  void read_heat(const VendorReader& r, std::uint32_t gpu) {
    constexpr std::pair<const char*, unsigned> sensors[] = {
        {"core", rocm_edge}, {"junction", rocm_junction}, {"memory", rocm_memory_sensor}};
    for (const auto& [sensor, number] : sensors) {
      const Labels labels{{"sensor", sensor}};
      std::int64_t millidegrees = 0;
      if (r.took(api_.temperature(gpu, number, rocm_current, &millidegrees), api_.temperature.name,
                 quantity::device_temperature, labels)) {
        r.subject.add(quantity::device_temperature, 1e-3 * static_cast<double>(millidegrees),
                      labels);
      }
      if (r.took(api_.temperature(gpu, number, rocm_critical, &millidegrees), api_.temperature.name,
                 quantity::device_temperature_limit, labels)) {
        r.subject.add(quantity::device_temperature_limit, 1e-3 * static_cast<double>(millidegrees),
                      labels);
      }
    }
    std::int64_t fan = 0;
    std::uint64_t most = 0;
    int code = api_.fan(gpu, 0, &fan);
    if (code == rocm_success) code = api_.fan_max(gpu, 0, &most);
    if (r.took(code, api_.fan.name, quantity::device_fan) && most > 0) {
      r.subject.add(quantity::device_fan, static_cast<double>(fan) / static_cast<double>(most));
    }
  }

  void read_power(const VendorReader& r, std::uint32_t gpu) {
    std::uint64_t microwatts = 0;
    if (r.took(api_.power(gpu, 0, &microwatts), api_.power.name, quantity::device_power)) {
      r.subject.add(quantity::device_power, 1e-6 * static_cast<double>(microwatts));
    }
    if (r.took(api_.power_cap(gpu, 0, &microwatts), api_.power_cap.name,
               quantity::device_power_limit)) {
      r.subject.add(quantity::device_power_limit, 1e-6 * static_cast<double>(microwatts));
    }
    std::uint64_t counter = 0, timestamp = 0;
    float microjoules = 0.0F;
    if (r.took(api_.energy(gpu, &counter, &microjoules, &timestamp), api_.energy.name,
               quantity::device_energy)) {
      r.subject.add(quantity::device_energy,
                    1e-6 * static_cast<double>(microjoules) * static_cast<double>(counter));
    }
  }

  void read_processes(std::vector<Subject>& out) {
    std::uint32_t count = 0;
    int code = api_.processes(nullptr, &count);
    std::vector<RocmProcess> list(std::min(count + 16, most_processes));
    count = static_cast<std::uint32_t>(list.size());
    if (code == rocm_success) code = api_.processes(list.data(), &count);
    if (code != rocm_success) {
      VendorReader{out.front(), words}.took(code, api_.processes.name, quantity::device_processes);
      return;
    }
    list.resize(std::min<std::size_t>(count, list.size()));
    processes_.begin_round();
    std::map<std::uint32_t, double> counts;
    for (const AmdGpu& gpu : gpus_) counts[gpu.index] = 0.0;
    std::vector<Subject> processes;
    for (const RocmProcess& process : list) add_process(process, counts, processes);
    for (std::size_t i = 0; i < gpus_.size(); ++i) {
      out[out.size() - gpus_.size() + i].add(quantity::device_processes, counts[gpus_[i].index]);
    }
    std::move(processes.begin(), processes.end(), std::back_inserter(out));
  }

  void add_process(const RocmProcess& process, std::map<std::uint32_t, double>& counts,
                   std::vector<Subject>& out) {
    std::uint32_t devices[most_devices] = {};
    std::uint32_t count = most_devices;
    if (api_.devices_of_process(process.pid, devices, &count) != rocm_success) return;
    count = std::min(count, most_devices);
    for (std::uint32_t i = 0; i < count; ++i) {
      counts[devices[i]] += 1.0;
      Subject subject;
      subject.kind = SubjectKind::process;
      subject.id = format("amd:{}/{}", devices[i], process.pid);
      subject.labels = {
          {"vendor", "amd"}, {"device", format("{}", devices[i])}, {"type", "compute"}};
      RocmProcess here{};
      if (api_.process_on_device(process.pid, devices[i], &here) == rocm_success) {
        subject.add(quantity::process_device_memory, static_cast<double>(here.memory_bytes));
      } else if (count == 1) {
        subject.add(quantity::process_device_memory, static_cast<double>(process.memory_bytes));
      } else {
        subject.miss(quantity::process_device_memory,
                     "this library says only what the process has on all devices");
      }
      processes_.describe(process.pid, monotonic_now(), subject);
      out.push_back(std::move(subject));
    }
  }

  RocmApi api_;
  std::string root_;
  ProcessTable processes_;
  bool is_open_ = false;
  std::uint64_t round_ = 0;
  std::string trouble_;
  std::vector<AmdGpu> gpus_;
};

/// Without the library.
class AmdSysfsProbe final : public Probe {
 public:
  explicit AmdSysfsProbe(std::string root) : root_(std::move(root)) {}

  std::string_view name() const override { return "amdgpu"; }

  void read(std::vector<Subject>& out) override {
    int index = 0;
    for (const std::string& card : find_amd_cards(root_)) {
      Subject subject;
      subject.kind = SubjectKind::device;
      subject.id = format("amd:{}", index);
      subject.labels = {
          {"vendor", "amd"}, {"device", format("{}", index++)}, {"model", amd_model(card)}};
      subject.add(quantity::device_up, 1.0);
      subject.add(quantity::device_info, 1.0, {{"bus", amd_bus_id(card)}});
      read_amd_card(card, subject);
      read_amd_clocks_and_link(card, subject);
      subject.miss(quantity::device_processes, "only ROCm SMI knows them; it is not installed");
      out.push_back(std::move(subject));
    }
  }

 private:
  std::string root_;
};

}  // namespace

Result<ProbePtr> make_rocm_probe(const WatchOptions& options) {
  auto api = open_rocm(options.rocm_library);
  const bool is_named = !options.rocm_library.empty();
  if (api && (is_named || !find_amd_cards(options.root).empty())) {
    return ProbePtr(std::make_unique<RocmProbe>(std::move(*api), options));
  }
  if (is_named) return api.error();
  if (find_amd_cards(options.root).empty()) return world_error("there is no GPU of AMD's");
  return ProbePtr(std::make_unique<AmdSysfsProbe>(options.root));
}

}  // namespace tacho
