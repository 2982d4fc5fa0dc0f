#include "workload/shape.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <unordered_set>

#include "base/text.h"
#include "workload/fingerprint.h"
#include "workload/shape_corpus.h"

namespace tacho {
namespace {

/// A block of the usual prefix caches; two prompts that differ within it share nothing.
constexpr std::size_t distinct_tokens = 16;

bool is_inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

/// How many bytes of `piece` make `wanted` tokens more behind `before`; nothing when no cut does.
///
/// Counts grow with the length but for small dents (a longer text may merge into fewer tokens), so
/// the place is found by halving and its neighbourhood is searched.
std::optional<std::size_t> cut_piece(const Tokenizer& tokenizer, std::string_view before,
                                     std::string_view piece, std::size_t wanted) {
  const std::size_t base = tokenizer.count(before);
  const auto added = [&](std::size_t bytes) {
    return tokenizer.count(std::string(before).append(piece.substr(0, bytes))) - base;
  };
  std::vector<std::size_t> ends;
  for (std::size_t at = 1; at <= piece.size(); ++at) {
    if (!is_inside_character(piece, at)) ends.push_back(at);
  }
  const auto found = std::partition_point(ends.begin(), ends.end(),
                                          [&](std::size_t end) { return added(end) <= wanted; });
  constexpr std::ptrdiff_t reach = 6;
  const auto first = std::max(ends.begin(), found - reach);
  for (auto end = std::min(ends.end(), found + reach); end != first;) {
    --end;
    // A server that trims its input would take a blank at the end away again.
    if (trim(piece.substr(*end - 1, 1)).empty()) continue;
    if (added(*end) == wanted) return *end;
  }
  return std::nullopt;
}

/// The beginning of the window that has exactly `wanted` tokens. Nothing when the window is too
/// short or no cut fits: a character may be worth several tokens.
///
/// Adding up gives the cut at once for most tokenizers. For the others the difference between the
/// count and the wanted one says how far to move, and a few rounds suffice.
std::optional<std::string> cut_exactly(const Tokenizer& tokenizer, const TextWindow& window,
                                       std::size_t wanted) {
  constexpr int rounds = 8;
  std::size_t target = wanted;
  for (int round = 0; round < rounds; ++round) {
    const auto beyond = std::upper_bound(
        window.steps.begin(), window.steps.end(), target,
        [](std::size_t tokens, const WindowStep& step) { return tokens < step.tokens; });
    const auto step = beyond - 1;
    if (beyond == window.steps.end() && step->tokens < target) return std::nullopt;
    std::size_t bytes = step->bytes;
    if (step->tokens < target) {
      const std::string_view text = window.text;
      const std::size_t context = step == window.steps.begin() ? 0 : (step - 1)->bytes;
      const auto more = cut_piece(tokenizer, text.substr(context, bytes - context),
                                  text.substr(bytes, beyond->bytes - bytes), target - step->tokens);
      if (!more) return std::nullopt;
      bytes += *more;
    }
    std::string cut = window.text.substr(0, bytes);
    const std::size_t counted = tokenizer.count(cut);
    if (counted == wanted) return cut;
    if (target + wanted <= counted) return std::nullopt;
    target = target + wanted - counted;
  }
  return std::nullopt;
}

/// The places where prompts begin, in the order of their use: prompts, then replies, then inner
/// words.
class Starts {
 public:
  Starts(CorpusText& corpus, Seed seed) : corpus_(corpus), random_(seed, "shape starts") {
    for (std::uint32_t s = 0; s < corpus_.sections(); s += 2) starts_.push_back({s, 0});
    shuffle();
  }

  /// The next place; nothing when all are used up.
  std::optional<WindowStart> next() {
    while (true) {
      while (used_ == starts_.size()) {
        if (stage_ == 2) return std::nullopt;
        add_stage(++stage_);
      }
      const WindowStart start = starts_[used_++];
      if (start.piece < corpus_.pieces(start.section)) return start;
    }
  }

 private:
  void add_stage(int stage) {
    starts_.clear();
    used_ = 0;
    for (std::uint32_t s = 0; s < corpus_.sections(); ++s) {
      if (stage == 1 && s % 2 == 1) starts_.push_back({s, 0});
      if (stage != 2) continue;
      const auto pieces = static_cast<std::uint32_t>(corpus_.pieces(s));
      for (std::uint32_t piece = 1; piece < pieces; ++piece) starts_.push_back({s, piece});
    }
    shuffle();
  }

  void shuffle() {
    for (std::size_t i = starts_.size(); i > 1; --i) {
      std::swap(starts_[i - 1], starts_[static_cast<std::size_t>(random_.below(i))]);
    }
  }

  CorpusText& corpus_;
  Random random_;
  std::vector<WindowStart> starts_;
  std::size_t used_ = 0;
  int stage_ = 0;
};

/// Makes windows that begin differently.
class WindowSource {
 public:
  WindowSource(CorpusText& corpus, Seed seed) : corpus_(corpus), starts_(corpus, seed) {}

  /// A window with some text to spare, and where it begins; nothing when all places are used up.
  std::optional<std::pair<WindowStart, TextWindow>> next(std::size_t tokens) {
    // Estimates may be off by a few per cent for tokenizers whose counts do not add up.
    const std::size_t roomy = tokens + tokens / 16 + 32;
    while (const auto start = starts_.next()) {
      TextWindow window = corpus_.window(*start, roomy);
      if (tokens >= distinct_tokens && !begun_.insert(beginning(window)).second) continue;
      return std::pair{*start, std::move(window)};
    }
    return std::nullopt;
  }

