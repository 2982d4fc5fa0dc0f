// How the environment is read: small files below a root folder, each of which may be missing, and
// readers of the few formats that /proc and /sys use. Inside of record/environment only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace tacho {

/// What stands in the manifest for a fact that could not be read.
inline constexpr const char* unknown = "unknown";

/// The files of one machine. Nothing here fails: a missing file is an empty optional.
class MachineFiles {
 public:
  /// `root` is put before every path.
  explicit MachineFiles(std::string root);

  /// The file's text without surrounding white space; nothing when it is missing, unreadable or
  /// empty.
  std::optional<std::string> text(const std::string& path) const;

  /// The file's text as an integer.
  std::optional<std::int64_t> integer(const std::string& path) const;

  /// The names in a folder, sorted; nothing when there is no such folder.
  std::optional<std::vector<std::string>> names(const std::string& path) const;

  /// True when something is at this path.
  bool has(const std::string& path) const;

  /// True when the root is the machine we run on.
  bool is_this_machine() const { return root_.empty(); }

 private:
  std::string root_;
};

/// The value as JSON, or "unknown".
Json or_unknown(const std::optional<std::string>& value);
Json or_unknown(const std::optional<std::int64_t>& value);

/// The value of the first "key : value" or "key=value" line with this key, without quotes.
std::optional<std::string> field(std::string_view text, std::string_view key, char separator);

/// How many numbers a kernel list such as "0-3,8" holds; nothing when it is no list.
std::optional<std::int64_t> count_of_list(std::string_view list);

/// The NUMA node of a device folder below /sys; the kernel's -1 (none) is "none".
Json numa_node(const MachineFiles& files, const std::string& device);

/// CPU model, counts, clock and governor. `cpuinfo` is the text of /proc/cpuinfo.
Json collect_cpu(const MachineFiles& files, std::string_view cpuinfo);

/// Hypervisor and container that we run in, and the limits that they and the system set.
Json collect_limits(const MachineFiles& files, std::string_view cpuinfo);

/// GPUs and NPUs with their drivers and toolkits.
Json collect_accelerators(const MachineFiles& files);

/// Network interfaces that are up, and RDMA devices.
Json collect_network(const MachineFiles& files);

}  // namespace tacho
