#include <cmath>

#include "base/text.h"
#include "monitor/npu_smi.h"
#include "monitor/program_output.h"
#include "stand_in.h"

namespace tacho {
namespace {

constexpr double mib = 1024.0 * 1024.0;

/// Two cards of two chips; a value of each call differs from all others.
const char* const everything = R"(devices 4
chips 2
driver 25.2.0
all name 910B4
all health 0
all cube 11
all vector 22
all core 33
all overall 44
all utilization_2 55
all hbm_total_mb 65536
all hbm_used_mb 60000
all hbm_temperature 71
all hbm_bandwidth 66
all power_deciwatt 1624
all temperature 52
all voltage_centivolt 88
all frequency_6 1600
all frequency_7 1500
all frequency_9 1800
all ecc_corrected 3
all ecc_uncorrected 1
)";

ProbePtr dcmi(const std::string& library = "libdcmi.so") {
  WatchOptions options;
  options.dcmi_library = stand_in(library);
  auto probe = make_dcmi_probe(options);
  REQUIRE_MESSAGE(probe.ok(), (probe.ok() ? "" : probe.error().message));
  return std::move(*probe);
}

TEST_CASE("every value that DCMI gives comes out in base units, whatever its own unit is") {
  const StandInScript script(std::string(everything) + "3 overall 99\nprocess 3 1 compute 100\n");
  const ProbePtr probe = dcmi();
  const std::vector<Subject> subjects = read_once(*probe);
  CHECK(subjects.size() == 5);
  const Subject npu = subject_of(subjects, "ascend:0");
  CHECK(label(npu.labels, "model") == "Ascend 910B4");
  CHECK(npu.find(quantity::device_info)->labels ==
        Labels{{"card", "0"}, {"chip", "0"}, {"driver", "25.2.0"}});
  CHECK(npu.value(quantity::device_healthy) == 1.0);
  CHECK(npu.value(quantity::device_utilization) == doctest::Approx(0.44));
  CHECK(npu.value(quantity::device_sm_active) == doctest::Approx(0.33));
  CHECK(npu.value(quantity::device_tensor_active) == doctest::Approx(0.11));
  CHECK(npu.value(quantity::device_vector_active) == doctest::Approx(0.22));
  CHECK(npu.value(quantity::device_dram_active) == doctest::Approx(0.66));
  CHECK(npu.value(quantity::device_memory_total) == 65536 * mib);
  CHECK(npu.value(quantity::device_memory_used) == 60000 * mib);
  CHECK(npu.value(quantity::device_power) == doctest::Approx(162.4));
  CHECK(npu.value(quantity::device_voltage) == doctest::Approx(0.88));
  CHECK(npu.value(quantity::device_temperature, "core") == 52.0);
  CHECK(npu.value(quantity::device_temperature, "memory") == 71.0);
  CHECK(npu.value(quantity::device_clock, "sm") == 1500e6);
  CHECK(npu.value(quantity::device_clock, "memory") == 1600e6);
  CHECK(npu.value(quantity::device_clock_max, "sm") == 1800e6);
  CHECK(npu.value(quantity::device_ecc_errors, "corrected") == 3.0);
  CHECK(npu.value(quantity::device_ecc_errors, "uncorrected") == 1.0);
  const Subject last = subject_of(subjects, "ascend:3");
  CHECK(last.value(quantity::device_utilization) == doctest::Approx(0.99));
  CHECK(last.value(quantity::device_processes) == 1.0);
  CHECK(last.find(quantity::device_info)->labels[1].second == "1");
  const Subject process = subject_of(subjects, "ascend:3/1");
  CHECK(process.value(quantity::process_device_memory) == 100 * mib);
  CHECK(label(process.labels, "pid") == "1");
}

TEST_CASE("an older Ascend driver says only how busy the cores are") {
  const StandInScript script(everything);
  const ProbePtr probe = dcmi("libdcmi-old.so");
  const Subject npu = subject_of(read_once(*probe), "ascend:1");
  CHECK(npu.value(quantity::device_utilization) == doctest::Approx(0.55));
  CHECK(why_missing(npu, quantity::device_tensor_active) ==
        "dcmi_get_device_multi_utilization_rate: the driver is older than this function");
}

TEST_CASE("what DCMI refuses is missing with its answer; a chip that is gone is down") {
  const StandInScript script(std::string(everything) +
                             "fail dcmi_get_device_power_info -8255\n"
                             "fail dcmi_get_device_voltage -8002\n"
                             "fail 2:dcmi_get_device_health -8012\n");
  const ProbePtr probe = dcmi();
  const std::vector<Subject> subjects = read_once(*probe);
  const Subject npu = subject_of(subjects, "ascend:0");
  CHECK(why_missing(npu, quantity::device_power) ==
        "dcmi_get_device_power_info: this device does not offer it");
  CHECK(why_missing(npu, quantity::device_voltage).find("root") != std::string::npos);
  const Subject gone = subject_of(subjects, "ascend:2");
  CHECK(gone.value(quantity::device_up) == 0.0);
  CHECK(gone.trouble.find("being reset") != std::string::npos);
}

TEST_CASE("an error code of an NPU is counted when it comes, and not while it stands") {
  const StandInScript script(everything);
  const ProbePtr probe = dcmi();
  const auto count = [&] {
    return subject_of(read_once(*probe), "ascend:0").value(quantity::device_faults, "80E01801");
  };
  CHECK(std::isnan(count()));
  script.put(std::string(everything) + "0 error_code 0x80e01801\n");
  CHECK(count() == 1.0);
  CHECK(count() == 1.0);
  script.put(everything);
  CHECK(count() == 1.0);
  script.put(std::string(everything) + "0 error_code 0x80e01801\n");
  CHECK(count() == 2.0);
}

TEST_CASE("an Ascend driver that is not there yet says so, and is asked again") {
  const StandInScript script(std::string(everything) + "fail dcmi_init -8006\n");
  const ProbePtr probe = dcmi();
  CHECK(read_once(*probe)[0].trouble == "dcmi_init: the driver did not answer in time");
  script.put(everything);
  std::vector<Subject> subjects;
  for (int i = 0; i < 10; ++i) subjects = read_once(*probe);
  CHECK(subjects.size() == 4);
}

const char* const one_chip_a_card = R"(
+--------------------------------------------------------------------------------------------+
| npu-smi 24.1.0                Version: 24.1.0                                              |
+---------------------+-----------+----------------------------------------------------------+
| NPU   Name          | Health    | Power(W)  Temp(C)         Hugepages-Usage(page)          |
| Chip                | Bus-Id    | AICore(%) Memory-Usage(MB) HBM-Usage(MB)                 |
+=====================+===========+==========================================================+
| 0     910B4         | OK        | 91.3      43              0    / 0                       |
| 0                   | 0000:C1:00.0 | 37     0    / 0         30123/ 32768                   |
+=====================+===========+==========================================================+
| 1     910B4         | Alarm     | 88.0      41              0    / 0                       |
| 0                   | 0000:01:00.0 | 0      0    / 0         2817 / 32768                   |
+=====================+===========+==========================================================+
+---------------------+-----------+----------------------------------------------------------+
| NPU     Chip        | Process id | Process name       | Process memory(MB)                 |
+=====================+===========+==========================================================+
| 0       0           | 4711      | python3            | 27307                               |
+=====================+===========+==========================================================+
| No running processes found in NPU 1                                                        |
+=====================+===========+==========================================================+
)";

