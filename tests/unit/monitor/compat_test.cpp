#include "monitor/compat.h"

#include <doctest/doctest.h>

#include "monitor/metrics_text.h"

namespace tacho {
namespace {

/// A host with a GPU, a process on it, and an NPU.
Snapshot mixed_world() {
  Snapshot snapshot;
  snapshot.wall_ns = 2'000'000'000'000;
  Subject host;
  host.kind = SubjectKind::host;
  host.labels = {{"host", "box"}};
  host.add(quantity::host_memory_total, 8.0 * (1 << 30));
  host.add(quantity::host_memory_available, 2.0 * (1 << 30));
  host.add(quantity::host_network_receive, 3.0 * (1 << 20), {{"interface", "e0"}});
  host.add(quantity::host_disk_read, 5.0 * (1 << 20), {{"disk", "sda"}});
  Subject gpu;
  gpu.kind = SubjectKind::device;
  gpu.labels = {{"vendor", "nvidia"}, {"device", "1"}, {"model", "H100"}, {"uuid", "GPU-1"}};
  gpu.add(quantity::device_info, 1.0, {{"driver", "570"}, {"bus", "0000:01:00.0"}});
  gpu.add(quantity::device_utilization, 0.92);
  gpu.add(quantity::device_memory_total, 80.0 * (1 << 30));
  gpu.add(quantity::device_memory_used, 60.0 * (1 << 30));
  gpu.add(quantity::device_energy, 12.5);
  gpu.add(quantity::device_clock, 1.98e9, {{"domain", "sm"}});
  gpu.add(quantity::device_faults, 1.0, {{"code", "79"}});
  gpu.add(quantity::device_faults, 1.0, {{"code", "48"}});
  gpu.add(quantity::device_fault_time, 100.0, {{"code", "79"}});
  gpu.add(quantity::device_fault_time, 200.0, {{"code", "48"}});
  Subject process;
  process.kind = SubjectKind::process;
  process.labels = {
      {"vendor", "nvidia"}, {"device", "1"}, {"pid", "42"}, {"user", "ann"}, {"command", "python"}};
  process.add(quantity::process_device_memory, 7.0 * (1 << 20));
  Subject npu;
  npu.kind = SubjectKind::device;
  npu.labels = {{"vendor", "ascend"}, {"device", "0"}, {"model", "910B"}};
  npu.add(quantity::device_power, 90.0);
  snapshot.subjects = {host, gpu, process, npu};
  return snapshot;
}

std::string page_of(CompatNames names, bool is_openmetrics = false) {
  return compat_page(mixed_world(), names, is_openmetrics);
}

TEST_CASE("nvitop-exporter's names have its units and labels") {
  const MetricsText page = parse_metrics_text(page_of({.nvitop = true}));
  CHECK(page.unreadable == 0);
  const MetricLine* line = page.find("gpu_utilization_Percentage");
  REQUIRE(line != nullptr);
  CHECK(line->value == doctest::Approx(92.0));
  CHECK(line->labels ==
        Labels{{"hostname", "box"}, {"index", "1"}, {"devicename", "H100"}, {"uuid", "GPU-1"}});
  CHECK(page.find("gpu_memory_free_MiB")->value == doctest::Approx(20.0 * 1024));
  CHECK(page.find("gpu_clock_sm_MHz")->value == doctest::Approx(1980.0));
  CHECK(page.find("host_virtual_memory_percent_Percentage")->value == doctest::Approx(75.0));
  CHECK(label(page.find("host_net_io_rx_data_MiB")->labels, "interface") == "e0");
  CHECK(label(page.find("host_disk_io_read_data_MiB")->labels, "partition") == "sda");
  const MetricLine* used = page.find("process_gpu_memory_MiB");
  REQUIRE(used != nullptr);
  CHECK(used->value == doctest::Approx(7.0));
  CHECK(label(used->labels, "pid") == "42");
  CHECK(label(used->labels, "username") == "ann");
  CHECK(label(used->labels, "uuid") == "GPU-1");
  CHECK(label(page.find("process_info_info")->labels, "command") == "python");
  CHECK(page.find("npu_chip_info_power") == nullptr);
}

TEST_CASE("dcgm-exporter's names have its units and labels; the last fault is a code") {
  const MetricsText page = parse_metrics_text(page_of({.dcgm = true}));
  const MetricLine* line = page.find("DCGM_FI_DEV_GPU_UTIL");
  REQUIRE(line != nullptr);
  CHECK(line->value == doctest::Approx(92.0));
  CHECK(label(line->labels, "gpu") == "1");
  CHECK(label(line->labels, "Hostname") == "box");
  CHECK(label(line->labels, "pci_bus_id") == "0000:01:00.0");
  CHECK(label(line->labels, "DCGM_FI_DRIVER_VERSION") == "570");
  CHECK(page.find("DCGM_FI_DEV_FB_FREE")->value == doctest::Approx(20.0 * 1024));
  CHECK(page.find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")->value == doctest::Approx(12500.0));
  CHECK(page.find("DCGM_FI_DEV_XID_ERRORS")->value == 48.0);
  CHECK(page_of({.dcgm = true}).find("CONSUMPTION counter") != std::string::npos);
  CHECK(page_of({.dcgm = true}, true).find("CONSUMPTION unknown") != std::string::npos);
}

TEST_CASE("npu-exporter's names are those of Ascend's devices only") {
  const MetricsText page = parse_metrics_text(page_of({.npu = true}));
  CHECK(page.find("machine_npu_nums")->value == 1.0);
  CHECK(page.find("npu_chip_info_power")->value == 90.0);
  CHECK(label(page.find("npu_chip_info_power")->labels, "id") == "0");
  CHECK(page.find("gpu_utilization_Percentage") == nullptr);
}

TEST_CASE("other names are refused with those that there are") {
  CHECK(parse_compat_names({"nvitop", "npu"})->npu);
  CHECK(parse_compat_names({"nvtop"}).error().message ==
        "--compat 'nvtop' is not known; there are nvitop, dcgm and npu");
}

}  // namespace
}  // namespace tacho
