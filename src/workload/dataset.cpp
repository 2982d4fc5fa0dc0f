#include "workload/dataset.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/embedded.h"
#include "base/file.h"
#include "base/text.h"
#include "workload/dataset_entries.h"
#include "workload/dataset_format.h"
#include "workload/fingerprint.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(builtin_conversations)

/// The formats, the most particular first: the first that fits an entry's keys is taken.
const std::array<const DatasetFormat*, 4>& formats() {
  static const std::array<const DatasetFormat*, 4> all{
      &sharegpt_format(),
      &alpaca_format(),
      &custom_format(),
      &jsonl_format(),
  };
  return all;
}

/// The format of that name or alias. "auto" is nothing, as is "": the entries decide.
Result<const DatasetFormat*> find_format(const std::string& type) {
  const std::string wanted = lower(type);
  if (wanted.empty() || wanted == "auto") return static_cast<const DatasetFormat*>(nullptr);
  for (const DatasetFormat* known : formats()) {
    if (wanted == known->name || listed(known->aliases, wanted)) return known;
  }
  return input_error(
      format("unknown dataset type '{}'; known: {}", type, join(dataset_types(), ", ")));
}

/// The characters of a string up to its closing quote, escapes and all.
std::string_view raw_text(simdjson::ondemand::raw_json_string string) {
  const char* begin = string.raw();
  const char* end = begin;
  while (*end != '"') end += *end == '\\' ? 2 : 1;  // That there is one has been seen to.
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// The keys of an object, which is then at its beginning again. They are not unescaped: simdjson's
/// buffer has room for each string of a document once, and they will be read again.
JsonError keys_of(JsonObject& object, std::vector<std::string>& keys) {
  for (auto field : object) {
    simdjson::ondemand::raw_json_string key;
    if (const JsonError failure = field.key().get(key)) return failure;
    keys.emplace_back(raw_text(key));
  }
  bool is_empty = false;
  return object.reset().get(is_empty);
}

/// Builds the dataset from entries as they are visited.
class Collector {
 public:
  explicit Collector(const DatasetFormat* wanted) : format_(wanted) {}

  JsonError add(const EntryView& view) {
    DatasetEntry entry;
    if (view.object == nullptr) {
      entry.messages.push_back({"user", std::string(view.text)});
      if (trim(view.text).empty()) entry.unusable = "empty";
    } else {
      if (const JsonError failure = choose_format(*view.object)) return failure;
      if (const JsonError failure = format_->read(*view.object, entry)) return failure;
    }
    if (entry.unusable != nullptr) {
      ++reasons_[entry.unusable];
      ++dataset_.skipped;
      return simdjson::SUCCESS;
    }
    dataset_.replies.push_back(std::move(entry.reply));
    dataset_.prompts.push_back({.messages = std::move(entry.messages),
                                .input_tokens = entry.input_tokens,
                                .output_tokens = entry.output_tokens,
                                .origin = view.origin,
                                .inputs = std::move(entry.inputs)});
    return simdjson::SUCCESS;
  }

  /// The finished dataset, or why there is none.
  Result<Dataset> finish(const std::string& path) {
    std::vector<std::string> parts;
    for (const auto& [reason, count] : reasons_) parts.push_back(format("{} {}", count, reason));
    dataset_.skipped_why = join(parts, ", ");
    if (!dataset_.prompts.empty()) return std::move(dataset_);
    if (dataset_.skipped == 0) return input_error(format("'{}' has no entries", path));
    std::string keys = first_keys_.empty() ? "" : "; its entries have " + join(first_keys_, ", ");
    return input_error(format("no entry of '{}' is a prompt when read as {}: {}{}; types: {}", path,
                              format_ == nullptr ? "text" : format_->name, dataset_.skipped_why,
                              keys, join(dataset_types(), ", ")));
  }

 private:
  JsonError choose_format(JsonObject& object) {
    if (!first_keys_.empty()) return simdjson::SUCCESS;
    if (const JsonError failure = keys_of(object, first_keys_)) return failure;
    if (format_ != nullptr) return simdjson::SUCCESS;
    const auto fitting = std::find_if(formats().begin(), formats().end(),
                                      [&](const auto* known) { return known->fits(first_keys_); });
    format_ = *fitting;
    return simdjson::SUCCESS;
  }

  const DatasetFormat* format_;
  std::vector<std::string> first_keys_;
  std::map<std::string, std::size_t> reasons_;
  Dataset dataset_;
};

std::string file_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

}  // namespace

std::vector<std::string> dataset_types() {
  std::vector<std::string> names;
  for (const DatasetFormat* known : formats()) names.emplace_back(known->name);
  return names;
}

Result<Dataset> parse_dataset(std::string text, const std::string& name, const std::string& type) {
  auto wanted = find_format(type);
  if (!wanted) return wanted.error();
  const std::uint64_t hash = fnv1a(text);
  Collector collector(*wanted);
  const Status walked = visit_entries(std::move(text), name, file_name(name),
                                      [&](const EntryView& view) { return collector.add(view); });
  if (!walked) return walked.error();
  auto dataset = collector.finish(name);
  if (!dataset) return dataset.error();
  dataset->name = file_name(name);
  dataset->hash = hash;
  return dataset;
}

Result<Dataset> load_dataset(const std::string& path, const std::string& type) {
  if (is_folder(path)) {
    return input_error(format("'{}' is a folder: name the dataset's file in it", path));
  }
  auto text = read_file(path);
  if (!text) return text.error();
  return parse_dataset(std::move(text).value(), path, type);
}

Dataset builtin_dataset() {
  auto dataset = parse_dataset(std::string(builtin_conversations()), "built-in", "sharegpt");
  return std::move(dataset).value();
}

}  // namespace tacho
