#include <cmath>

#include "base/text.h"
#include "stand_in.h"

namespace tacho {
namespace {

constexpr double mib = 1024.0 * 1024.0;

/// Two GPUs; a value of each call differs from all others. The PCIe address is 0000:03:00.0.
const char* const everything = R"(devices 2
all name AMD Instinct MI300X
all unique_id 0x1234abcd
all pci_id 0x300
1 pci_id 0x400
all busy 37
all memory_busy 21
all vram_total 206141652992
all vram_used 100000000000
all temperature_0 51000
all temperature_1 62000
all temperature_2 43000
all temperature_0_critical 100000
all temperature_1_critical 110000
all temperature_2_critical 108000
all power_uw 412345678
all power_cap_uw 750000000
all energy_count 1000000
all energy_resolution_uj 15.25
all fan 51
all fan_max 255
all pcie_replays 6
all ecc_corrected 5
all ecc_uncorrected 1
)";

/// A /sys of our own with one card.
struct FakeSys {
  FakeSys() {
    std::string name = "/tmp/tacho-sys-XXXXXX";
    path = ::mkdtemp(name.data());
    const std::string card = "/sys/class/drm/card1/device";
    put(card + "/vendor", "0x1002\n");
    put(card + "/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n");
    put(card + "/gpu_busy_percent", "42\n");
    put(card + "/mem_busy_percent", "12\n");
    put(card + "/mem_info_vram_total", "34342961152\n");
    put(card + "/mem_info_vram_used", "1073741824\n");
    put(card + "/product_name", "AMD Radeon PRO\n");
    put(card + "/current_link_speed", "16.0 GT/s PCIe\n");
    put(card + "/max_link_speed", "32.0 GT/s PCIe\n");
    put(card + "/current_link_width", "8\n");
    put(card + "/max_link_width", "16\n");
    put(card + "/pcie_replay_count", "4\n");
    put(card + "/pp_dpm_sclk", "0: 500Mhz\n1: 2100Mhz *\n");
    const std::string sensors = card + "/hwmon/hwmon3";
    put(sensors + "/temp1_label", "edge\n");
    put(sensors + "/temp1_input", "55000\n");
    put(sensors + "/temp1_crit", "100000\n");
    put(sensors + "/temp2_label", "junction\n");
    put(sensors + "/temp2_input", "66000\n");
    put(sensors + "/temp2_crit", "110000\n");
    put(sensors + "/power1_average", "123000000\n");
    put(sensors + "/power1_cap", "300000000\n");
    put(sensors + "/freq1_input", "1900000000\n");
    put(sensors + "/freq2_input", "1000000000\n");
    put(sensors + "/pwm1", "51\n");
    put(sensors + "/pwm1_max", "255\n");
    put("/sys/class/drm/card0/device/vendor", "0x8086\n");
    put("/sys/class/drm/card1-DP-1/status", "connected\n");
  }
  ~FakeSys() { std::filesystem::remove_all(path); }
  void put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path + file).parent_path());
    std::ofstream(path + file) << text;
  }
  std::string path;
};

ProbePtr rocm(const std::string& root, const std::string& library = "librocm_smi64.so.1") {
  WatchOptions options;
  options.root = root;
  options.rocm_library = library.empty() ? "" : stand_in(library);
  auto probe = make_rocm_probe(options);
  REQUIRE_MESSAGE(probe.ok(), (probe.ok() ? "" : probe.error().message));
  return std::move(*probe);
}

TEST_CASE("every value that ROCm SMI gives comes out in base units, clocks and link from /sys") {
  const FakeSys sys;
  const StandInScript script(everything);
  const ProbePtr probe = rocm(sys.path);
  const Subject gpu = subject_of(read_once(*probe), "amd:0");
  CHECK(label(gpu.labels, "model") == "AMD Instinct MI300X");
  CHECK(label(gpu.labels, "uuid") == "000000001234abcd");
  CHECK(gpu.find(quantity::device_info)->labels == Labels{{"bus", "0000:03:00.0"}});
  CHECK(gpu.value(quantity::device_utilization) == doctest::Approx(0.37));
  CHECK(gpu.value(quantity::device_memory_busy) == doctest::Approx(0.21));
  CHECK(gpu.value(quantity::device_memory_total) == 206141652992.0);
  CHECK(gpu.value(quantity::device_memory_used) == 1e11);
  CHECK(gpu.value(quantity::device_temperature, "core") == 51.0);
  CHECK(gpu.value(quantity::device_temperature, "junction") == 62.0);
  CHECK(gpu.value(quantity::device_temperature, "memory") == 43.0);
  CHECK(gpu.value(quantity::device_temperature_limit, "junction") == 110.0);
  CHECK(gpu.value(quantity::device_power) == doctest::Approx(412.345678));
  CHECK(gpu.value(quantity::device_power_limit) == doctest::Approx(750.0));
  CHECK(gpu.value(quantity::device_energy) == doctest::Approx(15.25));
  CHECK(gpu.value(quantity::device_fan) == doctest::Approx(0.2));
  CHECK(gpu.value(quantity::device_pcie_replays) == 6.0);
  CHECK(gpu.value(quantity::device_ecc_errors, "corrected") == 5.0);
  CHECK(gpu.value(quantity::device_clock, "sm") == 1.9e9);
  CHECK(gpu.value(quantity::device_clock, "memory") == 1e9);
  CHECK(gpu.value(quantity::device_clock_max, "sm") == 2.1e9);
  CHECK(gpu.value(quantity::device_pcie_generation) == 4.0);
  CHECK(gpu.value(quantity::device_pcie_generation_max) == 5.0);
  CHECK(gpu.value(quantity::device_pcie_width) == 8.0);
  for (const Reading& reading : gpu.readings) CHECK_MESSAGE(reading.missing == "", reading.missing);
}

