#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "monitor/probes.h"

namespace tacho {
namespace {

/// A folder with a host of our own making, gone when dropped.
struct FakeRoot {
  FakeRoot() {
    std::string name = "/tmp/tacho-host-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~FakeRoot() { std::filesystem::remove_all(path); }
  void put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path + file).parent_path());
    std::ofstream(path + file) << text;
  }
  std::string path;
};

TEST_CASE("a host is read from /proc and /sys, shares from two readings") {
  const FakeRoot root;
  root.put("/proc/stat",
           "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 100 0 100 800 0 0 0 0\nbtime 1700\n");
  root.put("/proc/loadavg", "0.50 0.4 0.3 1/2 3\n");
  root.put("/proc/meminfo", "MemTotal: 2048 kB\nMemAvailable: 1024 kB\nSwapTotal: 0 kB\n");
  root.put(
      "/proc/net/dev",
      "Inter-|\n face |\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0\n  eth0: 1000 5 0 0 0 0 0 0 2000 6 0 0\n");
  root.put("/sys/class/net/eth0/speed", "10000\n");
  root.put("/proc/net/snmp", "Tcp: InSegs RetransSegs\nTcp: 10 3\n");
  root.put("/proc/pressure/cpu", "some avg10=12.50 avg60=0.00 avg300=0.00 total=5\n");
  root.put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  root.put("/sys/fs/cgroup/cpu.stat", "usage_usec 5\nthrottled_usec 2500000\n");
  const ProbePtr probe = make_host_probe(root.path);
  std::vector<Subject> subjects;
  probe->read(subjects);
  CHECK(std::isnan(subjects.front().value(quantity::host_cpu)));
  root.put("/proc/stat",
           "cpu  150 0 125 825 0 0 0 0 0 0\ncpu0 150 0 125 825 0 0 0 0\nbtime 1700\n");
  subjects.clear();
  probe->read(subjects);
  REQUIRE(subjects.size() == 1);
  const Subject& host = subjects.front();
  CHECK(host.trouble.empty());
  CHECK(host.value(quantity::host_cpu) == doctest::Approx(0.75));
  CHECK(host.value(quantity::host_core, "0") == doctest::Approx(0.75));
  CHECK(host.value(quantity::host_memory_available) == 1024.0 * 1024.0);
  CHECK(host.value(quantity::host_network_transmit, "eth0") == 2000.0);
  CHECK(host.value(quantity::host_network_speed, "eth0") == 1.25e9);
  CHECK(std::isnan(host.value(quantity::host_network_receive, "lo")));
  CHECK(host.value(quantity::host_retransmits) == 3.0);
  CHECK(host.value(quantity::host_pressure, "cpu") == doctest::Approx(0.125));
  CHECK(host.value(quantity::host_cgroup_cpu_limit) == doctest::Approx(1.5));
  CHECK(host.value(quantity::host_cgroup_throttled) == doctest::Approx(2.5));
  // What this host does not say is missing, with the file that would say it.
  CHECK(std::isnan(host.value(quantity::host_swap_free)));
}

TEST_CASE("a host without /proc has reasons, not zeros") {
  const FakeRoot root;
  const ProbePtr probe = make_host_probe(root.path);
  std::vector<Subject> subjects;
  probe->read(subjects);
  REQUIRE(subjects.size() == 1);
  for (const Reading& reading : subjects.front().readings) CHECK_FALSE(reading.missing.empty());
}

}  // namespace
}  // namespace tacho
