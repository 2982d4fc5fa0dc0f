#include "workload/trace.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "workload/dataset_entries.h"
#include "workload/trace_csv.h"

namespace tacho {
namespace {

constexpr const char* text_keys = "text_input prompt text";
constexpr const char* input_keys = "input_length input_tokens";
constexpr const char* output_keys = "output_length output_tokens";

/// Milliseconds as a number or as a string of one; nothing when it is neither.
JsonError read_ms(JsonValue& value, std::optional<double>& out) {
  simdjson::ondemand::json_type type{};
  if (const JsonError failure = value.type().get(type)) return failure;
  if (type == simdjson::ondemand::json_type::number) {
    double number = 0.0;
    if (const JsonError failure = value.get_double().get(number)) return failure;
    out = number;
  } else if (type == simdjson::ondemand::json_type::string) {
    std::string_view text;
    if (const JsonError failure = value.get_string().get(text)) return failure;
    out = parse_number(text);
  }
  return simdjson::SUCCESS;
}

/// Builds the list; the first entry that is none ends it.
class Reader {
 public:
  JsonError add(const EntryView& view) {
    if (!problem_.empty()) return simdjson::SUCCESS;
    if (view.object == nullptr) {
      problem_ = format("{}: a text without a time", view.origin);
      return simdjson::SUCCESS;
    }
    TraceEntry entry;
    std::optional<double> at_ms, delay_ms;
    bool is_broken = false;
    for (auto field : *view.object) {
      std::string_view key;
      JsonValue value;
      if (const JsonError failure = field.unescaped_key().get(key)) return failure;
      const std::string name(key);
      if (const JsonError failure = field.value().get(value)) return failure;
      JsonError failure = simdjson::SUCCESS;
      if (name == "timestamp") failure = read_ms(value, at_ms);
      if (name == "delay") failure = read_ms(value, delay_ms);
      if (listed(input_keys, name)) failure = read_tokens(value, entry.input_tokens);
      if (listed(output_keys, name)) failure = read_tokens(value, entry.output_tokens);
      if (listed(text_keys, name)) failure = read_text(value, entry.text, is_broken);
      if (failure) return failure;
    }
    if (!at_ms && delay_ms && !entries_.empty()) {
      at_ms = to_ms(entries_.back().due) + *delay_ms;
    } else if (!at_ms && delay_ms) {
      at_ms = *delay_ms;
    }
    problem_ = problem_of(entry, at_ms, is_broken, view.origin);
    if (at_ms) entry.due = from_s(*at_ms / 1e3);
    entries_.push_back(std::move(entry));
    return simdjson::SUCCESS;
  }

  Result<std::vector<TraceEntry>> finish(const std::string& name) {
    if (!problem_.empty()) return input_error(problem_);
    if (entries_.empty()) return input_error(format("'{}' has no entries", name));
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const TraceEntry& a, const TraceEntry& b) { return a.due < b.due; });
    return std::move(entries_);
  }

 private:
  static std::string problem_of(TraceEntry& entry, const std::optional<double>& at_ms,
                                bool is_broken, const std::string& origin) {
    if (!at_ms) {
      return format("{}: no time; a trace has a \"timestamp\" or a \"delay\" in ms", origin);
    }
    if (*at_ms < 0.0) return format("{}: a time before 0", origin);
    if (is_broken) return format("{}: a text with a broken \\u escape", origin);
    if (!trim(entry.text).empty()) {
      entry.input_tokens = 0;
      return "";
    }
    entry.text.clear();
    if (entry.input_tokens > 0) return "";
    return format("{}: neither an \"input_length\" nor a \"text_input\"", origin);
  }

  std::vector<TraceEntry> entries_;
  std::string problem_;
};

}  // namespace

Result<std::vector<TraceEntry>> parse_trace(std::string text, const std::string& name) {
  Reader reader;
  const std::string file = name.substr(name.find_last_of('/') + 1);
  const Status walked = visit_entries(std::move(text), name, file,
                                      [&](const EntryView& view) { return reader.add(view); });
  if (!walked) return walked.error();
  return reader.finish(name);
}

Result<std::vector<TraceEntry>> read_trace(const std::string& path) {
  if (is_folder(path)) return input_error(format("'{}' is a folder, not a trace", path));
  auto text = read_file(path);
  if (!text) return text.error();
  if (is_csv_trace(*text)) return parse_csv_trace(*text, path);
  return parse_trace(std::move(text).value(), path);
}

std::vector<TraceEntry> cut_trace(std::vector<TraceEntry> entries, const TraceCut& cut) {
  std::erase_if(entries, [&](const TraceEntry& entry) {
    return (cut.start_s && entry.due < from_s(*cut.start_s)) ||
           (cut.end_s && entry.due >= from_s(*cut.end_s));
  });
  if (entries.size() > cut.count_max) entries.resize(cut.count_max);
  if (entries.empty()) return entries;
  const Duration origin = cut.start_s ? from_s(*cut.start_s) : entries.front().due;
  for (TraceEntry& entry : entries) entry.due = from_s(to_s(entry.due - origin) / cut.speedup);
  return entries;
}

}  // namespace tacho