 private:
  static std::uint64_t beginning(const TextWindow& window) {
    std::size_t step = 0;
    while (window.steps[step].tokens < distinct_tokens) ++step;
    // The last whole step before the limit: what follows it may belong to the 17th token.
    if (step > 1 && window.steps[step].tokens > distinct_tokens) --step;
    return fnv1a(std::string_view(window.text).substr(0, window.steps[step].bytes));
  }

  CorpusText& corpus_;
  Starts starts_;
  std::unordered_set<std::uint64_t> begun_;
};

/// Cuts each window to its length, on all cores.
std::vector<std::optional<std::string>> cut_all(const Tokenizer& tokenizer,
                                                const std::vector<TextWindow>& windows,
                                                const PromptLengths* lengths) {
  std::vector<std::optional<std::string>> cuts(windows.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < windows.size(); i = next++) {
      cuts[i] = cut_exactly(tokenizer, windows[i], lengths[i].input_tokens);
    }
  };
  const std::size_t cores =
      std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, windows.size());
  std::vector<std::thread> helpers;
  for (std::size_t i = 1; i < cores; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return cuts;
}

Error too_small(const Dataset& corpus, std::size_t made, const PromptLengths& lengths,
                std::size_t wanted) {
  return input_error(
      format("the text of '{}' has room for {} prompts of {} tokens that begin differently, {} are "
             "wanted: "
             "give a larger dataset or ask for fewer prompts",
             corpus.name, made, lengths.input_tokens, wanted));
}

/// Makes the prompts of one batch and appends them.
Status shape_batch(const Dataset& corpus, const Tokenizer& tokenizer, WindowSource& source,
                   const std::vector<PromptLengths>& lengths, std::size_t size,
                   std::vector<Prompt>& prompts) {
  const std::size_t begin = prompts.size();
  const auto take = [&](std::size_t index) { return source.next(lengths[index].input_tokens); };
  std::vector<WindowStart> starts;
  std::vector<TextWindow> windows;
  for (std::size_t i = begin; i < begin + size; ++i) {
    auto taken = take(i);
    if (!taken) return too_small(corpus, i, lengths[i], lengths.size());
    starts.push_back(taken->first);
    windows.push_back(std::move(taken->second));
  }
  auto cuts = cut_all(tokenizer, windows, lengths.data() + begin);
  for (std::size_t i = 0; i < size; ++i) {
    // A window that cannot be cut exactly is given up for the next one.
    while (!cuts[i]) {
      auto taken = take(begin + i);
      if (!taken) return too_small(corpus, begin + i, lengths[begin + i], lengths.size());
      starts[i] = taken->first;
      cuts[i] = cut_exactly(tokenizer, taken->second, lengths[begin + i].input_tokens);
    }
    Prompt prompt;
    prompt.messages.push_back({"user", std::move(*cuts[i])});
    prompt.input_tokens = lengths[begin + i].input_tokens;
    prompt.output_tokens = lengths[begin + i].output_tokens;
    prompt.origin = corpus.prompts[starts[i].section / 2].origin;
    prompts.push_back(std::move(prompt));
  }
  return Nothing{};
}

}  // namespace

struct PromptShaper::Parts {
  Parts(const Dataset& dataset, const Tokenizer& counter, Seed seed)
      : corpus(dataset), tokenizer(counter), text(dataset, counter), source(text, seed) {}
  const Dataset& corpus;
  const Tokenizer& tokenizer;
  CorpusText text;
  WindowSource source;
};

PromptShaper::PromptShaper(const Dataset& corpus, const Tokenizer& tokenizer, Seed seed)
    : parts_(std::make_unique<Parts>(corpus, tokenizer, seed)) {}

PromptShaper::~PromptShaper() = default;

Result<std::vector<Prompt>> PromptShaper::make(const std::vector<PromptLengths>& lengths,
                                               const Progress& progress) {
  for (const PromptLengths& one : lengths) {
    if (one.input_tokens == 0) return input_error("a prompt must have at least 1 input token");
  }
  auto& [corpus, tokenizer, text, source] = *parts_;
  bool has_text = false;
  for (std::size_t s = 0; s < text.sections() && !has_text; ++s) has_text = text.pieces(s) > 0;
  if (!has_text) return input_error(format("'{}' holds no text to make prompts of", corpus.name));

  std::vector<Prompt> prompts;
  prompts.reserve(lengths.size());
  // Batches bound the memory that windows take; a failed cut in one may not change the ones before.
  constexpr std::size_t batch = 64;
  while (prompts.size() < lengths.size()) {
    const std::size_t size = std::min(batch, lengths.size() - prompts.size());
    const Status made = shape_batch(corpus, tokenizer, source, lengths, size, prompts);
    if (!made) return made.error();
    if (progress) progress(prompts.size(), lengths.size());
  }
  return prompts;
}

Result<std::vector<Prompt>> shape_prompts(const Dataset& corpus, const Tokenizer& tokenizer,
                                          const std::vector<PromptLengths>& lengths, Seed seed,
                                          const Progress& progress) {
  return PromptShaper(corpus, tokenizer, seed).make(lengths, progress);
}

Result<std::vector<Prompt>> shape_prompts(const Dataset& corpus, const Tokenizer& tokenizer,
                                          const ShapeOptions& options) {
  const std::vector<PromptLengths> lengths(options.count,
                                           {options.input_tokens, options.output_tokens});
  return shape_prompts(corpus, tokenizer, lengths, options.seed, options.progress);
}

}  // namespace tacho
