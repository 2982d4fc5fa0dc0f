#include "cli/bench_prompts.h"

#include <algorithm>

#include "base/text.h"
#include "cli/progress_display.h"
#include "workload/shape.h"
#include "workload/token_counts.h"

namespace tacho {
namespace {

/// More distinct prompts of one length take too long to cut (2-3 ms each at 2,048 tokens).
constexpr std::size_t shaped_prompts_max = 2000;
constexpr std::uint32_t default_answer_tokens = 256;  ///< For prompts without a reference answer.

std::string hex(std::uint64_t value) { return format("{:016x}", value); }

}  // namespace

PromptDealer::PromptDealer(const BenchPlan& plan, const Tokenizer& tokenizer, Seed seed,
                           bool shows_progress)
    : plan_(plan), tokenizer_(tokenizer), seed_(seed), shows_progress_(shows_progress) {}

Result<std::unique_ptr<PromptDealer>> PromptDealer::create(const BenchPlan& plan,
                                                           const Tokenizer& tokenizer, Seed seed,
                                                           bool shows_progress) {
  std::unique_ptr<PromptDealer> dealer(new PromptDealer(plan, tokenizer, seed, shows_progress));
  if (auto status = dealer->load(); !status) return status.error();
  return dealer;
}

Status PromptDealer::load() {
  const PromptSource& source = plan_.source;
  if (source.dataset_path.empty()) {
    dataset_ = builtin_dataset();
  } else {
    auto dataset = load_dataset(source.dataset_path, source.dataset_type);
    if (!dataset) return dataset.error();
    dataset_ = std::move(*dataset);
  }
  const bool needs_counts =
      std::any_of(plan_.cells.begin(), plan_.cells.end(),
                  [](const PlannedCell& c) { return !c.cell.input_tokens && c.trace.empty(); });
  if (needs_counts) {
    StepProgress progress("counting tokens", shows_progress_);
    auto status =
        count_tokens(dataset_, tokenizer_, source.dataset_path,
                     [&](std::size_t done, std::size_t all) { progress.show(done, all); });
    if (!status) return status;
    leave_out_long_ones();
  }
  if (dataset_.skipped > 0) {
    notes_.push_back(format("{}: {} entries left out ({})", dataset_.name, dataset_.skipped,
                            dataset_.skipped_why));
  }
  if (dataset_.prompts.empty()) {
    return input_error(format("'{}' holds no prompt that can be sent{}", dataset_.name,
                              notes_.empty() ? "" : ": " + notes_.back()));
  }
  shuffle();
  return Nothing{};
}

void PromptDealer::leave_out_long_ones() {
  const PromptSource& source = plan_.source;
  if (source.input_tokens_max == 0 && source.total_tokens_max == 0) return;
  const auto is_too_long = [&](const Prompt& p) {
    if (source.input_tokens_max > 0 && p.input_tokens > source.input_tokens_max) return true;
    return source.total_tokens_max > 0 &&
           p.input_tokens + std::max(1u, p.output_tokens) > source.total_tokens_max;
  };
  const std::size_t before = dataset_.prompts.size();
  std::erase_if(dataset_.prompts, is_too_long);
  const std::size_t left_out = before - dataset_.prompts.size();
  if (left_out > 0)
    notes_.push_back(format("{}: {} prompts left out as too long", dataset_.name, left_out));
}

void PromptDealer::shuffle() {
  Random random(seed_, "prompt order");
  order_.resize(dataset_.prompts.size());
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
}

namespace {

/// A number in front: sent a second time as it was, a prompt would be answered from the server's
/// prefix cache.
void mark_repeat(Prompt& prompt, std::size_t round, std::size_t index, const Tokenizer& tokenizer) {
  const std::string mark = format("[{}.{}] ", round, index);
  if (!prompt.inputs.empty()) prompt.inputs[0].insert(0, mark);
  if (!prompt.messages.empty()) prompt.messages.front().content.insert(0, mark);
  prompt.input_tokens += static_cast<std::uint32_t>(tokenizer.count(mark));
}

std::string repeat_note(std::size_t prompts) {
  return format(
      "there are {} distinct prompts; further requests repeat them with a number in front, so that "
      "no "
      "prefix cache can answer",
      prompts);
}

}  // namespace

/// The next prompt of the shuffled dataset, marked when the dataset begins again.
Prompt PromptDealer::next_of_dataset() {
  const std::size_t round = next_ / order_.size();
  const std::size_t index = next_++ % order_.size();
  Prompt prompt = dataset_.prompts[order_[index]];
  if (round == 0) return prompt;
  if (round == 1 && index == 0) notes_.push_back(repeat_note(order_.size()));
  mark_repeat(prompt, round, index, tokenizer_);
  return prompt;
}

Result<std::vector<Prompt>> PromptDealer::deal_batches(std::size_t count) {
  std::vector<Prompt> batches;
  while (batches.size() < count) {
    Prompt batch;
    for (std::uint32_t i = 0; i < plan_.source.batch_size; ++i) {
      const Prompt one = next_of_dataset();
      batch.inputs.push_back(one.inputs.empty() ? prompt_text(one) : one.inputs[0]);
      batch.input_tokens += one.input_tokens;
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

/// Prompts of these lengths. All cells draw from one sequence of places in the text: what an
/// earlier cell sent may sit in the server's prefix cache.
Result<std::vector<Prompt>> PromptDealer::shape(const std::vector<PromptLengths>& lengths,
                                                std::uint32_t cell, const std::string& what) {
  StepProgress progress(format("making {} prompts {}", lengths.size(), what), shows_progress_);
  const auto show = [&](std::size_t done, std::size_t all) { progress.show(done, all); };
  const auto begin = [&] {
    const Seed seed{seed_.value * 1'000'003 + cell};
    shaper_ = std::make_unique<PromptShaper>(dataset_, tokenizer_, seed);
  };
  const bool is_first = shaper_ == nullptr;
  if (is_first) begin();
  auto prompts = shaper_->make(lengths, show);
  if (prompts || is_first) return prompts;
  notes_.push_back(
      format("the text of {} is used up: prompts of cell {} and later may begin like "
             "those of an earlier one",
             dataset_.name, cell));
  begin();
  return shaper_->make(lengths, show);
}

Result<std::vector<Prompt>> PromptDealer::deal_shaped(const Cell& cell, std::size_t count) {
  const std::size_t distinct = std::min(count, shaped_prompts_max);
  const std::vector<PromptLengths> lengths(distinct,
                                           {*cell.input_tokens, cell.output_tokens.value_or(0)});
  auto prompts = shape(lengths, cell.id, format("of {} tokens", *cell.input_tokens));
  if (!prompts) return prompts;
  if (count > distinct) notes_.push_back(repeat_note(distinct));
  prompts->reserve(count);
  for (std::size_t i = distinct; i < count; ++i) {
    Prompt copy = (*prompts)[i % distinct];
    mark_repeat(copy, i / distinct, i % distinct, tokenizer_);
    prompts->push_back(std::move(copy));
  }
  if (plan_.endpoint == "embeddings") {
    for (Prompt& prompt : *prompts) prompt.inputs = {prompt_text(prompt)};
  }
  return prompts;
}

/// What a trace says, and for what it only gives the length of, text of that length. The warm-up
/// has the lengths of the trace's first requests.
Result<std::vector<Prompt>> PromptDealer::deal_trace(const PlannedCell& planned) {
  const std::size_t warmups = planned.cell.warmup_requests;
  const auto entry_of = [&](std::size_t i) -> const TraceEntry& {
    return planned.trace[(i < warmups ? i : i - warmups) % planned.trace.size()];
  };
  std::vector<Prompt> prompts(warmups + planned.cell.requests);
  std::vector<PromptLengths> lengths;
  std::vector<std::size_t> shaped;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const TraceEntry& entry = entry_of(i);
    const std::uint32_t answer =
        entry.output_tokens > 0 ? entry.output_tokens : default_answer_tokens;
    const auto counted = entry.input_tokens > 0
                             ? entry.input_tokens
                             : static_cast<std::uint32_t>(tokenizer_.count(entry.text));
    if (i >= warmups && !entry.text.empty()) {
      prompts[i].messages = {{"user", entry.text}};
      prompts[i].input_tokens = counted;
      prompts[i].output_tokens = answer;
      continue;
    }
    shaped.push_back(i);
    lengths.push_back({std::max(1u, counted), answer});
  }
  if (shaped.empty()) return prompts;
  auto made = shape(lengths, planned.cell.id, "of a trace's lengths");
  if (!made) return made;
  for (std::size_t k = 0; k < shaped.size(); ++k) prompts[shaped[k]] = std::move((*made)[k]);
  return prompts;
}

Result<std::vector<Prompt>> PromptDealer::deal(const PlannedCell& planned) {
  const Cell& cell = planned.cell;
  const std::size_t count = std::size_t{cell.warmup_requests} + cell.requests;
  if (!planned.trace.empty()) return deal_trace(planned);
  if (cell.input_tokens) return deal_shaped(cell, count);
  if (plan_.endpoint == "embeddings") return deal_batches(count);
  std::vector<Prompt> prompts;
  prompts.reserve(count);
  while (prompts.size() < count) {
    Prompt prompt = next_of_dataset();
    if (cell.output_tokens) prompt.output_tokens = *cell.output_tokens;
    if (prompt.output_tokens == 0) prompt.output_tokens = default_answer_tokens;
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

Json PromptDealer::description() const {
  return {{"name", dataset_.name},
          {"hash_fnv1a", hex(dataset_.hash)},
          {"prompts", dataset_.prompts.size()},
          {"tokenizer", tokenizer_.name()},
          {"tokenizer_hash_fnv1a", hex(tokenizer_.fingerprint())}};
}

Ask make_ask(const Prompt& prompt, const RequestStyle& style, bool ignores_eos) {
  Ask ask;
  ask.model = style.target->model;
  for (const Message& message : prompt.messages)
    ask.messages.emplace_back(message.role, message.content);
  ask.text = prompt_text(prompt);
  ask.inputs = prompt.inputs;
  ask.max_tokens = prompt.output_tokens;
  ask.ignores_eos = ignores_eos;
  ask.streams = style.streams;
  ask.extra = style.extra;
  return ask;
}

namespace {

/// When each measured request of an open loop is due, from the cell's start.
std::vector<Duration> planned_due_times(const PlannedCell& planned, Seed seed) {
  const std::uint32_t count = planned.cell.requests;
  if (planned.cell.is_static) return std::vector<Duration>(count, Duration(0));
  if (planned.trace.empty()) return due_times(planned.arrivals, count, seed);
  std::vector<Duration> due;
  for (const TraceEntry& entry : planned.trace) due.push_back(entry.due);
  return due;
}

/// Who comes when, and thinks for how long.
void plan_streams(const PlannedCell& planned, Seed seed, CellPlan& plan) {
  for (std::uint32_t k = 0; planned.stream_gap_s > 0.0 && k < plan.concurrency; ++k) {
    plan.slot_starts.push_back(from_s(k * planned.stream_gap_s));
  }
  plan.has_users = planned.has_users;
  if (mean_s(planned.think) == 0.0) return;
  const auto think = think_times(planned.think, plan.measure.size(), seed);
  for (std::size_t i = 0; i < think.size(); ++i) plan.measure[i].think = think[i];
}

}  // namespace

CellPlan make_cell_plan(const PlannedCell& planned, const std::vector<Prompt>& prompts,
                        const RequestStyle& style, Seed seed, std::uint64_t first_id) {
  CellPlan plan;
  plan.cell = planned.cell.id;
  plan.is_closed_loop = planned.cell.is_static;
  plan.concurrency = planned.cell.concurrency.value_or(0);
  plan.warmup_duration = from_s(planned.warmup_duration_s);
  // Arrivals that still wait for a slot when the time is up are sent too: a cap moves the queue and
  // skips nothing.
  if (!planned.ends_by_due) plan.duration = from_s(planned.duration_s);
  plan.repeats = planned.repeats;
  const CheckedTarget& target = *style.target;
  const Url& url = target.servers.front().url;
  for (const Prompt& prompt : prompts) {
    const std::string body = style.protocol->body(make_ask(prompt, style, planned.cell.ignore_eos));
    plan.prompts.push_back({http_request_text("POST", url, url.path, target.header_lines, body),
                            prompt.input_tokens, prompt.output_tokens});
  }
  const std::uint32_t warmups = planned.cell.warmup_requests;
  const Seed own_seed = cell_seed(seed, planned.cell.id);
  const std::vector<Duration> due = planned_due_times(planned, own_seed);
  for (std::uint32_t i = 0; i < warmups; ++i) plan.warmup.push_back({first_id + i, i, Duration(0)});
  for (std::uint32_t i = 0; i < planned.cell.requests; ++i) {
    plan.measure.push_back({first_id + warmups + i, warmups + i, due[i]});
  }
  if (plan.is_closed_loop) plan_streams(planned, own_seed, plan);
  return plan;
}

double repeated_share(const std::vector<Prompt>& prompts, const CellPlan& plan) {
  // A cache works in blocks of tokens; a few letters in common are no hit.
  constexpr std::size_t block = 64;
  std::vector<std::string> texts;
  for (const Prompt& prompt : prompts) texts.push_back(prompt_text(prompt));
  std::vector<const std::string*> sent;
  for (const PlannedRequest& request : plan.measure) sent.push_back(&texts[request.prompt]);
  std::sort(sent.begin(), sent.end(), [](const auto* a, const auto* b) { return *a < *b; });
  // In order, what neighbours have in common is what the tree of all of them has only once.
  double all = 0.0, repeated = 0.0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    all += static_cast<double>(sent[i]->size());
    if (i == 0) continue;
    const auto [end, other] =
        std::mismatch(sent[i]->begin(), sent[i]->end(), sent[i - 1]->begin(), sent[i - 1]->end());
    const auto common = static_cast<std::size_t>(end - sent[i]->begin());
    repeated += static_cast<double>(common / block * block);
  }
  return all > 0.0 ? repeated / all : 0.0;
}

}  // namespace tacho