const char* const two_chips_a_card = R"(
| npu-smi 26.1.0                Version: 26.1.0                                              |
| NPU   Name          | Health    | Power(W)  Temp(C)         Hugepages-Usage(page)          |
| Chip  Phy-ID        | Bus-Id    | AICore(%) Memory-Usage(MB) HBM-Usage(MB)                 |
+=====================+===========+==========================================================+
| 5     Ascend910     | OK        | 172.0     36              0    / 0                       |
| 0     10            | 0000:9D:00.0 | 12     0    / 0         3416 / 65536                   |
| 5     Ascend910     | OK        | -         35              0    / 0                       |
| 1     11            | 0000:9F:00.0 | 13     0    / 0         3195 / 65536                   |
| NPU     Chip        | Process id | Process name | Process memory(MB) | Process id in container |
| 5       1           | 99        | python3      | 100                | NA                      |
)";

TEST_CASE("npu-smi's table is read by the names of its columns") {
  const std::vector<Subject> subjects = read_npu_smi(one_chip_a_card);
  REQUIRE(subjects.size() == 3);
  const Subject npu = subject_of(subjects, "ascend:0");
  CHECK(label(npu.labels, "model") == "Ascend 910B4");
  CHECK(npu.value(quantity::device_power) == doctest::Approx(91.3));
  CHECK(npu.value(quantity::device_temperature) == 43.0);
  CHECK(npu.value(quantity::device_utilization) == doctest::Approx(0.37));
  CHECK(npu.value(quantity::device_memory_used) == 30123 * mib);
  CHECK(npu.value(quantity::device_memory_total) == 32768 * mib);
  CHECK(subject_of(subjects, "ascend:1").value(quantity::device_healthy) == 0.0);
  CHECK(subject_of(subjects, "ascend:0/4711").value(quantity::process_device_memory) ==
        27307 * mib);
}

TEST_CASE("npu-smi's tables of other products have other columns") {
  const std::vector<Subject> subjects = read_npu_smi(two_chips_a_card);
  const Subject second = subject_of(subjects, "ascend:11");
  CHECK(why_missing(second, quantity::device_power) == "npu-smi says -");
  CHECK(second.value(quantity::device_memory_used) == 3195 * mib);
  CHECK(label(subject_of(subjects, "ascend:11/99").labels, "command") == "python3");
  // Cards without memory on the package have no column for it.
  const auto card = read_npu_smi(
      "| NPU   Name  | Health | Power(W) Temp(C) Hugepages-Usage(page) |\n"
      "| Chip Device | Bus-Id | AICore(%) Memory-Usage(MB) |\n"
      "| 8     310P3 | OK     | NA 56 0 / 0 |\n"
      "| 0     0     | 0000:5E:00.0 | 7 1234 / 21527 |\n");
  CHECK(subject_of(card, "ascend:0").value(quantity::device_memory_used) == 1234 * mib);
  CHECK(subject_of(card, "ascend:0").value(quantity::device_memory_total) == 21527 * mib);
  CHECK(read_npu_smi("| just | a | table |\n").empty());
  CHECK(read_npu_smi("").empty());
}

TEST_CASE("a program's output is taken whole, and one that fails or hangs is no source") {
  ProgramOutput program;
  CHECK(program.run({"echo", "a", "b"}, std::chrono::seconds(20)).value() == "a b\n");
  CHECK(!program.run({"false"}, std::chrono::seconds(20)).ok());
  CHECK(!program.run({"/nowhere/npu-smi"}, std::chrono::seconds(20)).ok());
  CHECK(!program.run({"sleep", "1000"}, std::chrono::milliseconds(1)).ok());
}

}  // namespace
}  // namespace tacho
