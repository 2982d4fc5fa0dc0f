#include <cmath>

#include "base/text.h"
#include "stand_in.h"

namespace tacho {
namespace {

/// One GPU of which everything is known; a value of each call differs from all others.
const char* const everything = R"(devices 1
driver 570.124.06
cuda 12080
all name NVIDIA H100 80GB HBM3
all uuid GPU-11111111-2222-3333-4444-555555555555
all compute_major 9
all compute_minor 0
all utilization 37
all memory_utilization 21
all encoder 3
all decoder 4
all memory_total_mib 81559
all memory_reserved_mib 551
all memory_used_mib 70000
all bar1_total_mib 131072
all bar1_used_mib 11
all temperature 61
all temperature_limit_1 87
all temperature_limit_2 95
all field_82 72
all fan 45
all power_mw 412345
all power_limit_mw 700000
all energy_mj 987654321
all clock_sm 1755
all clock_memory 2619
all clock_graphics 1750
all clock_video 1545
all clock_max_sm 1980
all clock_max_memory 2620
all clock_max_graphics 1981
all clock_max_video 1546
all performance_state 2
all throttle 0x44
all violation_0 1500000000
all violation_1 2500000000
all violation_2 0
all violation_3 0
all violation_5 0
all pcie_generation 4
all pcie_generation_max 5
all pcie_width 8
all pcie_width_max 16
all pcie_replays 6
all pcie_transmit_kb 1200
all pcie_receive_kb 3400
all field_91 18
all links_down 1
all field_138 1000
all field_139 2000
all ecc_corrected 5
all ecc_uncorrected 1
all remapped_corrected 7
all remapped_uncorrected 8
all remap_pending 1
all remap_failed 0
)";

const char* const activity = R"(all gpm_2 41
all gpm_3 32.5
all gpm_5 18
all gpm_10 77
all gpm_20 100
all gpm_21 200
all gpm_60 300
all gpm_61 400
)";

ProbePtr nvml(const std::string& library = "libnvidia-ml.so.1", bool reads_activity = true) {
  WatchOptions options;
  options.nvml_library = stand_in(library);
  options.reads_activity = reads_activity;
  auto probe = make_nvml_probe(options);
  REQUIRE_MESSAGE(probe.ok(), (probe.ok() ? "" : probe.error().message));
  return std::move(*probe);
}

/// Reads until the samples of activity are far enough apart.
std::vector<Subject> read_until_active(Probe& probe, const std::string& id) {
  std::vector<Subject> subjects = read_once(probe);
  while (why_missing(subject_of(subjects, id), quantity::device_sm_active) ==
         "it is a difference of two readings") {
    subjects = read_once(probe);
  }
  return subjects;
}

struct Wanted {
  const Quantity& quantity;
  const char* label_value;
  double value;
};

void check_values(const Subject& subject, std::initializer_list<Wanted> wanted) {
  for (const Wanted& want : wanted) {
    CAPTURE(want.quantity.name);
    CAPTURE(want.label_value);
    CHECK(subject.value(want.quantity, want.label_value) == doctest::Approx(want.value));
  }
}

constexpr double mib = 1024.0 * 1024.0;

