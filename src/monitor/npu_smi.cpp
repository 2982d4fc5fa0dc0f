#include "monitor/npu_smi.h"

#include <unistd.h>

#include <cstdlib>
#include <map>

#include "base/text.h"
#include "monitor/program_output.h"

namespace tacho {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
/// A driver that is ill may never answer.
constexpr Duration patience = std::chrono::seconds(30);

/// The words of a cell; "3416 / 65536" and "15503/ 65536" are one.
std::vector<std::string> words_of(std::string_view cell) {
  std::vector<std::string> words;
  bool joins = false;
  for (const std::string_view raw : split(cell, ' ')) {
    const std::string_view word = trim(raw);
    if (word.empty()) continue;
    if ((joins || word.starts_with("/")) && !words.empty()) {
      words.back() += word;
    } else {
      words.emplace_back(word);
    }
    joins = word.ends_with("/");
  }
  return words;
}

/// The cells of a row between its bars.
std::vector<std::string_view> cells_of(std::string_view row) {
  std::vector<std::string_view> cells;
  row = trim(row);
  if (!row.starts_with("|") || !row.ends_with("|") || row.size() < 2) return cells;
  for (const std::string_view cell : split(row.substr(1, row.size() - 2), '|')) {
    cells.push_back(trim(cell));
  }
  return cells;
}

/// Names of columns, by cell and place.
using Head = std::vector<std::vector<std::string>>;

Head head_of(const std::vector<std::string_view>& cells) {
  Head head;
  for (const std::string_view cell : cells) head.push_back(words_of(cell));
  return head;
}

/// A row's values by the names of a head. A name with several words is the cell's last column.
std::map<std::string, std::string> values_of(const Head& head,
                                             const std::vector<std::string_view>& cells) {
  std::map<std::string, std::string> values;
  for (std::size_t c = 0; c < cells.size() && c < head.size(); ++c) {
    const std::vector<std::string> words = words_of(cells[c]);
    for (std::size_t w = 0; w < words.size() && !head[c].empty(); ++w) {
      const bool is_more = w >= head[c].size();
      std::string& value = values[is_more ? head[c].back() : head[c][w]];
      value += (is_more ? " " : "") + words[w];
    }
  }
  return values;
}

class Table {
 public:
  std::vector<Subject> read(std::string_view table) {
    for (const std::string_view line : split(table, '\n')) row(line);
    for (Subject& process : processes_) subjects_.push_back(std::move(process));
    return std::move(subjects_);
  }

 private:
  enum class Part { before, npu, chip, process };

  void row(std::string_view line) {
    const auto cells = cells_of(line);
    if (cells.size() < 3) {
      const std::size_t at = line.find("Version:");
      if (at != std::string_view::npos) driver_ = words_of(line.substr(at + 8)).front();
      return;
    }
    const auto first = words_of(cells[0]);
    if (first.empty()) return;
    if (first[0] == "NPU" && cells[1] == "Health") {
      npu_head_ = head_of(cells);
    } else if (first[0] == "Chip") {
      chip_head_ = head_of(cells);
      part_ = Part::npu;
    } else if (first[0] == "NPU" && lower(cells[1]) == "process id") {
      part_ = Part::process;
    } else if (part_ == Part::npu) {
      npu_ = values_of(npu_head_, cells);
      part_ = Part::chip;
    } else if (part_ == Part::chip) {
      add_npu(values_of(chip_head_, cells));
      part_ = Part::npu;
    } else if (part_ == Part::process && cells.size() >= 4 && first.size() >= 2) {
      add_process(first, cells);
    }
  }

  /// A number of the table, or the reason why there is none.
  static void number(Subject& subject, const Quantity& quantity, const std::string& text,
                     double scale, const Labels& labels = {}) {
    if (const auto value = parse_number(text)) {
      subject.add(quantity, scale * *value, labels);
    } else {
      subject.miss(quantity, text.empty() ? "npu-smi has no such column" : "npu-smi says " + text,
                   labels);
    }
  }

