// The readers of datasets: any file is refused in one line or read, and a list of entries holds the
// same prompts as the same entries on lines of their own.
#include "workload/dataset.h"

#include "base/text.h"
#include "fuzz.h"
#include "sound_json.h"

namespace tacho::fuzz {
namespace {

std::string described(const Result<Dataset>& dataset) {
  if (!dataset.ok()) return "refused";
  std::string text = format("skipped {}: {}\n", dataset->skipped, dataset->skipped_why);
  for (std::size_t i = 0; i < dataset->prompts.size(); ++i) {
    const Prompt& prompt = dataset->prompts[i];
    text += format("{} in, {} out, reply {}\n", prompt.input_tokens, prompt.output_tokens,
                   dataset->replies[i]);
    for (const Message& message : prompt.messages) {
      text += format(" {}: {}\n", message.role, message.content);
    }
    for (const std::string& input : prompt.inputs) text += format(" - {}\n", input);
  }
  return text;
}

void check(const Result<Dataset>& dataset) {
  if (!dataset.ok()) {
    expect(!dataset.error().message.empty(), "refused without a word");
    expect(dataset.error().message.find('\n') == std::string::npos, "more than a line");
    return;
  }
  expect(dataset->prompts.size() == dataset->replies.size(), "prompts without replies");
  expect(!dataset->prompts.empty(), "a dataset of nothing");
  expect((dataset->skipped == 0) == dataset->skipped_why.empty(), "skipped without a reason");
  for (const Prompt& prompt : dataset->prompts) {
    expect(!prompt.messages.empty(), "a prompt of nothing");
    expect(!prompt.origin.empty(), "a prompt from nowhere");
  }
}

/// The entries of a sound list, each on a line; empty where the two forms need not be the same.
std::string as_lines(std::string_view text) {
  const auto list = sound_json(text);
  if (!list || !list->is_array()) return "";
  std::string lines;
  for (const Json& entry : *list) {
    if (!entry.is_object() && !entry.is_string()) return "";
    lines += dump_json(entry) + "\n";
  }
  return lines;
}

}  // namespace
}  // namespace tacho::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacho;
  using namespace tacho::fuzz;
  Input input(data, size);
  static const std::vector<std::string> types = [] {
    std::vector<std::string> all = dataset_types();
    all.emplace_back("");
    return all;
  }();
  const std::string& type = types[input.decide() % types.size()];
  const std::string text(input.rest());
  const auto dataset = parse_dataset(text, "set.json", type);
  check(dataset);
  const std::string lines = as_lines(text);
  if (lines.empty()) return 0;
  const auto by_lines = parse_dataset(lines, "set.json", type);
  check(by_lines);
  expect_same(described(by_lines), described(dataset), "a list and its lines are read differently");
  return 0;
}
