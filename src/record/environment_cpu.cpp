// The processor, the walls around us (hypervisor, container, quotas) and what they let us use.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "base/text.h"
#include "record/environment_files.h"

namespace tacho {
namespace {

/// Arm cores name themselves by numbers only: implementer and part, as in the kernel's cputype.h.
std::optional<std::string> arm_model(std::string_view cpuinfo) {
  const auto implementer = field(cpuinfo, "CPU implementer", ':');
  const auto part = field(cpuinfo, "CPU part", ':');
  if (!implementer || !part) return std::nullopt;
  const std::string code = *implementer + " " + *part;
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"0x41 0xd0c", "Arm Neoverse N1"},       {"0x41 0xd40", "Arm Neoverse V1"},
      {"0x41 0xd49", "Arm Neoverse N2"},       {"0x41 0xd4f", "Arm Neoverse V2"},
      {"0x48 0xd01", "HiSilicon Kunpeng 920"}, {"0xc0 0xac3", "Ampere-1"},
  };
  for (const auto& [number, name] : known) {
    if (code == number) return std::string(name);
  }
  return "Arm implementer " + *implementer + " part " + *part;
}

/// Sockets and physical cores.
struct Layout {
  std::optional<std::int64_t> sockets;
  std::optional<std::int64_t> cores;
};

/// From /proc/cpuinfo where it tells (x86: one read); from the folder of each CPU elsewhere.
Layout read_layout(const MachineFiles& files, std::string_view cpuinfo) {
  std::set<std::string> sockets;
  std::set<std::string> cores;
  std::string socket;
  for (const auto line : split(cpuinfo, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto key = trim(line.substr(0, colon));
    const auto value = trim(line.substr(colon + 1));
    if (key == "physical id") sockets.insert(socket = value);
    if (key == "core id") cores.insert(socket + "/" + std::string(value));
  }
  if (sockets.empty()) {
    const auto names = files.names("/sys/devices/system/cpu");
    for (const auto& name : names.value_or(std::vector<std::string>{})) {
      if (!name.starts_with("cpu") || !parse_integer(name.substr(3))) continue;
      const std::string topology = "/sys/devices/system/cpu/" + name + "/topology/";
      const auto package = files.text(topology + "physical_package_id");
      const auto core = files.text(topology + "core_id");
      if (package && core) cores.insert(*package + "/" + *core), sockets.insert(*package);
    }
  }
  if (sockets.empty() || cores.empty()) return {};
  return {static_cast<std::int64_t>(sockets.size()), static_cast<std::int64_t>(cores.size())};
}

/// Which hypervisor we run on. The CPU flag is the proof; the vendor's name only tells which one.
Json hypervisor(const MachineFiles& files, std::string_view cpuinfo) {
  const auto flags = field(cpuinfo, "flags", ':');
  if (flags && (*flags + " ").find(" hypervisor ") == std::string::npos) return "none";
  if (const auto type = files.text("/sys/hypervisor/type")) return *type;
  const auto vendor = files.text("/sys/class/dmi/id/sys_vendor");
  const auto product = files.text("/sys/class/dmi/id/product_name");
  const std::string board = lower(vendor.value_or("") + " " + product.value_or(""));
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"qemu", "kvm"},
      {"kvm", "kvm"},
      {"openstack", "kvm"},
      {"alibaba cloud ecs", "kvm"},
      {"vmware", "vmware"},
      {"virtualbox", "virtualbox"},
      {"xen", "xen"},
      {"virtual machine", "hyper-v"},
      {"google compute", "kvm"},
  };
  for (const auto& [word, name] : known) {
    if (board.find(word) != std::string::npos) return std::string(name);
  }
  if (flags) return vendor ? Json("yes: " + *vendor) : Json("yes");
  return unknown;
}

/// Which container we run in, by the marks that the runtimes leave.
Json container(const MachineFiles& files) {
  if (files.has("/var/run/secrets/kubernetes.io")) return "kubernetes";
  if (files.has("/.dockerenv")) return "docker";
  if (files.has("/run/.containerenv")) return "podman";
  const auto groups = files.text("/proc/1/cgroup");
  if (!groups) return unknown;
  for (const char* mark : {"kubepods", "docker", "containerd", "lxc", "libpod"}) {
    if (groups->find(mark) != std::string::npos) return mark;
  }
  return "none";
}

constexpr double no_limit = std::numeric_limits<double>::infinity();

/// One number of a cgroup file; "max", a missing file and the kernel's huge defaults are no limit.
double limit_of(const std::optional<std::string>& text) {
  const auto value = text ? parse_number(*text) : std::nullopt;
  return value && *value >= 0 && *value < 0x1p62 ? *value : no_limit;
}

/// CPUs and bytes that the control groups leave us.
struct Quota {
  double cpus = no_limit;
  double bytes = no_limit;
};