  void add_npu(std::map<std::string, std::string> chip) {
    Subject subject;
    subject.kind = SubjectKind::device;
    std::string number_text = chip["Phy-ID"];
    if (number_text.empty()) number_text = format("{}", subjects_.size());
    subject.id = "ascend:" + number_text;
    const std::string model = npu_["Name"];
    subject.labels = {{"vendor", "ascend"},
                      {"device", number_text},
                      {"model", model.starts_with("Ascend") ? model : "Ascend " + model}};
    numbers_[npu_["NPU"] + " " + chip["Chip"]] = number_text;
    subject.add(quantity::device_up, 1.0);
    subject.add(quantity::device_info, 1.0,
                {{"card", npu_["NPU"]},
                 {"chip", chip["Chip"]},
                 {"driver", driver_},
                 {"bus", lower(chip["Bus-Id"])}});
    subject.add(quantity::device_healthy, npu_["Health"] == "OK" ? 1.0 : 0.0);
    number(subject, quantity::device_power, npu_["Power(W)"], 1.0);
    number(subject, quantity::device_temperature, npu_["Temp(C)"], 1.0, {{"sensor", "core"}});
    number(subject, quantity::device_utilization, chip["AICore(%)"], 0.01);
    number(subject, quantity::device_sm_active, chip["AICore(%)"], 0.01);
    // NPUs without memory on the package have only the other.
    std::string memory = chip["HBM-Usage(MB)"];
    if (memory.empty()) memory = chip["Memory-Usage(MB)"];
    const std::size_t slash = memory.find('/');
    const bool is_pair = slash != std::string::npos;
    number(subject, quantity::device_memory_used, memory.substr(0, slash), mebibyte);
    number(subject, quantity::device_memory_total, is_pair ? memory.substr(slash + 1) : "",
           mebibyte);
    subjects_.push_back(std::move(subject));
  }

  void add_process(const std::vector<std::string>& where,
                   const std::vector<std::string_view>& cells) {
    const auto device = numbers_.find(where[0] + " " + where[1]);
    if (device == numbers_.end() || !parse_integer(cells[1])) return;
    Subject subject;
    subject.kind = SubjectKind::process;
    subject.id = format("ascend:{}/{}", device->second, cells[1]);
    subject.labels = {{"vendor", "ascend"}, {"device", device->second},
                      {"type", "compute"},  {"pid", std::string(cells[1])},
                      {"user", ""},         {"command", std::string(cells[2])}};
    number(subject, quantity::process_device_memory, std::string(cells[3]), mebibyte);
    processes_.push_back(std::move(subject));
  }

  Part part_ = Part::before;
  std::string driver_;
  Head npu_head_, chip_head_;
  std::map<std::string, std::string> npu_;
  std::map<std::string, std::string> numbers_;  ///< By "card chip".
  std::vector<Subject> subjects_, processes_;
};

class NpuSmiProbe final : public Probe {
 public:
  explicit NpuSmiProbe(std::string path) : path_(std::move(path)) {}

  std::string_view name() const override { return "npu-smi"; }

  void read(std::vector<Subject>& out) override {
    const auto table = program_.run({path_, "info"}, patience);
    std::vector<Subject> subjects;
    if (table) subjects = read_npu_smi(*table);
    if (subjects.empty()) {
      Subject subject;
      subject.kind = SubjectKind::device;
      subject.id = "ascend";
      subject.labels = {{"vendor", "ascend"}};
      subject.trouble = table ? path_ + " info shows no NPU" : table.error().message;
      subjects.push_back(std::move(subject));
    }
    for (Subject& subject : subjects) out.push_back(std::move(subject));
  }

  void interrupt() override { program_.interrupt(); }

 private:
  std::string path_;
  ProgramOutput program_;
};

}  // namespace

std::vector<Subject> read_npu_smi(std::string_view table) { return Table().read(table); }

std::string find_npu_smi() {
  const char* path = std::getenv("PATH");
  for (const std::string_view folder : split(path != nullptr ? path : "", ':')) {
    const std::string candidate = std::string(folder) + "/npu-smi";
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

ProbePtr make_npu_smi_probe(const std::string& path) { return std::make_unique<NpuSmiProbe>(path); }

}  // namespace tacho