TEST_CASE("what ROCm SMI refuses is missing with its answer") {
  const StandInScript script(std::string(everything) +
                             "fail rsmi_dev_power_ave_get 4\nfail rsmi_dev_fan_speed_get 2\n");
  const ProbePtr probe = rocm("/nowhere");
  const Subject gpu = subject_of(read_once(*probe), "amd:1");
  CHECK(why_missing(gpu, quantity::device_power).find("root") != std::string::npos);
  CHECK(why_missing(gpu, quantity::device_fan) ==
        "rsmi_dev_fan_speed_get: this device does not offer it");
  CHECK(why_missing(gpu, quantity::device_clock) == "its folder in /sys was not found");
}

TEST_CASE("processes of AMD's GPUs have their memory by device where the library knows it") {
  const std::string pids =
      "process 0 1 compute 100\nprocess 1 1 compute 200\n"
      "process 1 2 compute 50\n";
  const StandInScript script(everything + pids);
  const std::vector<Subject> subjects = read_once(*rocm(""));
  CHECK(subject_of(subjects, "amd:0").value(quantity::device_processes) == 1.0);
  CHECK(subject_of(subjects, "amd:1").value(quantity::device_processes) == 2.0);
  CHECK(subject_of(subjects, "amd:1/1").value(quantity::process_device_memory) == 200 * mib);
  const std::vector<Subject> old = read_once(*rocm("", "librocm_smi64-old.so.1"));
  CHECK(subject_of(old, "amd:1/2").value(quantity::process_device_memory) == 50 * mib);
  CHECK(why_missing(subject_of(old, "amd:1/1"), quantity::process_device_memory) ==
        "this library says only what the process has on all devices");
}

TEST_CASE("AMD's driver that is not there yet says so, and is asked again") {
  const StandInScript script(std::string(everything) + "fail rsmi_init 8\n");
  const ProbePtr probe = rocm("");
  CHECK(read_once(*probe)[0].trouble.find("amdgpu") != std::string::npos);
  script.put(everything);
  std::vector<Subject> subjects;
  for (int i = 0; i < 10; ++i) subjects = read_once(*probe);
  CHECK(subjects.size() == 2);
}

TEST_CASE("without AMD's library its GPUs are read from /sys") {
  const FakeSys sys;
  const Subject gpu = subject_of(read_once(*rocm(sys.path, "")), "amd:0");
  CHECK(label(gpu.labels, "model") == "AMD Radeon PRO");
  CHECK(gpu.value(quantity::device_utilization) == doctest::Approx(0.42));
  CHECK(gpu.value(quantity::device_memory_busy) == doctest::Approx(0.12));
  CHECK(gpu.value(quantity::device_memory_used) == 1073741824.0);
  CHECK(gpu.value(quantity::device_temperature, "core") == 55.0);
  CHECK(gpu.value(quantity::device_temperature, "junction") == 66.0);
  CHECK(gpu.value(quantity::device_temperature_limit, "junction") == 110.0);
  CHECK(gpu.value(quantity::device_power) == doctest::Approx(123.0));
  CHECK(gpu.value(quantity::device_power_limit) == doctest::Approx(300.0));
  CHECK(gpu.value(quantity::device_fan) == doctest::Approx(0.2));
  CHECK(gpu.value(quantity::device_pcie_replays) == 4.0);
  CHECK(gpu.value(quantity::device_clock, "sm") == 1.9e9);
}

TEST_CASE("a machine without AMD's GPUs has no probe of them") {
  WatchOptions options;
  options.root = "/nowhere";
  CHECK(!make_rocm_probe(options).ok());
  options.rocm_library = "libm.so.6";
  CHECK(make_rocm_probe(options).error().message.find("no ROCm SMI") != std::string::npos);
}

}  // namespace
}  // namespace tacho
