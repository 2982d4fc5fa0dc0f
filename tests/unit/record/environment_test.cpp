// The machine's facts, read from trees that look like the machines we were told about: a box of
// H800s, an Ascend server, a bare virtual machine, and one where nothing can be read.
#include "record/environment.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/file.h"

namespace tacho {
namespace {

/// A folder that plays the root of another machine.
class FakeMachine {
 public:
  FakeMachine() {
    char path[] = "/tmp/tacho-machine-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~FakeMachine() { std::filesystem::remove_all(root_); }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  void add(const std::string& path, const std::string& text) {
    REQUIRE(make_folders(std::filesystem::path(root_ + path).parent_path().string()).ok());
    REQUIRE(write_file(root_ + path, text + "\n").ok());
  }

  void add_pci(const std::string& address, const std::string& device_class,
               const std::string& vendor, const std::string& device, const std::string& node) {
    const std::string folder = "/sys/bus/pci/devices/" + address;
    add(folder + "/class", device_class);
    add(folder + "/vendor", vendor);
    add(folder + "/device", device);
    add(folder + "/numa_node", node);
  }

  Json environment() const { return collect_environment(root_); }

 private:
  std::string root_;
};

/// Two sockets of two cores of two threads, as /proc/cpuinfo shows them on x86.
std::string xeon_cpuinfo(const std::string& flags) {
  std::string text;
  for (int thread = 0; thread < 8; ++thread) {
    text += "processor\t: " + std::to_string(thread);
    text += "\nmodel name\t: Intel(R) Xeon(R) Platinum 8480C";
    text += "\nphysical id\t: " + std::to_string(thread / 2 % 2);
    text += "\ncore id\t\t: " + std::to_string(thread % 2);
    text += "\nflags\t\t: " + flags + "\n\n";
  }
  return text;
}

void add_h800(FakeMachine& machine, const std::string& address, const std::string& node) {
  machine.add_pci(address, "0x030200", "0x10de", "0x2324", node);
  machine.add("/proc/driver/nvidia/gpus/" + address + "/information",
              "Model: \t\t NVIDIA H800\nIRQ:   \t\t 100\nGPU UUID: \t GPU-1234\n");
}

TEST_CASE("a box of H800s: models, driver, CUDA, and the NUMA node of each GPU and card") {
  FakeMachine machine;
  machine.add("/proc/cpuinfo", xeon_cpuinfo("fpu vme avx512f"));
  machine.add("/proc/meminfo", "MemTotal:       2113407744 kB\nMemFree: 1 kB");
  machine.add("/proc/loadavg", "0.52 1.25 3.00 2/1234 5678");
  machine.add("/sys/devices/system/cpu/online", "0-7");
  machine.add("/sys/devices/system/node/online", "0-1");
  machine.add("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3800000");
  machine.add("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance");
  add_h800(machine, "0000:18:00.0", "0");
  add_h800(machine, "0000:9a:00.0", "1");
  machine.add_pci("0000:03:00.0", "0x030000", "0x1a03", "0x2000", "0");  // The management chip.
  machine.add("/proc/driver/nvidia/version",
              "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Sat Jan 27 2024\n"
              "GCC version:  gcc version 11.4.0");
  machine.add("/usr/local/cuda/version.json",
              R"({"cuda": {"name": "CUDA SDK", "version": "12.2.1"}})");
  machine.add("/sys/class/net/eth0/operstate", "up");
  machine.add("/sys/class/net/eth0/speed", "200000");
  machine.add("/sys/class/net/eth0/mtu", "9000");
  machine.add("/sys/class/net/eth0/device/numa_node", "1");
  machine.add("/sys/class/net/eth1/operstate", "down");
  machine.add("/sys/class/net/veth12/operstate", "up");
  machine.add("/sys/class/infiniband/mlx5_0/ports/1/state", "4: ACTIVE");
  machine.add("/sys/class/infiniband/mlx5_0/ports/1/rate", "400 Gb/sec (4X NDR)");
  machine.add("/sys/class/infiniband/mlx5_0/ports/1/link_layer", "InfiniBand");

  const Json facts = machine.environment();
  const Json cpu = {{"model", "Intel(R) Xeon(R) Platinum 8480C"},
                    {"sockets", 2},
                    {"cores", 4},
                    {"threads", 8},
                    {"numa_nodes", 2},
                    {"mhz_max", 3800},
                    {"governor", "performance"}};
  CHECK(facts["cpu"] == cpu);
  CHECK(facts["memory_bytes"] == 2113407744LL * 1024);
  CHECK(facts["load_average"] == Json({0.52, 1.25, 3.0}));
  CHECK(facts["hypervisor"] == "none");
  REQUIRE(facts["gpus"].size() == 2);
  CHECK(facts["gpus"][1] ==
        Json({{"name", "NVIDIA H800"}, {"pci", "0000:9a:00.0"}, {"numa_node", 1}}));
  CHECK(facts["gpu_driver"] == "NVIDIA 535.161.08");
  CHECK(facts["cuda"] == "12.2.1");
  CHECK(facts["cann"] == "unknown");
  REQUIRE(facts["network"].size() == 1);
  CHECK(facts["network"][0] ==
        Json({{"name", "eth0"}, {"speed_mbps", 200000}, {"mtu", 9000}, {"numa_node", 1}}));
  REQUIRE(facts["rdma"].size() == 1);
  CHECK(facts["rdma"][0]["state"] == "active");
  CHECK(facts["rdma"][0]["rate"] == "400 Gb/sec (4X NDR)");
  CHECK(dump_json(facts).find("GPU-1234") == std::string::npos);
}

TEST_CASE("a container that hides the PCI bus still sees the GPUs of the driver") {
  FakeMachine machine;
  machine.add("/proc/driver/nvidia/gpus/0000:18:00.0/information", "Model: \t NVIDIA H800");
  machine.add("/proc/driver/nvidia/version",
              "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build");
  machine.add("/.dockerenv", "");
  const Json facts = machine.environment();
  REQUIRE(facts["gpus"].size() == 1);
  CHECK(facts["gpus"][0]["name"] == "NVIDIA H800");
  CHECK(facts["gpus"][0]["numa_node"] == "unknown");
  CHECK(facts["gpu_driver"] == "NVIDIA 570.86.15");
  CHECK(facts["container"] == "docker");
}

TEST_CASE("an Ascend server: Kunpeng cores by their numbers, NPUs, driver and CANN") {
  FakeMachine machine;
  machine.add("/proc/cpuinfo",
              "processor\t: 0\nBogoMIPS\t: 200.00\nFeatures\t: fp asimd\n"
              "CPU implementer\t: 0x48\nCPU part\t: 0xd01\n");
  for (int cpu = 0; cpu < 4; ++cpu) {
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    machine.add(topology + "physical_package_id", std::to_string(cpu / 2));
    machine.add(topology + "core_id", std::to_string(cpu % 2));
  }
  machine.add("/proc/sys/kernel/arch", "aarch64");
  machine.add_pci("0000:c1:00.0", "0x120000", "0x19e5", "0xd802", "3");
  machine.add_pci("0000:05:00.0", "0x030000", "0x19e5", "0x1711", "0");  // The management chip.
  machine.add("/usr/local/Ascend/driver/version.info",
              "Version=24.1.rc2\nascendhal_version=7.35.19");
  machine.add("/usr/local/Ascend/ascend-toolkit/latest/compiler/version.info",
              "Version=7.3.0.1.231:8.0.RC1");

  const Json facts = machine.environment();
  CHECK(facts["cpu"]["model"] == "HiSilicon Kunpeng 920");
  CHECK(facts["cpu"]["sockets"] == 2);
  CHECK(facts["cpu"]["cores"] == 4);
  CHECK(facts["arch"] == "aarch64");
  REQUIRE(facts["gpus"].size() == 1);
  CHECK(facts["gpus"][0]["name"] == "Ascend 910B");
  CHECK(facts["gpus"][0]["numa_node"] == 3);
  CHECK(facts["gpu_driver"] == "Ascend 24.1.rc2");
  CHECK(facts["cann"] == "7.3.0.1.231:8.0.RC1");
  CHECK(facts["cuda"] == "unknown");
}

TEST_CASE("an AMD server: the driver's version and the product that the card names") {
  FakeMachine machine;
  machine.add_pci("0000:2f:00.0", "0x120000", "0x1002", "0x74a1", "-1");
  machine.add("/sys/bus/pci/devices/0000:2f:00.0/product_name", "AMD Instinct MI300X OAM");
  machine.add_pci("0000:46:00.0", "0x120000", "0x1002", "0x74a1", "0");
  machine.add("/sys/module/amdgpu/version", "6.7.0");
  machine.add("/opt/rocm/.info/version", "6.1.2-129");
  const Json facts = machine.environment();
  REQUIRE(facts["gpus"].size() == 2);
  CHECK(facts["gpus"][0]["name"] == "AMD Instinct MI300X OAM");
  CHECK(facts["gpus"][0]["numa_node"] == "none");
  CHECK(facts["gpus"][1]["name"] == "AMD device 0x74a1");
  CHECK(facts["gpu_driver"] == "amdgpu 6.7.0");
  CHECK(facts["rocm"] == "6.1.2-129");
}

TEST_CASE("a bare virtual machine: the hypervisor, the quotas, and lists that are empty") {
  FakeMachine machine;
  machine.add("/proc/cpuinfo", xeon_cpuinfo("fpu vme hypervisor"));
  machine.add("/sys/class/dmi/id/sys_vendor", "QEMU");
  machine.add("/sys/class/dmi/id/product_name", "Standard PC");
  machine.add_pci("0000:00:02.0", "0x030000", "0x1234", "0x1111", "-1");
  machine.add("/proc/1/cgroup", "0::/init.scope");
  machine.add("/proc/self/cgroup", "0::/user.slice/session");
  machine.add("/proc/self/status", "Name:\ttacho\nCpus_allowed_list:\t0-3,6");
  machine.add("/proc/self/limits",
              "Limit                     Soft Limit           Hard Limit           Units\n"
              "Max open files            1024                 20000                files");
  machine.add("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000");
  machine.add("/sys/fs/cgroup/user.slice/session/cpu.max", "max 100000");
  machine.add("/sys/fs/cgroup/user.slice/session/memory.max", "max");
  machine.add("/etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"");
  machine.add("/proc/sys/kernel/osrelease", "6.1.0-18-amd64");
  machine.add("/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock");
  machine.add("/proc/self/timerslack_ns", "50000");
  machine.add("/sys/class/net/lo/operstate", "unknown");

  const Json facts = machine.environment();
  CHECK(facts["hypervisor"] == "kvm");
  CHECK(facts["container"] == "none");
  CHECK(facts["limits"]["cpus_quota"] == 1.5);
  CHECK(facts["limits"]["cpus_allowed"] == 5);
  CHECK(facts["limits"]["memory_bytes"] == "none");
  CHECK(facts["limits"]["open_files"] == 1024);
  CHECK(facts["os"] == "Debian GNU/Linux 12");
  CHECK(facts["kernel"] == "6.1.0-18-amd64");
  CHECK(facts["clocksource"] == "kvm-clock");
  CHECK(facts["timer_slack_ns"] == 50000);
  CHECK(facts["gpus"] == Json::array());
  CHECK(facts["network"] == Json::array());
  CHECK(facts["rdma"] == Json::array());
}

TEST_CASE("control groups of version 1 limit CPUs and memory, in a pod too") {
  FakeMachine machine;
  machine.add("/proc/1/cgroup", "5:cpu,cpuacct:/kubepods/pod1\n4:memory:/kubepods/pod1");
  machine.add("/proc/self/cgroup", "5:cpu,cpuacct:/kubepods/pod1\n4:memory:/kubepods/pod1");
  machine.add("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000");
  machine.add("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  machine.add("/sys/fs/cgroup/memory/memory.limit_in_bytes", "8589934592");
  const Json facts = machine.environment();
  CHECK(facts["container"] == "kubepods");
  CHECK(facts["limits"]["cpus_quota"] == 4);
  CHECK(facts["limits"]["memory_bytes"] == 8589934592);
}

/// True when every leaf below the value is the word "unknown".
bool all_unknown(const Json& value) {
  if (!value.is_object()) return value == "unknown";
  for (const auto& item : value) {
    if (!all_unknown(item)) return false;
  }
  return !value.empty();
}

TEST_CASE("where nothing can be read, every fact is unknown") {
  const FakeMachine machine;
  const Json facts = machine.environment();
  CAPTURE(dump_json(facts, 2));
  CHECK(all_unknown(facts));
}

TEST_CASE("files with nonsense in them are unknown too, and nothing breaks") {
  FakeMachine machine;
  for (const char* path : {"/proc/cpuinfo", "/proc/meminfo", "/proc/loadavg", "/proc/self/cgroup",
                           "/proc/self/limits", "/proc/self/status", "/etc/os-release",
                           "/sys/devices/system/cpu/online", "/proc/driver/nvidia/version",
                           "/usr/local/cuda/version.json", "/usr/local/cuda/version.txt"}) {
    machine.add(path, "::: \x01 = = , - 0- -\n\n:\n0::x/y\nMemTotal: ?\nMax open files");
  }
  const Json facts = machine.environment();
  CHECK(facts["memory_bytes"] == "unknown");
  CHECK(facts["load_average"] == "unknown");
  CHECK(facts["cpu"]["threads"] == "unknown");
  CHECK(facts["gpu_driver"] == "unknown");
  CHECK(facts["cuda"] == "unknown");
  CHECK(facts["limits"]["open_files"] == "unknown");
}

TEST_CASE("this machine has a kernel, memory and an architecture, and gives no host name") {
  const Json facts = collect_environment();
  CHECK(facts["kernel"] != "unknown");
  CHECK(facts["memory_bytes"].is_number());
  CHECK(facts["arch"] != "unknown");
  CHECK_FALSE(facts.contains("hostname"));
}

}  // namespace
}  // namespace tacho