TEST_CASE("every value that NVML gives comes out once, in base units") {
  const StandInScript script(std::string(everything) + activity);
  const ProbePtr probe = nvml();
  const Subject gpu = subject_of(read_until_active(*probe, "nvidia:0"), "nvidia:0");
  CHECK(gpu.trouble == "");
  CHECK(label(gpu.labels, "model") == "NVIDIA H100 80GB HBM3");
  CHECK(label(gpu.labels, "uuid") == "GPU-11111111-2222-3333-4444-555555555555");
  const Reading* info = gpu.find(quantity::device_info);
  REQUIRE(info != nullptr);
  CHECK(info->labels == Labels{{"driver", "570.124.06"},
                               {"bus", "00000000:10:00.0"},
                               {"compute_capability", "9.0"},
                               {"cuda", "12.8"}});
  check_values(gpu, {{quantity::device_up, "", 1},
                     {quantity::device_utilization, "", 0.37},
                     {quantity::device_memory_busy, "", 0.21},
                     {quantity::device_encoder, "", 0.03},
                     {quantity::device_decoder, "", 0.04},
                     {quantity::device_memory_total, "", 81559 * mib},
                     {quantity::device_memory_used, "", 70000 * mib},
                     {quantity::device_memory_reserved, "", 551 * mib},
                     {quantity::device_bar1_total, "", 131072 * mib},
                     {quantity::device_bar1_used, "", 11 * mib},
                     {quantity::device_temperature, "core", 61},
                     {quantity::device_temperature, "memory", 72},
                     {quantity::device_temperature_limit, "core", 87},
                     {quantity::device_temperature_limit, "memory", 95},
                     {quantity::device_fan, "", 0.45},
                     {quantity::device_power, "", 412.345},
                     {quantity::device_power_limit, "", 700},
                     {quantity::device_energy, "", 987654.321}});
  check_values(gpu, {{quantity::device_clock, "sm", 1755e6},
                     {quantity::device_clock, "memory", 2619e6},
                     {quantity::device_clock, "graphics", 1750e6},
                     {quantity::device_clock, "video", 1545e6},
                     {quantity::device_clock_max, "sm", 1980e6},
                     {quantity::device_clock_max, "memory", 2620e6},
                     {quantity::device_performance_state, "", 2},
                     {quantity::device_throttled, "power_cap", 1},
                     {quantity::device_throttled, "thermal_hardware", 1},
                     {quantity::device_throttled, "thermal", 0},
                     {quantity::device_throttled_time, "power_cap", 1.5},
                     {quantity::device_throttled_time, "thermal", 2.5}});
  check_values(gpu, {{quantity::device_pcie_generation, "", 4},
                     {quantity::device_pcie_generation_max, "", 5},
                     {quantity::device_pcie_width, "", 8},
                     {quantity::device_pcie_width_max, "", 16},
                     {quantity::device_pcie_replays, "", 6},
                     {quantity::device_links, "", 18},
                     {quantity::device_links_active, "", 17},
                     {quantity::device_link_transmit, "", 18 * 1000 * 1024.0},
                     {quantity::device_link_receive, "", 18 * 2000 * 1024.0},
                     {quantity::device_ecc_errors, "corrected", 5},
                     {quantity::device_ecc_errors, "uncorrected", 1},
                     {quantity::device_remapped_rows, "corrected", 7},
                     {quantity::device_remapped_rows, "uncorrected", 8},
                     {quantity::device_repair, "pending", 1},
                     {quantity::device_repair, "failed", 0},
                     {quantity::device_processes, "", 0}});
  check_values(gpu, {{quantity::device_sm_active, "", 0.41},
                     {quantity::device_sm_occupancy, "", 0.325},
                     {quantity::device_tensor_active, "", 0.18},
                     {quantity::device_dram_active, "", 0.77},
                     {quantity::device_pcie_transmit, "", 100 * mib},
                     {quantity::device_pcie_receive, "", 200 * mib},
                     {quantity::device_link_receive_rate, "", 300 * mib},
                     {quantity::device_link_transmit_rate, "", 400 * mib}});
  for (const Reading& reading : gpu.readings) CHECK_MESSAGE(reading.missing == "", reading.missing);
}

TEST_CASE(
    "a GPU without activity has PCIe throughput by counting, and says why it lacks the rest") {
  const StandInScript script(everything);
  const ProbePtr probe = nvml();
  const Subject gpu = subject_of(read_once(*probe), "nvidia:0");
  check_values(gpu, {{quantity::device_pcie_transmit, "", 1.2e6},
                     {quantity::device_pcie_receive, "", 3.4e6}});
  CHECK(why_missing(gpu, quantity::device_sm_active).find("Hopper") != std::string::npos);
}

TEST_CASE("activity that is left out says so, and PCIe is counted") {
  const StandInScript script(std::string(everything) + activity);
  const ProbePtr probe = nvml("libnvidia-ml.so.1", false);
  const Subject gpu = subject_of(read_once(*probe), "nvidia:0");
  CHECK(why_missing(gpu, quantity::device_dram_active) ==
        "left out (--no-activity, or an --exporter that reads the same)");
  CHECK(gpu.value(quantity::device_pcie_transmit) == doctest::Approx(1.2e6));
}

TEST_CASE("what cannot be read has no value but the call and its answer as the reason") {
  const StandInScript script(std::string(everything) + activity +
                             "fail nvmlDeviceGetPowerUsage 4\n"
                             "fail nvmlDeviceGetFanSpeed 3\n"
                             "fail nvmlDeviceGetUtilizationRates 999\n"
                             "fail nvmlGpmSampleGet 4\n"
                             "fail nvmlDeviceRegisterEvents 4\n"
                             "fail nvmlDeviceGetTotalEccErrors 77\n");
  const ProbePtr probe = nvml();
  const Subject gpu = subject_of(read_once(*probe), "nvidia:0");
  CHECK(gpu.trouble == "");
  CHECK(why_missing(gpu, quantity::device_power) ==
        "nvmlDeviceGetPowerUsage: no permission; the driver lets only administrators read it");
  CHECK(why_missing(gpu, quantity::device_fan) ==
        "nvmlDeviceGetFanSpeed: this device does not offer it");
  CHECK(why_missing(gpu, quantity::device_utilization) ==
        "nvmlDeviceGetUtilizationRates: unknown error of the driver");
  CHECK(std::isnan(gpu.value(quantity::device_memory_busy)));
  CHECK(why_missing(gpu, quantity::device_sm_active) ==
        "nvmlGpmSampleGet: no permission; the driver lets only administrators read it");
  CHECK(why_missing(gpu, quantity::device_faults) ==
        "nvmlDeviceRegisterEvents: no permission; the driver lets only administrators read it");
  CHECK(why_missing(gpu, quantity::device_ecc_errors) ==
        "nvmlDeviceGetTotalEccErrors: NVML's error 77");
  CHECK(gpu.value(quantity::device_power_limit) == 700.0);
}

