// Reads the host from /proc and /sys: processors, memory, swap, disks, network, pressure, control
// group. `root` stands before every path, so that a test can bring a host of its own.
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/text.h"
#include "monitor/probes.h"

namespace tacho {
namespace {

/// A file of the kernel, "" when it is not there. These have no size, and are read whole.
std::string read_text(const std::string& path) {
  auto text = read_file(path);
  return text ? std::move(*text) : std::string();
}

/// The lines of a text.
std::vector<std::string_view> lines_of(std::string_view text) { return split(text, '\n'); }

/// The words of a line.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split(line, ' ')) {
    const std::string_view trimmed = trim(word);
    if (!trimmed.empty()) words.push_back(trimmed);
  }
  return words;
}

double number(std::string_view text) { return parse_number(trim(text)).value_or(std::nan("")); }

/// Ticks of a processor: in use, and all.
struct Ticks {
  double busy = 0.0;
  double all = 0.0;
};

class HostProbe final : public Probe {
 public:
  explicit HostProbe(std::string root) : root_(std::move(root)) {}

  std::string_view name() const override { return "host"; }

  void read(std::vector<Subject>& out) override {
    Subject host;
    host.kind = SubjectKind::host;
    char name[256] = "";
    ::gethostname(name, sizeof name - 1);
    host.id = name;
    host.labels = {{"host", name}};
    processors(host);
    memory(host);
    numa(host);
    disks(host);
    network(host);
    pressure(host);
    control_group(host);
    if (host.readings.empty()) host.trouble = format("nothing can be read below {}/proc", root_);
    out.push_back(std::move(host));
  }

 private:
  /// Adds what there is; a number that is not there is missing, with the path as the reason.
  void add(Subject& host, const Quantity& quantity, double value, const std::string& path,
           Labels labels = {}) {
    if (std::isfinite(value)) {
      host.add(quantity, value, std::move(labels));
    } else {
      host.miss(quantity, path + " does not say", std::move(labels));
    }
  }

  /// Shares need two readings; the first has none.
  void processors(Subject& host) {
    const std::string path = root_ + "/proc/stat";
    double cores = 0.0;
    const std::string text = read_text(path);
    for (const std::string_view line : lines_of(text)) {
      const auto words = words_of(line);
      if (words.size() >= 5 && words[0].starts_with("cpu")) {
        const bool is_sum = words[0] == "cpu";
        if (!is_sum) ++cores;
        const double share = busy_share(std::string(words[0]), words);
        const Quantity& quantity = is_sum ? quantity::host_cpu : quantity::host_core;
        Labels labels;
        if (!is_sum) labels = {{"core", std::string(words[0].substr(3))}};
        if (std::isfinite(share)) host.add(quantity, share, std::move(labels));
      } else if (words.size() == 2 && words[0] == "btime") {
        add(host, quantity::host_boot_time, number(words[1]), path);
      }
    }
    if (cores > 0.0) host.add(quantity::host_cores, cores);
    const std::string load = read_text(root_ + "/proc/loadavg");
    add(host, quantity::host_load, number(load.substr(0, load.find(' '))), root_ + "/proc/loadavg");
  }

  /// Of the time since the last reading. Columns: user nice system idle iowait irq softirq steal.
  double busy_share(const std::string& name, const std::vector<std::string_view>& words) {
    Ticks now;
    for (std::size_t i = 1; i < words.size() && i <= 8; ++i) {
      const double ticks = number(words[i]);
      now.all += ticks;
      if (i != 4 && i != 5) now.busy += ticks;
    }
    const auto before = ticks_.find(name);
    double share = std::nan("");
    if (before != ticks_.end() && now.all > before->second.all) {
      share = (now.busy - before->second.busy) / (now.all - before->second.all);
    }
    ticks_[name] = now;
    return share;
  }

  void memory(Subject& host) {
    const std::string path = root_ + "/proc/meminfo";
    std::map<std::string, double, std::less<>> values;
    const std::string text = read_text(path);
    for (const std::string_view line : lines_of(text)) {
      const auto words = words_of(line);
      if (words.size() >= 2) values[std::string(words[0])] = 1024.0 * number(words[1]);
    }
    const auto value = [&](std::string_view key) {
      const auto found = values.find(key);
      return found != values.end() ? found->second : std::nan("");
    };
    add(host, quantity::host_memory_total, value("MemTotal:"), path);
    add(host, quantity::host_memory_available, value("MemAvailable:"), path);
    add(host, quantity::host_swap_total, value("SwapTotal:"), path);
    add(host, quantity::host_swap_free, value("SwapFree:"), path);
  }

  void numa(Subject& host) {
    for (int node = 0;; ++node) {
      const std::string path = format("{}/sys/devices/system/node/node{}/meminfo", root_, node);
      const std::string text = read_text(path);
      if (text.empty()) return;
      for (const std::string_view line : lines_of(text)) {
        const auto words = words_of(line);  // Node 0 MemFree: 123 kB
        if (words.size() >= 4 && words[2] == "MemFree:") {
          add(host, quantity::host_numa_free, 1024.0 * number(words[3]), path,
              {{"node", format("{}", node)}});
        }
      }
    }
  }

