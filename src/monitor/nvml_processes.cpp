#include "monitor/nvml_processes.h"

#include <cstring>
#include <map>

#include "base/text.h"

namespace tacho {
namespace {

/// More processes than this on one device are none.
constexpr unsigned most_processes = 4096;
/// A process that left no sample for so long did nothing.
constexpr std::uint64_t window_us = 2'000'000;

/// One process of a device.
struct Row {
  std::string type;
  std::uint64_t memory_bytes = 0;
  bool has_memory = false;
};

using Rows = std::map<unsigned, Row>;

void keep(Rows& rows, unsigned pid, std::uint64_t memory_bytes, std::string_view type) {
  if (pid == 0) return;
  Row& row = rows[pid];
  row.type += (row.type.empty() ? "" : "+") + std::string(type);
  if (memory_bytes == ~std::uint64_t{0}) return;
  // Who is in two lists has the same memory in both.
  row.has_memory = true;
  row.memory_bytes = std::max(row.memory_bytes, memory_bytes);
}

/// Asks for a list: first how long it is, then for it, with room for what comes between.
template <class Process>
int ask_list(const NvmlCall<NvmlHandle, unsigned*, Process*>& call, NvmlHandle handle,
             std::vector<Process>& list) {
  unsigned count = 0;
  int code = call(handle, &count, nullptr);
  for (int tries = 0; code == nvml_insufficient_size && tries < 4; ++tries) {
    count = std::min(count + 16, most_processes);
    list.resize(count);
    code = call(handle, &count, list.data());
  }
  if (code == nvml_success) list.resize(std::min<std::size_t>(count, list.size()));
  return code;
}

/// Processes of one type; the old function, with less in each row, where the new one is not there.
int add_type(NvmlReader& r, const NvmlCall<NvmlHandle, unsigned*, NvmlProcess*>& call,
             const NvmlCall<NvmlHandle, unsigned*, NvmlProcess1*>* old, std::string_view type,
             Rows& rows) {
  if (!call && old != nullptr && *old) {
    std::vector<NvmlProcess1> list;
    const int code = ask_list(*old, r.handle(), list);
    if (code != nvml_success) return code;
    for (const NvmlProcess1& process : list) keep(rows, process.pid, process.memory_bytes, type);
    return code;
  }
  std::vector<NvmlProcess> list;
  const int code = ask_list(call, r.handle(), list);
  if (code != nvml_success) return code;
  for (const NvmlProcess& process : list) keep(rows, process.pid, process.memory_bytes, type);
  return code;
}

/// What processes did lately, the newest sample of each. Drivers leave rubbish in rows that they
/// did not fill, and answer "nothing found" where nobody did anything.
int ask_samples(NvmlReader& r, std::int64_t now_wall_ns,
                std::map<unsigned, NvmlProcessSample>& samples) {
  const NvmlApi& api = r.api();
  const auto now_us = static_cast<std::uint64_t>(now_wall_ns / 1000);
  const std::uint64_t since_us = now_us - window_us;
  unsigned count = 0;
  int code = api.process_samples(r.handle(), nullptr, &count, since_us);
  std::vector<NvmlProcessSample> list;
  if (code == nvml_insufficient_size && count > 0) {
    list.resize(std::min(count, most_processes));
    count = static_cast<unsigned>(list.size());
    code = api.process_samples(r.handle(), list.data(), &count, since_us);
  }
  if (code == nvml_not_found || code == nvml_insufficient_size) return nvml_success;
  if (code != nvml_success) return code;
  list.resize(std::min<std::size_t>(count, list.size()));
  for (const NvmlProcessSample& sample : list) {
    const bool is_sound = sample.pid != 0 && sample.sm <= 100 && sample.memory <= 100 &&
                          sample.timestamp_us >= since_us &&
                          sample.timestamp_us <= now_us + window_us;
    if (!is_sound) continue;
    NvmlProcessSample& newest = samples[sample.pid];
    if (sample.timestamp_us >= newest.timestamp_us) newest = sample;
  }
  return nvml_success;
}

void add_activity(Subject& subject, const NvmlDevice& device, int code, const char* function,
                  const NvmlProcessSample& sample) {
  if (code == nvml_success && !device.is_part) {
    subject.add(quantity::process_device_utilization, sample.sm / 100.0);
    subject.add(quantity::process_device_memory_busy, sample.memory / 100.0);
    return;
  }
  const std::string why = device.is_part
                              ? "NVML does not say what a process does on a part of a GPU"
                              : std::string(function) + ": " + nvml_words(code);
  subject.miss(quantity::process_device_utilization, why);
  subject.miss(quantity::process_device_memory_busy, why);
}

}  // namespace

void read_nvml_processes(NvmlReader& reader, const NvmlDevice& device, ProcessTable& table,
                         std::int64_t now_wall_ns, std::vector<Subject>& out) {
  if (device.is_parted || reader.fatal() != nvml_success) return;
  const NvmlApi& api = reader.api();
  Rows rows;
  const int code =
      add_type(reader, api.compute_processes, &api.compute_processes1, "compute", rows);
  if (!reader.took(code, api.compute_processes.name, quantity::device_processes)) return;
  // Not every device has these; that is no news.
  reader.watch(add_type(reader, api.graphics_processes, &api.graphics_processes1, "graphics", rows),
               api.graphics_processes.name);
  reader.watch(add_type(reader, api.mps_processes, nullptr, "mps", rows), api.mps_processes.name);
  reader.subject().add(quantity::device_processes, static_cast<double>(rows.size()));
  std::map<unsigned, NvmlProcessSample> samples;
  int sampled = nvml_success;
  if (!rows.empty() && !device.is_part) sampled = ask_samples(reader, now_wall_ns, samples);
  for (const auto& [pid, row] : rows) {
    Subject subject;
    subject.kind = SubjectKind::process;
    subject.id = format("{}/{}", device.id, pid);
    subject.labels = {{"vendor", "nvidia"}, {"device", format("{}", device.index)}};
    if (const auto mig = label(device.labels, "mig"); !mig.empty()) {
      subject.labels.emplace_back("mig", mig);
    }
    subject.labels.emplace_back("type", row.type);
    if (row.has_memory) {
      subject.add(quantity::process_device_memory, static_cast<double>(row.memory_bytes));
    } else {
      subject.miss(quantity::process_device_memory, "the driver does not say");
    }
    add_activity(subject, device, sampled, api.process_samples.name, samples[pid]);
    table.describe(pid, monotonic_now(), subject);
    out.push_back(std::move(subject));
  }
}

}  // namespace tacho