TEST_CASE("an old driver is read with the functions that it has") {
  const StandInScript script(std::string(everything) + "process 0 1 compute 100 10 10\n");
  const ProbePtr probe = nvml("libnvidia-ml-old.so.1");
  const std::vector<Subject> subjects = read_once(*probe);
  const Subject gpu = subject_of(subjects, "nvidia:0");
  // Such a driver counts what it reserves as used.
  check_values(gpu, {{quantity::device_memory_used, "", 70551 * mib},
                     {quantity::device_temperature, "core", 61},
                     {quantity::device_throttled, "power_cap", 1},
                     {quantity::device_processes, "", 1}});
  CHECK(why_missing(gpu, quantity::device_remapped_rows) ==
        "nvmlDeviceGetRemappedRows: the driver is older than this function");
  CHECK(subject_of(subjects, "nvidia:0/1").value(quantity::process_device_memory) == 100 * mib);
}

TEST_CASE("a lost GPU is down while the others go on, and is read again once it answers") {
  const std::string two = "devices 2\n" + std::string(everything).substr(10);
  const StandInScript script(two);
  const ProbePtr probe = nvml();
  CHECK(read_once(*probe).size() == 2);
  script.put(two + "fail 1:* 15\n");
  std::vector<Subject> subjects = read_once(*probe);
  CHECK(subject_of(subjects, "nvidia:0").value(quantity::device_power) == doctest::Approx(412.345));
  const Subject lost = subject_of(subjects, "nvidia:1");
  CHECK(lost.value(quantity::device_up) == 0.0);
  CHECK(lost.trouble.find("the GPU is lost") != std::string::npos);
  CHECK(label(lost.labels, "model") == "NVIDIA H100 80GB HBM3");
  script.put(two);
  for (int i = 0; i < 10; ++i) subjects = read_once(*probe);
  CHECK(subject_of(subjects, "nvidia:1").trouble == "");
  CHECK(subject_of(subjects, "nvidia:1").value(quantity::device_up) == 1.0);
}

TEST_CASE("a driver that dies midway leaves its GPUs down, and is begun anew once it is back") {
  const StandInScript script(everything);
  const ProbePtr probe = nvml();
  read_once(*probe);
  script.put(std::string(everything) + "fail * 9\n");
  std::vector<Subject> subjects = read_once(*probe);
  REQUIRE(subjects.size() == 1);
  CHECK(subjects[0].value(quantity::device_up) == 0.0);
  CHECK(subjects[0].trouble.find("the NVIDIA driver is not loaded") != std::string::npos);
  CHECK(label(subjects[0].labels, "uuid") != "");
  for (int i = 0; i < 10; ++i) subjects = read_once(*probe);
  CHECK(subjects[0].trouble == "nvmlInit_v2: the NVIDIA driver is not loaded");
  script.put(everything);
  for (int i = 0; i < 10; ++i) subjects = read_once(*probe);
  REQUIRE(subjects.size() == 1);
  CHECK(subjects[0].trouble == "");
  CHECK(subjects[0].value(quantity::device_up) == 1.0);
}

TEST_CASE("a driver that is not there, and one without a GPU, say so") {
  const StandInScript script(std::string(everything) + "fail nvmlInit_v2 18\n");
  const ProbePtr probe = nvml();
  std::vector<Subject> subjects = read_once(*probe);
  REQUIRE(subjects.size() == 1);
  CHECK(subjects[0].id == "nvidia");
  CHECK(subjects[0].trouble.find("differ in version") != std::string::npos);
  script.put("devices 0\n");
  for (int i = 0; i < 10; ++i) subjects = read_once(*probe);
  REQUIRE(subjects.size() == 1);
  CHECK(subjects[0].trouble == "the NVIDIA driver is loaded, and finds no GPU");
}

TEST_CASE("faults are counted by GPU and code, each once") {
  const std::string two = "devices 2\n" + std::string(everything).substr(10);
  const StandInScript script(two + "event 1 79 1\nevent 1 79 2\nevent 1 31 2\n");
  const ProbePtr probe = nvml();
  std::vector<Subject> subjects;
  for (int i = 0; i < 5; ++i) subjects = read_once(*probe);
  const Subject faulty = subject_of(subjects, "nvidia:1");
  check_values(faulty, {{quantity::device_faults, "none", 0},
                        {quantity::device_faults, "79", 2},
                        {quantity::device_faults, "31", 1}});
  CHECK(faulty.value(quantity::device_fault_time, "79") > 1.7e9);
  const Subject sound = subject_of(subjects, "nvidia:0");
  CHECK(sound.value(quantity::device_faults, "none") == 0.0);
  CHECK(sound.find(quantity::device_faults, "79") == nullptr);
}