  void disks(Subject& host) {
    const std::string path = root_ + "/proc/diskstats";
    const std::string text = read_text(path);
    for (const std::string_view line : lines_of(text)) {
      const auto words = words_of(line);
      // Whole disks have a folder of their own; parts of them, loops and RAM disks are left out.
      if (words.size() < 10 || words[2].starts_with("loop") || words[2].starts_with("ram"))
        continue;
      const std::string disk(words[2]);
      if (!exists(root_ + "/sys/block/" + disk)) continue;
      // A sector is 512 bytes here, whatever the disk's is (Linux, admin-guide/iostats).
      add(host, quantity::host_disk_read, 512.0 * number(words[5]), path, {{"disk", disk}});
      add(host, quantity::host_disk_written, 512.0 * number(words[9]), path, {{"disk", disk}});
    }
  }

  void network(Subject& host) {
    const std::string path = root_ + "/proc/net/dev";
    const std::string text = read_text(path);
    for (const std::string_view line : lines_of(text)) {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      const std::string name(trim(line.substr(0, colon)));
      const auto words = words_of(line.substr(colon + 1));
      if (words.size() < 9 || name == "lo") continue;
      const Labels labels{{"interface", name}};
      add(host, quantity::host_network_receive, number(words[0]), path, labels);
      add(host, quantity::host_network_transmit, number(words[8]), path, labels);
      // In Mb/s; a virtual one says nothing, or -1.
      const std::string speed_path = format("{}/sys/class/net/{}/speed", root_, name);
      const double speed = number(read_text(speed_path));
      add(host, quantity::host_network_speed, speed > 0.0 ? 125000.0 * speed : std::nan(""),
          speed_path, labels);
    }
    retransmits(host);
  }

  /// The Tcp: line of names, then that of values.
  void retransmits(Subject& host) {
    const std::string path = root_ + "/proc/net/snmp";
    const std::string text = read_text(path);
    std::vector<std::string_view> names;
    for (const std::string_view line : lines_of(text)) {
      const auto words = words_of(line);
      if (words.empty() || words[0] != "Tcp:") continue;
      for (std::size_t i = 0; i < names.size() && i < words.size(); ++i) {
        if (names[i] == "RetransSegs")
          add(host, quantity::host_retransmits, number(words[i]), path);
      }
      names = words;
    }
  }

  /// some avg10=1.23 avg60=… in percent.
  void pressure(Subject& host) {
    for (const char* resource : {"cpu", "memory", "io"}) {
      const std::string path = format("{}/proc/pressure/{}", root_, resource);
      const std::string text = read_text(path);
      const std::size_t at = text.find("avg10=");
      const double percent = at == std::string::npos
                                 ? std::nan("")
                                 : number(text.substr(at + 6, text.find(' ', at) - at - 6));
      add(host, quantity::host_pressure, percent / 100.0, path, {{"resource", resource}});
    }
  }

  /// Version 2 of control groups; ours is named in /proc/self/cgroup, and inside a container it is
  /// the root of what we see.
  void control_group(Subject& host) {
    const std::string named = read_text(root_ + "/proc/self/cgroup");
    const std::size_t at = named.find("0::");
    std::string folder = root_ + "/sys/fs/cgroup";
    if (at != std::string::npos) {
      const std::string own =
          folder + std::string(trim(named.substr(at + 3, named.find('\n', at) - at - 3)));
      if (exists(own + "/cpu.stat")) folder = own;
    }
    const std::string limit = read_text(folder + "/cpu.max");
    const auto words = words_of(trim(limit));
    const bool is_limited = words.size() == 2 && words[0] != "max";
    if (is_limited) {
      host.add(quantity::host_cgroup_cpu_limit, number(words[0]) / number(words[1]));
    } else {
      host.miss(quantity::host_cgroup_cpu_limit, "no limit is set");
    }
    const std::string stat = read_text(folder + "/cpu.stat");
    for (const std::string_view line : lines_of(stat)) {
      const auto parts = words_of(line);
      if (parts.size() == 2 && parts[0] == "throttled_usec") {
        host.add(quantity::host_cgroup_throttled, 1e-6 * number(parts[1]));
      }
    }
    const double most = number(read_text(folder + "/memory.max"));
    add(host, quantity::host_cgroup_memory_limit, most, folder + "/memory.max");
    add(host, quantity::host_cgroup_memory, number(read_text(folder + "/memory.current")),
        folder + "/memory.current");
  }

  std::string root_;
  std::map<std::string, Ticks, std::less<>> ticks_;
};

}  // namespace

ProbePtr make_host_probe(const std::string& root) { return std::make_unique<HostProbe>(root); }

}  // namespace tacho
