#include "ui/processes.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"

namespace tacho {
namespace {

struct SortName {
  SortKey key;
  std::string_view name;
  char32_t letter;  ///< After 'o', as in nvitop.
};

constexpr SortName sort_names[] = {
    {SortKey::device, "device", U'n'}, {SortKey::user, "user", U'u'},
    {SortKey::pid, "pid", U'p'},       {SortKey::device_memory, "gpu-mem", U'g'},
    {SortKey::sm, "sm", U's'},         {SortKey::memory_busy, "gmbw", U'b'},
    {SortKey::cpu, "cpu", U'c'},       {SortKey::memory, "mem", U'm'},
    {SortKey::time, "time", U't'},
};

/// The host's memory, or NaN.
double host_memory(const Snapshot& snapshot) {
  for (const Subject& subject : snapshot.subjects) {
    if (subject.kind == SubjectKind::host) return subject.value(quantity::host_memory_total);
  }
  return std::nan("");
}

/// C for compute, G for graphics, X for both, as nvitop has it; else the first letter.
std::string type_letter(std::string_view type) {
  const bool is_compute = type.find("compute") != std::string_view::npos;
  const bool is_graphics = type.find("graphics") != std::string_view::npos;
  if (is_compute || is_graphics) return is_compute && is_graphics ? "X" : is_compute ? "C" : "G";
  std::string letter(type.substr(0, 1));
  if (!letter.empty() && letter[0] >= 'a' && letter[0] <= 'z')
    letter[0] = static_cast<char>(letter[0] - 'a' + 'A');
  return letter;
}

/// The row of a process on one device. `device` picks its readings where the subject has those of
/// several.
ProcessRow row_of(const Subject& subject, const std::string& device, double all_memory,
                  double wall_s) {
  ProcessRow row;
  const auto& labels = subject.labels;
  row.id = {static_cast<int>(parse_integer(label(labels, "pid")).value_or(0)), device};
  row.subject = &subject;
  row.type = type_letter(label(labels, "type"));
  if (const auto part = label(labels, "mig"); !part.empty()) {
    row.id.device += ":" + std::string(part);
  }
  row.user = label(labels, "user");
  row.command = label(labels, "command");
  const auto of_device = [&](const Quantity& quantity) {
    const bool is_labelled = label(labels, "device").empty() && !device.empty();
    return subject.value(quantity, is_labelled ? std::string_view(device) : std::string_view());
  };
  row.device_memory = of_device(quantity::process_device_memory);
  row.sm = of_device(quantity::process_device_utilization);
  row.memory_busy = of_device(quantity::process_device_memory_busy);
  row.cpu = subject.value(quantity::process_cpu);
  row.bytes = subject.value(quantity::process_memory);
  row.memory = row.bytes / all_memory;
  row.age = wall_s - subject.value(quantity::process_start_time);
  return row;
}

/// The devices that a process uses: its own label, or those of its readings.
std::vector<std::string> devices_of(const Subject& subject) {
  const std::string own(label(subject.labels, "device"));
  std::vector<std::string> devices;
  if (!own.empty()) return {own};
  for (const Reading& reading : subject.readings) {
    const std::string device(label(reading.labels, "device"));
    const bool is_new = std::find(devices.begin(), devices.end(), device) == devices.end();
    if (!device.empty() && is_new) devices.push_back(device);
  }
  if (devices.empty()) devices.emplace_back();
  return devices;
}

bool passes(const ProcessRow& row, const std::string& filter) {
  if (filter.empty()) return true;
  const std::string wanted = lower(filter);
  const std::string text =
      lower(format("{} {} {} gpu{}", row.id.pid, row.user, row.command, row.id.device));
  return text.find(wanted) != std::string::npos;
}

/// Where a device stands in the natural order: by number where it begins with one.
std::pair<double, std::string> device_order(const std::string& device) {
  return {parse_number(device.substr(0, device.find(':'))).value_or(1e9), device};
}

double sort_value(const ProcessRow& row, SortKey key) {
  switch (key) {
    case SortKey::device_memory:
      return row.device_memory;
    case SortKey::sm:
      return row.sm;
    case SortKey::memory_busy:
      return row.memory_busy;
    case SortKey::cpu:
      return row.cpu;
    case SortKey::memory:
      return row.memory;
    case SortKey::time:
      return row.age;
    default:
      return 0.0;
  }
}

/// Orders by device and pid first, so that equals stand as they do in the natural order.
void sort_rows(std::vector<ProcessRow>& rows, const ViewState& view) {
  std::sort(rows.begin(), rows.end(), [](const ProcessRow& a, const ProcessRow& b) {
    return std::pair(device_order(a.id.device), a.id.pid) <
           std::pair(device_order(b.id.device), b.id.pid);
  });
  std::stable_sort(rows.begin(), rows.end(), [&](const ProcessRow& a, const ProcessRow& b) {
    if (view.sort == SortKey::device) return false;
    if (view.sort == SortKey::user) return a.user < b.user;
    if (view.sort == SortKey::pid) return a.id.pid < b.id.pid;
    // Loads: the largest first, what is not known last.
    const double x = sort_value(a, view.sort), y = sort_value(b, view.sort);
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
    return x > y;
  });
  if (view.is_reversed) std::reverse(rows.begin(), rows.end());
}

/// Puts each process behind the nearest of its ancestors that is shown, children in the order they
/// had.
class Tree {
 public:
  Tree(std::vector<ProcessRow> rows, const std::map<int, int>& parents) : rows_(std::move(rows)) {
    std::set<int> shown;
    for (const ProcessRow& row : rows_) shown.insert(row.id.pid);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      int parent = rows_[i].id.pid;
      // The list of parents was read while processes came and went: it might even have a ring.
      for (std::size_t hops = 0; hops <= parents.size(); ++hops) {
        const auto found = parents.find(parent);
        parent = found != parents.end() ? found->second : 0;
        if (parent <= 0 || shown.contains(parent)) break;
      }
      const bool has_parent = parent > 0 && shown.contains(parent) && parent != rows_[i].id.pid;
      children_[has_parent ? parent : 0].push_back(i);
    }
  }

