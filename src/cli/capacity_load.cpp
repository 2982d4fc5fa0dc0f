// The load of `tacho plan`: lengths and times out of a trace, a dataset or flags.
#include <algorithm>

#include "base/text.h"
#include "cli/capacity.h"
#include "cli/progress_display.h"
#include "workload/dataset.h"
#include "workload/token_counts.h"
#include "workload/tokenizer.h"
#include "workload/trace.h"

namespace tacho {
namespace {

Status read_lengths(const CapacityFlags& f, PlanLoad& load) {
  if (f.input_tokens.empty() || f.output_tokens.empty()) {
    return input_error(
        "say how long requests are: --input-tokens 1000 --output-tokens 256, --dataset FILE or "
        "--trace FILE");
  }
  if (f.input_tokens.size() != f.output_tokens.size()) {
    return input_error(format("--input-tokens has {} values and --output-tokens {}; they pair up",
                              f.input_tokens.size(), f.output_tokens.size()));
  }
  for (std::size_t i = 0; i < f.input_tokens.size(); ++i)
    load.lengths.push_back({f.input_tokens[i], f.output_tokens[i]});
  return Nothing{};
}

Status read_dataset(const CapacityFlags& f, PlanLoad& load, std::vector<std::string>& notes) {
  const bool is_builtin = f.dataset == "built-in";
  auto dataset =
      is_builtin ? Result<Dataset>(builtin_dataset()) : load_dataset(f.dataset, f.dataset_type);
  if (!dataset) return dataset.error();
  StepProgress progress("counting tokens", !f.is_quiet);
  const Status counted =
      count_tokens(*dataset, Tokenizer::builtin(), is_builtin ? "" : f.dataset,
                   [&](std::size_t done, std::size_t all) { progress.show(done, all); });
  if (!counted) return counted;
  const std::uint32_t otherwise = f.output_tokens.empty() ? 0 : f.output_tokens.front();
  std::size_t without = 0;
  for (const Prompt& prompt : dataset->prompts) {
    const std::uint32_t output = prompt.output_tokens > 0 ? prompt.output_tokens : otherwise;
    if (prompt.input_tokens > 0 && output > 0) {
      load.lengths.push_back({prompt.input_tokens, output});
    } else {
      ++without;
    }
  }
  if (without > 0) notes.push_back(format("{} prompts without an answer are left out", without));
  if (!load.lengths.empty()) return Nothing{};
  return input_error(
      format("'{}' has no answers; say how long they are: --output-tokens 256", f.dataset));
}

Status read_trace_load(const CapacityFlags& f, PlanLoad& load) {
  auto read = read_trace(f.trace);
  if (!read) return read.error();
  if (f.speedup <= 0.0) return input_error("--replay-speedup must be over 0");
  const auto entries = cut_trace(std::move(*read), {.speedup = f.speedup});
  const double span_s = to_s(entries.back().due - entries.front().due);
  if (entries.size() < 2 || span_s <= 0.0)
    return input_error(format("'{}' has too few requests to have a rate", f.trace));
  const double gap_s = span_s / static_cast<double>(entries.size() - 1);
  const Tokenizer tokenizer = Tokenizer::builtin();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const TraceEntry& entry = entries[i];
    PlanLengths length{entry.input_tokens, entry.output_tokens};
    if (length.input == 0) length.input = static_cast<std::uint32_t>(tokenizer.count(entry.text));
    if (length.output == 0 && !f.output_tokens.empty()) length.output = f.output_tokens.front();
    if (length.output == 0) {
      return input_error(
          format("'{}', request {}: it does not say how long its answer is; "
                 "--output-tokens 256 would",
                 f.trace, i + 1));
    }
    load.lengths.push_back(length);
    load.gaps.push_back(i == 0 ? 1.0 : to_s(entry.due - entries[i - 1].due) / gap_s);
  }
  load.rate = f.rate > 0.0 ? f.rate : 1.0 / gap_s;
  return Nothing{};
}

/// Leaves out what the model has no context for. The gap of a request that goes is its successor's.
Status leave_out_long_ones(std::uint32_t context_max, PlanLoad& load,
                           std::vector<std::string>& notes) {
  if (context_max == 0) return Nothing{};
  PlanLoad kept = load;
  kept.lengths.clear();
  kept.gaps.clear();
  double gap = 0.0;
  std::uint32_t longest = 0;
  for (std::size_t i = 0; i < load.lengths.size(); ++i) {
    const PlanLengths length = load.lengths[i];
    if (!load.gaps.empty()) gap += load.gaps[i];
    longest = std::max(longest, length.input + length.output);
    if (length.input + length.output > context_max) continue;
    kept.lengths.push_back(length);
    if (!load.gaps.empty()) kept.gaps.push_back(gap);
    gap = 0.0;
  }
  const std::size_t gone = load.lengths.size() - kept.lengths.size();
  if (kept.lengths.empty()) {
    return input_error(format("requests of {} tokens are longer than the model's context of {}",
                              longest, context_max));
  }
  if (gone == 0) return Nothing{};
  notes.push_back(
      format("{} of {} requests are longer than the model's context of {} tokens and "
             "are left out",
             gone, load.lengths.size(), context_max));
  load = std::move(kept);
  return Nothing{};
}

}  // namespace

Result<PlanLoad> read_load(const CapacityFlags& f, std::uint32_t context_max,
                           std::vector<std::string>& notes) {
  PlanLoad load;
  const int sources =
      (f.trace.empty() ? 0 : 1) + (f.dataset.empty() ? 0 : 1) + (f.input_tokens.empty() ? 0 : 1);
  if (sources > 1) return input_error("--trace, --dataset and --input-tokens exclude each other");
  if (f.rate < 0.0) return input_error("--request-rate must be over 0");
  if (f.trace.empty() && (f.rate > 0.0) == !f.users.empty())
    return input_error("say how much load: --request-rate 5, or --users 500 --think 30s");
  if (!f.trace.empty() && !f.users.empty())
    return input_error("a trace has its own times; --users has no place beside it");
  load.rate = f.rate;
  if (!f.users.empty()) {
    load.users = f.users.front();
    load.think_s = f.think_s;
  } else if (f.think_s > 0.0) {
    return input_error("--think is for --users");
  }
  const Status read = !f.trace.empty()     ? read_trace_load(f, load)
                      : !f.dataset.empty() ? read_dataset(f, load, notes)
                                           : read_lengths(f, load);
  if (!read) return read.error();
  for (PlanLengths& length : load.lengths) {
    if (f.max_tokens > 0) length.output = std::min(length.output, f.max_tokens);
  }
  if (auto s = leave_out_long_ones(context_max, load, notes); !s) return s.error();
  return load;
}

}  // namespace tacho