/// Version 2: every group from ours up to the root may set a limit, and the smallest counts.
Quota quota_v2(const MachineFiles& files, std::string group) {
  Quota quota;
  for (;;) {
    const std::string folder = "/sys/fs/cgroup" + (group == "/" ? "" : group);
    const auto cpu = files.text(folder + "/cpu.max");
    const auto parts = split(cpu ? std::string_view(*cpu) : std::string_view(), ' ');
    if (parts.size() == 2) {
      const double period = limit_of(std::string(parts[1]));
      quota.cpus = std::min(quota.cpus, limit_of(std::string(parts[0])) / period);
    }
    quota.bytes = std::min(quota.bytes, limit_of(files.text(folder + "/memory.max")));
    const auto slash = group.rfind('/');
    if (slash == std::string::npos || group == "/") return quota;
    group.resize(slash);
  }
}

/// Version 1: one tree for each controller. Inside a container its own group is the root of the
/// mount.
Quota quota_v1(const MachineFiles& files, const std::string& cpu_group,
               const std::string& memory_group) {
  Quota quota;
  for (const auto& group : {cpu_group, std::string()}) {
    const std::string folder = "/sys/fs/cgroup/cpu" + group;
    const double period = limit_of(files.text(folder + "/cpu.cfs_period_us"));
    quota.cpus = std::min(quota.cpus, limit_of(files.text(folder + "/cpu.cfs_quota_us")) / period);
  }
  for (const auto& group : {memory_group, std::string()}) {
    const auto limit = files.text("/sys/fs/cgroup/memory" + group + "/memory.limit_in_bytes");
    quota.bytes = std::min(quota.bytes, limit_of(limit));
  }
  return quota;
}

/// Reads /proc/self/cgroup, whose lines are "number:controllers:group".
std::optional<Quota> read_quota(const MachineFiles& files) {
  const auto groups = files.text("/proc/self/cgroup");
  if (!groups) return std::nullopt;
  std::string unified, cpu_group, memory_group;
  for (const auto line : split(*groups, '\n')) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const std::string group(line.substr(second + 1));
    if (controllers.empty()) unified = group;
    for (const auto controller : split(controllers, ',')) {
      if (controller == "cpu") cpu_group = group;
      if (controller == "memory") memory_group = group;
    }
  }
  if (cpu_group.empty() && memory_group.empty()) return quota_v2(files, unified);
  return quota_v1(files, cpu_group, memory_group);
}

/// The quota that applies: "none" when the groups were read and set no limit.
Json quota_value(const std::optional<Quota>& quota, double Quota::*member) {
  if (!quota) return unknown;
  const double value = (*quota).*member;
  if (value == no_limit) return "none";
  const bool is_whole = value == std::floor(value);
  return is_whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

/// The soft limit of open files, from the table of /proc/self/limits.
std::optional<std::int64_t> open_files(const MachineFiles& files) {
  const auto limits = files.text("/proc/self/limits");
  constexpr std::string_view title = "Max open files";
  for (const auto line : split(limits ? std::string_view(*limits) : std::string_view(), '\n')) {
    if (!line.starts_with(title)) continue;
    const auto rest = trim(line.substr(title.size()));
    return parse_integer(rest.substr(0, rest.find(' ')));
  }
  return std::nullopt;
}

}  // namespace

Json collect_cpu(const MachineFiles& files, std::string_view cpuinfo) {
  const std::string cpu = "/sys/devices/system/cpu/";
  auto model = field(cpuinfo, "model name", ':');
  if (!model) model = arm_model(cpuinfo);
  const Layout layout = read_layout(files, cpuinfo);
  const auto nodes = files.text("/sys/devices/system/node/online").value_or("");
  const auto max_khz = files.integer(cpu + "cpu0/cpufreq/cpuinfo_max_freq");
  Json result = Json::object();
  result["model"] = or_unknown(model);
  result["sockets"] = or_unknown(layout.sockets);
  result["cores"] = or_unknown(layout.cores);
  result["threads"] = or_unknown(count_of_list(files.text(cpu + "online").value_or("")));
  result["numa_nodes"] = or_unknown(count_of_list(nodes));
  result["mhz_max"] = max_khz ? Json(*max_khz / 1000) : Json(unknown);
  result["governor"] = or_unknown(files.text(cpu + "cpu0/cpufreq/scaling_governor"));
  return result;
}

Json collect_limits(const MachineFiles& files, std::string_view cpuinfo) {
  const auto quota = read_quota(files);
  const auto status = files.text("/proc/self/status").value_or("");
  Json limits = Json::object();
  limits["cpus_quota"] = quota_value(quota, &Quota::cpus);
  limits["cpus_allowed"] =
      or_unknown(count_of_list(field(status, "Cpus_allowed_list", ':').value_or("")));
  limits["memory_bytes"] = quota_value(quota, &Quota::bytes);
  limits["open_files"] = or_unknown(open_files(files));
  Json result = Json::object();
  result["hypervisor"] = hypervisor(files, cpuinfo);
  result["container"] = container(files);
  result["limits"] = std::move(limits);
  return result;
}

}  // namespace tacho