  std::vector<ProcessRow> take() {
    add(0, "", true);
    // A ring of parents hangs on nothing; its processes are shown all the same.
    std::set<RowId> shown;
    for (const ProcessRow& row : out_) shown.insert(row.id);
    for (const ProcessRow& row : rows_) {
      if (!shown.contains(row.id)) out_.push_back(row);
    }
    return std::move(out_);
  }

 private:
  void add(int parent, const std::string& lines, bool is_top) {
    // A process on several devices has several rows; its children follow the first.
    if (!is_top && !visited_.insert(parent).second) return;
    const auto found = children_.find(parent);
    if (found == children_.end()) return;
    for (std::size_t i = 0; i < found->second.size(); ++i) {
      const bool is_last = i + 1 == found->second.size();
      ProcessRow row = rows_[found->second[i]];
      row.branch = is_top ? "" : lines + (is_last ? "└─ " : "├─ ");
      const int pid = row.id.pid;
      out_.push_back(std::move(row));
      add(pid, is_top ? "" : lines + (is_last ? "   " : "│  "), false);
    }
  }

  std::vector<ProcessRow> rows_;
  std::map<int, std::vector<std::size_t>> children_;
  std::set<int> visited_;
  std::vector<ProcessRow> out_;
};

}  // namespace

bool is_stale(const ScreenInput& input, const Subject& subject) {
  return happened(subject.at) &&
         input.snapshot.at - subject.at > 3 * input.interval + std::chrono::seconds(2);
}

std::vector<ProcessRow> process_rows(const ScreenInput& input, const ViewState& view) {
  std::vector<ProcessRow> rows;
  const double all_memory = host_memory(input.snapshot);
  const double wall_s = static_cast<double>(input.snapshot.wall_ns) / 1e9;
  for (const Subject& subject : input.snapshot.subjects) {
    if (subject.kind != SubjectKind::process) continue;
    for (const std::string& device : devices_of(subject)) {
      ProcessRow row = row_of(subject, device, all_memory, wall_s);
      if (passes(row, view.filter)) rows.push_back(std::move(row));
    }
  }
  sort_rows(rows, view);
  return view.is_tree ? Tree(std::move(rows), input.parents).take() : rows;
}

std::string_view sort_name(SortKey key) {
  for (const SortName& one : sort_names) {
    if (one.key == key) return one.name;
  }
  return "";
}

std::optional<SortKey> sort_of_key(char32_t key) {
  const char32_t small = key >= U'A' && key <= U'Z' ? key - U'A' + U'a' : key;
  for (const SortName& one : sort_names) {
    if (one.letter == small) return one.key;
  }
  return std::nullopt;
}

}  // namespace tacho
