#include "workload/token_counts.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

/// Tokens of one prompt and of its reply.
struct PromptCounts {
  std::uint32_t input = 0;
  std::uint32_t reply = 0;
};

/// The first line of a file of counts. The 1 is raised when datasets are read differently than
/// before.
std::string header_of(const Dataset& dataset, const Tokenizer& tokenizer) {
  return format("tacho-tokens 1 dataset {:016x} tokenizer {:016x} prompts {}\n", dataset.hash,
                tokenizer.fingerprint(), dataset.prompts.size());
}

/// The file in the user's cache folder, or "" when there is no such folder.
std::string cache_file(const Dataset& dataset, const Tokenizer& tokenizer) {
  const std::string folder = user_cache_folder();
  if (folder.empty()) return "";
  return format("{}/{:016x}-{:016x}.tacho-tokens", folder, dataset.hash, tokenizer.fingerprint());
}

bool take_number(const char*& place, const char* end, char terminator, std::uint32_t& number) {
  const auto [next, failure] = std::from_chars(place, end, number);
  if (failure != std::errc() || next == end || *next != terminator) return false;
  place = next + 1;
  return true;
}

/// The counts in a file, or nothing when it is absent, cut short, or of another dataset or
/// tokenizer.
std::optional<std::vector<PromptCounts>> read_counts(const std::string& path,
                                                     const std::string& header, std::size_t count) {
  if (path.empty() || !exists(path) || is_folder(path)) return std::nullopt;
  const auto text = read_file(path);
  if (!text || !text->starts_with(header)) return std::nullopt;
  std::vector<PromptCounts> counts(count);
  const char* place = text->data() + header.size();
  const char* end = text->data() + text->size();
  for (PromptCounts& one : counts) {
    if (!take_number(place, end, ' ', one.input)) return std::nullopt;
    if (!take_number(place, end, '\n', one.reply)) return std::nullopt;
  }
  if (place != end) return std::nullopt;
  return counts;
}

std::string written(const std::string& header, const std::vector<PromptCounts>& counts) {
  std::string text = header;
  for (const PromptCounts& one : counts) text += format("{} {}\n", one.input, one.reply);
  return text;
}

void count_slice(const Dataset& dataset, const Tokenizer& tokenizer, std::atomic<std::size_t>& next,
                 std::atomic<std::size_t>& done, std::vector<PromptCounts>& counts) {
  // Small slices: one long conversation must not leave the other threads idle at the end.
  constexpr std::size_t slice = 32;
  for (;;) {
    const std::size_t begin = next.fetch_add(slice);
    if (begin >= counts.size()) return;
    const std::size_t end = std::min(begin + slice, counts.size());
    for (std::size_t i = begin; i < end; ++i) {
      counts[i] = {static_cast<std::uint32_t>(tokenizer.count(prompt_text(dataset.prompts[i]))),
                   static_cast<std::uint32_t>(tokenizer.count(dataset.replies[i]))};
    }
    done.fetch_add(end - begin);
    done.notify_one();
  }
}

/// Counts with all cores; each thread writes its own elements only.
std::vector<PromptCounts> count_all(const Dataset& dataset, const Tokenizer& tokenizer,
                                    const Progress& progress) {
  std::vector<PromptCounts> counts(dataset.prompts.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> done = 0;
  const std::size_t useful = 1 + counts.size() / 256;
  const std::size_t threads =
      std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, useful);
  std::vector<std::thread> helpers;
  for (std::size_t i = 0; i < threads; ++i) {
    helpers.emplace_back([&] { count_slice(dataset, tokenizer, next, done, counts); });
  }
  std::size_t reported = 0;
  while (progress && reported < counts.size()) {
    done.wait(reported);  // Sleeps until a slice is finished somewhere.
    reported = done.load();
    progress(reported, counts.size());
  }
  for (std::thread& helper : helpers) helper.join();
  return counts;
}

void fill_in(Dataset& dataset, const std::vector<PromptCounts>& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    Prompt& prompt = dataset.prompts[i];
    prompt.input_tokens = counts[i].input;
    if (prompt.output_tokens == 0) prompt.output_tokens = counts[i].reply;
  }
}

}  // namespace

Status count_tokens(Dataset& dataset, const Tokenizer& tokenizer, const std::string& path,
                    const Progress& progress) {
  TACHO_ASSERT(dataset.replies.size() == dataset.prompts.size());
  const std::string header = header_of(dataset, tokenizer);
  const std::string beside = path.empty() ? "" : path + ".tacho-tokens";
  const std::string cached = cache_file(dataset, tokenizer);
  for (const std::string& file : {beside, cached}) {
    const auto counts = read_counts(file, header, dataset.prompts.size());
    if (!counts) continue;
    fill_in(dataset, *counts);
    return Nothing{};
  }

  const auto counts = count_all(dataset, tokenizer, progress);
  fill_in(dataset, counts);
  const std::string text = written(header, counts);
  if (!beside.empty() && write_file(beside, text)) return Nothing{};
  if (cached.empty() || !make_folders(cached.substr(0, cached.find_last_of('/')))) return Nothing{};
  // Not kept is only slower next time.
  [[maybe_unused]] const Status kept = write_file(cached, text);
  return Nothing{};
}

}  // namespace tacho
