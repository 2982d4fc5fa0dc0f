#include "record/environment.h"

#include <sys/utsname.h>

#include "base/text.h"
#include "record/environment_files.h"

namespace tacho {
namespace {

/// The architecture; kernels before 6.1 have no file for it, so that this machine's own is asked of
/// the kernel.
std::optional<std::string> architecture(const MachineFiles& files) {
  if (auto text = files.text("/proc/sys/kernel/arch")) return text;
  utsname names{};
  if (!files.is_this_machine() || ::uname(&names) != 0) return std::nullopt;
  return std::string(names.machine);
}

/// Bytes of main memory. The kernel says kB and means KiB.
std::optional<std::int64_t> memory_bytes(const MachineFiles& files) {
  const auto total = field(files.text("/proc/meminfo").value_or(""), "MemTotal", ':');
  if (!total) return std::nullopt;
  const auto kibibytes = parse_integer(trim(total->substr(0, total->find(' '))));
  if (!kibibytes) return std::nullopt;
  return *kibibytes * 1024;
}

/// The three load averages at the start: a machine that was busy before us is a reason for doubt.
Json load_average(const MachineFiles& files) {
  const auto line = files.text("/proc/loadavg");
  if (!line) return unknown;
  Json averages = Json::array();
  for (const auto part : split(*line, ' ')) {
    const auto number = parse_number(part);
    if (!number || averages.size() == 3) break;
    averages.push_back(*number);
  }
  if (averages.size() != 3) return unknown;
  return averages;
}

}  // namespace

Json collect_environment(const std::string& root) {
  const MachineFiles files(root);
  // Read once: with hundreds of cores it is the one large file here.
  const std::string cpuinfo = files.text("/proc/cpuinfo").value_or("");
  Json result = Json::object();
  result["cpu"] = collect_cpu(files, cpuinfo);
  result["memory_bytes"] = or_unknown(memory_bytes(files));
  result["os"] = or_unknown(field(files.text("/etc/os-release").value_or(""), "PRETTY_NAME", '='));
  result["kernel"] = or_unknown(files.text("/proc/sys/kernel/osrelease"));
  result["arch"] = or_unknown(architecture(files));
  result["clocksource"] =
      or_unknown(files.text("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
  result["timer_slack_ns"] = or_unknown(files.integer("/proc/self/timerslack_ns"));
  result["load_average"] = load_average(files);
  result.update(collect_limits(files, cpuinfo));
  result.update(collect_accelerators(files));
  result.update(collect_network(files));
  return result;
}

}  // namespace tacho
