#include "monitor/device_exporters.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"

namespace tacho {
namespace {

constexpr double mib = 1024.0 * 1024.0;
constexpr std::int64_t now_ms = 1'790'000'000'000;

std::vector<Subject> subjects_of(const std::string& text, std::string_view exporter_name) {
  const MetricsText page = parse_metrics_text(text);
  const DeviceExporter* exporter = recognise_exporter(page);
  REQUIRE(exporter != nullptr);
  CHECK(exporter->name == exporter_name);
  return normalise_devices(page, *exporter, "node:9400", now_ms);
}

/// A line of a page as dcgm-exporter 4 writes it.
std::string dcgm(const std::string& name, const std::string& value, const std::string& more = "") {
  return "DCGM_FI_" + name +
         "{gpu=\"3\",UUID=\"GPU-1\",pci_bus_id=\"00000000:10:00.0\",device=\"nvidia3\","
         "modelName=\"NVIDIA H100\",Hostname=\"n1\"" +
         more + "} " + value + "\n";
}

std::string why(const Subject& subject, const Quantity& quantity) {
  for (const Reading& reading : subject.readings) {
    if (reading.quantity == &quantity && !reading.missing.empty()) return reading.missing;
  }
  return "";
}

TEST_CASE("dcgm-exporter's names become canonical ones, in base units") {
  const std::string page =
      dcgm("DEV_GPU_UTIL", "37") + dcgm("DEV_MEM_COPY_UTIL", "21") + dcgm("DEV_FB_USED", "70000") +
      dcgm("DEV_FB_FREE", "11008") + dcgm("DEV_FB_RESERVED", "551") + dcgm("DEV_GPU_TEMP", "61") +
      dcgm("DEV_MEMORY_TEMP", "72") + dcgm("DEV_POWER_USAGE", "412.5") +
      dcgm("DEV_TOTAL_ENERGY_CONSUMPTION", "987654") + dcgm("DEV_SM_CLOCK", "1755") +
      dcgm("DEV_XID_ERRORS", "79") + dcgm("PROF_PIPE_TENSOR_ACTIVE", "0.18") +
      dcgm("PROF_DRAM_ACTIVE", "0.77") + dcgm("PROF_PCIE_TX_BYTES", "1200") +
      dcgm("DEV_UNCORRECTABLE_REMAPPED_ROWS", "2") + dcgm("DEV_ROW_REMAP_FAILURE", "1");
  const auto subjects = subjects_of(page, "dcgm-exporter");
  REQUIRE(subjects.size() == 1);
  const Subject& gpu = subjects[0];
  CHECK(gpu.id == "node:9400/nvidia:3");
  CHECK(label(gpu.labels, "uuid") == "GPU-1");
  CHECK(label(gpu.labels, "model") == "NVIDIA H100");
  CHECK(label(gpu.labels, "host") == "n1");
  CHECK(gpu.value(quantity::device_up) == 1.0);
  CHECK(gpu.value(quantity::device_utilization) == doctest::Approx(0.37));
  CHECK(gpu.value(quantity::device_memory_used) == 70000 * mib);
  CHECK(gpu.value(quantity::device_memory_total) == 81559 * mib);
  CHECK(gpu.value(quantity::device_temperature, "core") == 61.0);
  CHECK(gpu.value(quantity::device_temperature, "memory") == 72.0);
  CHECK(gpu.value(quantity::device_power) == 412.5);
  CHECK(gpu.value(quantity::device_energy) == doctest::Approx(987.654));
  CHECK(gpu.value(quantity::device_clock, "sm") == 1755e6);
  CHECK(gpu.value(quantity::device_tensor_active) == 0.18);
  CHECK(gpu.value(quantity::device_dram_active) == 0.77);
  CHECK(gpu.value(quantity::device_pcie_transmit) == 1200.0);
  CHECK(gpu.value(quantity::device_remapped_rows, "uncorrected") == 2.0);
  CHECK(gpu.value(quantity::device_repair, "failed") == 1.0);
  CHECK(gpu.value(quantity::device_faults, "79") == 1.0);
  CHECK(why(gpu, quantity::device_sm_active) ==
        "no DCGM_FI_PROF_SM_ACTIVE: dcgm-exporter does not export it as it is shipped; enable it "
        "in the CSV file of its counters");
}

TEST_CASE("what dcgm-exporter is told to export has a value and no reason") {
  const auto subjects = subjects_of(
      dcgm("PROF_SM_ACTIVE", "0.41") + dcgm("PROF_SM_OCCUPANCY", "0.2"), "dcgm-exporter");
  CHECK(subjects[0].value(quantity::device_sm_active) == 0.41);
  CHECK(why(subjects[0], quantity::device_sm_active) == "");
  CHECK(why(subjects[0], quantity::device_power) != "");
}

TEST_CASE("parts of a GPU on dcgm-exporter's page are devices of their own") {
  const std::string part = ",GPU_I_PROFILE=\"1g.10gb\",GPU_I_ID=\"7\"";
  const auto subjects =
      subjects_of(dcgm("DEV_GPU_TEMP", "61") + dcgm("DEV_FB_USED", "100", part), "dcgm-exporter");
  REQUIRE(subjects.size() == 2);
  CHECK(subjects[1].id == "node:9400/nvidia:3:7");
  CHECK(label(subjects[1].labels, "mig") == "7");
  CHECK(subjects[1].value(quantity::device_memory_used) == 100 * mib);
}

/// A line of a page as npu-exporter writes it, with the stamp of its cache.
std::string npu(const std::string& name, const std::string& value, std::int64_t stamp_ms) {
  return "npu_chip_info_" + name +
         "{id=\"5\",model_name=\"910B4\",vdie_id=\"a-b\",pcie_bus_info=\"0000:C1:00.0\"} " + value +
         " " + std::to_string(stamp_ms) + "\n";
}

TEST_CASE("npu-exporter's names become canonical ones, in base units") {
  const auto subjects = subjects_of(
      "machine_npu_nums 1\n" + npu("health_status", "1", now_ms) +
          npu("utilization", "33", now_ms) + npu("overall_utilization", "44", now_ms) +
          npu("cube_utilization", "11", now_ms) + npu("vector_utilization", "22", now_ms) +
          npu("hbm_total_memory", "65536", now_ms) + npu("hbm_used_memory", "60000", now_ms) +
          npu("power", "162.4", now_ms) + npu("voltage", "0.88", now_ms) +
          npu("temperature", "52", now_ms) + npu("aicore_current_freq", "1500", now_ms) +
          npu("hbm_bandwidth_utilization", "66", now_ms) + npu("error_code", "0", now_ms),
      "npu-exporter");
  REQUIRE(subjects.size() == 1);
  const Subject& chip = subjects[0];
  CHECK(chip.id == "node:9400/ascend:5");
  CHECK(chip.value(quantity::device_healthy) == 1.0);
  CHECK(chip.value(quantity::device_utilization) == doctest::Approx(0.44));
  CHECK(chip.value(quantity::device_sm_active) == doctest::Approx(0.33));
  CHECK(chip.value(quantity::device_tensor_active) == doctest::Approx(0.11));
  CHECK(chip.value(quantity::device_vector_active) == doctest::Approx(0.22));
  CHECK(chip.value(quantity::device_dram_active) == doctest::Approx(0.66));
  CHECK(chip.value(quantity::device_memory_total) == 65536 * mib);
  CHECK(chip.value(quantity::device_power) == 162.4);
  CHECK(chip.value(quantity::device_voltage) == 0.88);
  CHECK(chip.value(quantity::device_clock, "sm") == 1500e6);
  CHECK(chip.value(quantity::device_faults, "none") == 0.0);
}

TEST_CASE("old stamps are noticed: the device is in trouble, and has no values") {
  const auto fresh = subjects_of(npu("power", "162.4", now_ms - 20'000), "npu-exporter");
  CHECK(fresh[0].trouble == "");
  CHECK(to_s(monotonic_now() - fresh[0].at) >= 20.0);
  const auto stale = subjects_of(npu("power", "162.4", now_ms - 300'000), "npu-exporter");
  CHECK(stale[0].trouble == "the readings of npu-exporter are 300 s old");
  CHECK(stale[0].readings.empty());
}

TEST_CASE("a page of something else is no exporter's") {
  CHECK(recognise_exporter(parse_metrics_text("node_cpu_seconds_total 5\n")) == nullptr);
  CHECK(recognise_exporter(parse_metrics_text("rubbish")) == nullptr);
}

TEST_CASE("each row of the tables has a name of its exporter") {
  for (const DeviceExporter& exporter : device_exporters()) {
    for (const DeviceName& row : exporter.names) {
      CHECK(row.name.starts_with(exporter.mark.substr(0, 4)));
      CHECK(row.scale > 0.0);
      CHECK(find_quantity(row.quantity->name) == row.quantity);
    }
  }
}

}  // namespace
}  // namespace tacho