TEST_CASE("parts of a GPU are devices of their own, with memory, activity and processes") {
  const std::string parts =
      "0:1 name NVIDIA H100 MIG 3g.40gb\n0:1 uuid MIG-1\n0:1 gpu_instance 5\n"
      "0:1 compute_instance 0\n0:1 memory_total_mib 40448\n0:1 memory_used_mib 1234\n"
      "0:1 memory_reserved_mib 0\n0:1 gpm_2 50\n0:1 gpm_3 5\n0:1 gpm_5 6\n0:1 gpm_10 7\n"
      "process 0:1 1 compute 1000 0 0\nfail nvmlDeviceGetUtilizationRates 3\n";
  const StandInScript script(std::string(everything) + activity + parts);
  const ProbePtr probe = nvml();
  const std::vector<Subject> subjects = read_until_active(*probe, "nvidia:0:1");
  const Subject part = subject_of(subjects, "nvidia:0:1");
  CHECK(label(part.labels, "mig") == "1");
  CHECK(label(part.labels, "uuid") == "MIG-1");
  check_values(part, {{quantity::device_memory_used, "", 1234 * mib},
                      {quantity::device_sm_active, "", 0.5},
                      {quantity::device_dram_active, "", 0.07},
                      {quantity::device_processes, "", 1}});
  CHECK(why_missing(part, quantity::device_utilization) ==
        "NVML has no utilisation of a part of a GPU; see the activity");
  const Subject process = subject_of(subjects, "nvidia:0:1/1");
  CHECK(label(process.labels, "mig") == "1");
  CHECK(process.value(quantity::process_device_memory) == 1000 * mib);
  script.put(std::string(everything) + activity);
  std::vector<Subject> later;
  for (int i = 0; i < 10; ++i) later = read_once(*probe);
  CHECK(later.back().id == "nvidia:0");
}

TEST_CASE("processes have user, command, memory and what they do; rows of rubbish are dropped") {
  const std::string mine = format("{}", ::getpid());
  const StandInScript script(
      std::string(everything) + "process 0 " + mine + " compute 2048 35 12\nprocess 0 " + mine +
      " graphics 2048 35 12\nprocess 0 999999999 mps 10 0 0\n" + "process 0 1 compute -1 0 0\n");
  const ProbePtr probe = nvml();
  read_once(*probe);
  const std::vector<Subject> subjects = read_once(*probe);
  CHECK(subject_of(subjects, "nvidia:0").value(quantity::device_processes) == 3.0);
  const Subject own = subject_of(subjects, "nvidia:0/" + mine);
  CHECK(own.kind == SubjectKind::process);
  CHECK(label(own.labels, "type") == "compute+graphics");
  CHECK(label(own.labels, "command").find("unit") != std::string::npos);
  CHECK(label(own.labels, "user") != "");
  check_values(own, {{quantity::process_device_memory, "", 2048 * mib},
                     {quantity::process_device_utilization, "", 0.35},
                     {quantity::process_device_memory_busy, "", 0.12}});
  CHECK(own.value(quantity::process_memory) > 1e6);
  CHECK(own.value(quantity::process_start_time) > 1.6e9);
  CHECK(own.value(quantity::process_cpu) >= 0.0);
  CHECK(own.value(quantity::process_busiest_thread) >= 0.0);
  const Subject foreign = subject_of(subjects, "nvidia:0/999999999");
  CHECK(foreign.value(quantity::process_device_utilization) == 0.0);
  CHECK(why_missing(foreign, quantity::process_cpu).find("999999999") != std::string::npos);
  CHECK(why_missing(subject_of(subjects, "nvidia:0/1"), quantity::process_device_memory) ==
        "the driver does not say");
}

TEST_CASE("a library that is none of NVML's is refused with the reason") {
  WatchOptions options;
  options.nvml_library = "/nowhere/libnvidia-ml.so.1";
  CHECK(make_nvml_probe(options).error().message.find("/nowhere") != std::string::npos);
  options.nvml_library = "libm.so.6";
  CHECK(make_nvml_probe(options).error().message.find("is no NVML") != std::string::npos);
  options.nvml_library = "/nowhere/libnvidia-ml.so.1";
  const auto probes = make_probes(options);
  REQUIRE(!probes.ok());
  CHECK(probes.error().kind == Error::Kind::input);
}

}  // namespace
}  // namespace tacho
