#include "sim/scheduler.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace tacho {
namespace {

// SGLang sets aside this share of what the running answers may still take: at first, at least, and
// the steps between the two. An answer counts with at most so many tokens; and a queue longer than
// this is not sorted (sglang.srt: SGLANG_INIT_NEW_TOKEN_RATIO and its neighbours, schedule_policy).
constexpr double share_first = 0.7;
constexpr double share_least = 0.7 * 0.14;
constexpr double share_steps = 600.0;
constexpr std::uint32_t answer_max = 4096;
constexpr std::size_t sorted_max = 128;

}  // namespace

std::string_view name_of(BatchPolicy policy) {
  switch (policy) {
    case BatchPolicy::vllm:
      return "vllm";
    case BatchPolicy::sglang:
      return "sglang";
    case BatchPolicy::prefill_first:
      return "prefill-first";
  }
  return "";
}

SchedulerCounts& SchedulerCounts::operator+=(const SchedulerCounts& more) {
  steps += more.steps;
  preemptions += more.preemptions;
  prefix_queries += more.prefix_queries;
  prefix_hits += more.prefix_hits;
  drafts += more.drafts;
  draft_tokens += more.draft_tokens;
  accepted_tokens += more.accepted_tokens;
  adapter_loads += more.adapter_loads;
  return *this;
}

Scheduler::Scheduler(const EngineOptions& options)
    : options_(options), pool_(options.blocks(), options.prefix_caching) {
  TACHO_ASSERT(options_.block_size > 0 && options_.max_num_seqs > 0 &&
               options_.max_num_batched_tokens > 0);
  if (options_.policy == BatchPolicy::prefill_first) options_.chunked_prefill = false;
  TACHO_ASSERT(options_.multi_step > 0 && (options_.multi_step == 1 || options_.speculative == 0));
  adapter_users_.assign(options_.adapter_ranks.size() + 1, 0);
}

/// The last token is emitted and never computed. Whoever is thrown out must be able to come back in
/// one piece when prompts are not cut.
bool Scheduler::fits(const Sequence& sequence) const {
  const std::uint64_t most = std::uint64_t{sequence.input_tokens} + sequence.output_tokens - 1;
  if (most > std::uint64_t{pool_.total()} * options_.block_size) return false;
  return options_.chunked_prefill || most <= options_.max_num_batched_tokens;
}

void Scheduler::submit(Sequence& sequence, Instant now) {
  TACHO_ASSERT(sequence.input_tokens > 0 && sequence.output_tokens > 0);
  TACHO_ASSERT(fits(sequence));
  TACHO_ASSERT(sequence.adapter < adapter_users_.size());
  if (!happened(sequence.queued)) sequence.queued = now;
  sequence.number = submitted_++;
  enqueue(sequence);
}

bool Scheduler::is_before(const Sequence& a, const Sequence& b) const {
  if (options_.by_priority && a.priority != b.priority) return a.priority < b.priority;
  return a.number < b.number;
}

void Scheduler::enqueue(Sequence& sequence) {
  auto place = waiting_.end();
  while (options_.by_priority && place != waiting_.begin() &&
         is_before(sequence, **std::prev(place))) {
    --place;
  }
  waiting_.insert(place, &sequence);
}

void Scheduler::abort(Sequence& sequence) {
  std::erase(waiting_, &sequence);
  for (Share& share : batch_) {
    if (share.sequence == &sequence) share.sequence = nullptr;
  }
  leave(sequence);
}

void Scheduler::leave(Sequence& sequence) {
  const auto place = std::find(running_.begin(), running_.end(), &sequence);
  if (place == running_.end()) return;
  running_.erase(place);
  note_adapter(sequence, false);
  const bool goes_elsewhere =
      options_.prefill_only && sequence.emitted > 0 && sequence.emitted < sequence.output_tokens;
  if (goes_elsewhere) {
    ++held_;
  } else {
    pool_.release(sequence.kv);
  }
}

void Scheduler::release(Sequence& sequence) {
  TACHO_ASSERT(held_ > 0);
  --held_;
  pool_.release(sequence.kv);
}

const StepWork* Scheduler::plan(Instant start) {
  start_ = start;
  do {
    // Whoever threw itself out leaves an empty step behind, and the next one follows at once.
    has_preempted_ = is_admission_closed_ = false;
    batch_.clear();
    if (options_.policy == BatchPolicy::vllm) {
      plan_mixed();
    } else {
      plan_prompts_first();
    }
  } while (batch_.empty() && has_preempted_);
  if (batch_.empty()) {
    TACHO_ASSERT(running_.empty() && (waiting_.empty() || held_ > 0));
    decode_steps_ = 0;
    return nullptr;
  }
  ++counts_.steps;
  add_up_work();
  extend_to_burst();
  if (adapters_used_ > 0) load_adapters();
  return &work_;
}

void Scheduler::plan_mixed() {
  std::uint32_t budget = options_.max_num_batched_tokens;
  continue_running(budget);
  if (!has_preempted_) admit(budget);
}

void Scheduler::plan_prompts_first() {
  std::uint32_t budget = options_.max_num_batched_tokens;
  continue_chunks(budget);
  if (options_.policy == BatchPolicy::sglang) sort_by_prefix();
  admit(budget);
  if (!batch_.empty()) return;
  budget =
      std::max(budget, static_cast<std::uint32_t>(running_.size()) * (1 + options_.speculative));
  continue_running(budget);
  ++decode_steps_;
}

/// The largest part of so many tokens that fits into a step, 0 for none.
std::uint32_t Scheduler::chunk_max(std::uint32_t tokens, std::uint32_t budget) const {
  if (options_.long_prefill_token_threshold > 0 && options_.chunked_prefill) {
    tokens = std::min(tokens, options_.long_prefill_token_threshold);
  }
  if (tokens <= budget) return tokens;
  return options_.chunked_prefill ? budget : 0;
}

void Scheduler::schedule(Sequence& sequence, std::uint32_t tokens, std::uint32_t drafted) {
  // A late thread begins the step before it has heard of the sequence.
  if (!happened(sequence.scheduled)) sequence.scheduled = std::max(start_, sequence.queued);
  pool_.publish(sequence.kv, sequence.block_hashes,
                (sequence.computed + tokens) / options_.block_size);
  batch_.push_back({&sequence, tokens, drafted});
}

/// Those who run, in their order. When the cache is full others are thrown out, and in the end
/// oneself.
void Scheduler::continue_running(std::uint32_t& budget) {
  for (std::size_t i = 0; i < running_.size() && budget > 0;) {
    Sequence& sequence = *running_[i];
    const std::uint32_t tokens = chunk_max(sequence.tokens() - sequence.computed, budget);
    if (tokens == 0) {
      ++i;
      continue;
    }
    const std::uint32_t drafted = drafts_of(sequence, budget - tokens);
    const std::uint32_t blocks = blocks_for(sequence.computed + tokens + drafted);
    while (!pool_.grow(sequence.kv, blocks)) {
      Sequence* victim = pick_victim();
      preempt(*victim, i, budget);
      if (victim == &sequence) return;
    }
    schedule(sequence, tokens, drafted);
    budget -= tokens + drafted;
    ++i;
  }
}

void Scheduler::continue_chunks(std::uint32_t& budget) {
  for (Sequence* sequence : running_) {
    if (is_decode(*sequence)) continue;
    const std::uint32_t tokens = chunk_max(sequence->tokens() - sequence->computed, budget);
    if (tokens == 0 || !pool_.grow(sequence->kv, blocks_for(sequence->computed + tokens))) return;
    schedule(*sequence, tokens);
    budget -= tokens;
  }
}

Sequence* Scheduler::pick_victim() const {
  if (!options_.by_priority) return running_.back();
  return *std::max_element(running_.begin(), running_.end(),
                           [this](Sequence* a, Sequence* b) { return is_before(*a, *b); });
}

/// Its blocks go, what it has emitted stays: it will compute prompt and answer again. `position` is
/// that of the sequence which needs the room, and stays with it.
void Scheduler::preempt(Sequence& victim, std::size_t& position, std::uint32_t& budget) {
  const auto place = std::find(running_.begin(), running_.end(), &victim);
  if (static_cast<std::size_t>(place - running_.begin()) < position) --position;
  running_.erase(place);
  note_adapter(victim, false);
  const auto share = std::find_if(batch_.begin(), batch_.end(),
                                  [&](const Share& s) { return s.sequence == &victim; });
  if (share != batch_.end()) {
    budget += share->tokens + share->drafted;
    batch_.erase(share);
  }
  pool_.release(victim.kv);
  victim.computed = victim.loaded = 0;
  ++victim.preemptions;
  ++counts_.preemptions;
  has_preempted_ = true;
  decode_steps_ = 0;
  if (options_.by_priority) {
    enqueue(victim);
  } else {
    waiting_.push_front(&victim);
  }
}

std::uint32_t Scheduler::hits_of(const Sequence& sequence) const {
  // The last token is always computed: its result is the next one.
  const std::size_t most = (sequence.tokens() - 1) / options_.block_size;
  return pool_.count_hits(
      sequence.block_hashes.first(std::min(most, sequence.block_hashes.size())));
}

void Scheduler::sort_by_prefix() {
  // The order of equals is that of the last time, so it must not depend on steps that are folded.
  if (running_.size() >= options_.max_num_seqs) return;
  if (waiting_.size() < 2 || waiting_.size() > sorted_max || !options_.prefix_caching) return;
  std::vector<std::pair<std::uint32_t, Sequence*>> ranked;
  for (Sequence* sequence : waiting_) ranked.emplace_back(hits_of(*sequence), sequence);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::transform(ranked.begin(), ranked.end(), waiting_.begin(),
                 [](const auto& one) { return one.second; });
}

double Scheduler::tokens_to_come(const Sequence& sequence) {
  return std::min(sequence.output_tokens - sequence.emitted, answer_max);
}

/// What SGLang keeps free for the answers of those who run.
double Scheduler::reserved_tokens() const {
  const double share = std::max(
      share_least, share_first - decode_steps_ * (share_first - share_least) / share_steps);
  double tokens = 0.0;
  for (const Sequence* sequence : running_) tokens += share * tokens_to_come(*sequence);
  return tokens;
}

/// Steps in which somebody is held back are never folded: admission is not closed in them.
bool Scheduler::holds_back() {
  if (options_.batch_wait_steps == 0 || waiting_.empty() || running_.empty()) return false;
  if (running_.size() >= options_.max_num_seqs) return false;
  double tokens = static_cast<double>(running_.size());
  for (const Sequence* sequence : waiting_) tokens += sequence->tokens();
  const bool is_enough = tokens >= options_.batch_wait_share * options_.max_num_batched_tokens;
  if (is_enough || held_steps_ >= options_.batch_wait_steps) return false;
  ++held_steps_;
  return true;
}

void Scheduler::admit(std::uint32_t& budget) {
  if (budget == 0 || holds_back()) return;
  std::size_t place = 0;
  while (place < waiting_.size() && budget > 0 && running_.size() < options_.max_num_seqs) {
    // Whoever waits for a slot for its adapter is overtaken; whoever waits for room is not.
    if (has_no_slot(*waiting_[place])) {
      ++place;
      continue;
    }
    if (admit_at(place, budget)) continue;
    // The room that is missing only shrinks while nobody comes or goes. But a prefix may yet come
    // into the cache, and SGLang's estimate changes with every step.
    is_admission_closed_ = options_.policy != BatchPolicy::sglang &&
                           (!options_.prefix_caching || waiting_[place]->block_hashes.empty());
    return;
  }
}

bool Scheduler::admit_at(std::size_t place, std::uint32_t& budget) {
  Sequence& sequence = *waiting_[place];
  const std::uint32_t hits = hits_of(sequence);
  const std::uint32_t cached = std::max(hits * options_.block_size, sequence.loaded);
  const std::uint32_t tokens = chunk_max(sequence.tokens() - cached, budget);
  if (tokens == 0) return false;
  if (options_.policy == BatchPolicy::sglang && !running_.empty()) {
    const double room =
        static_cast<double>(std::uint64_t{pool_.free()} * options_.block_size) - reserved_tokens();
    if (sequence.tokens() - cached + tokens_to_come(sequence) > room) return false;
  }
  if (!pool_.adopt(sequence.kv, sequence.block_hashes.first(hits), blocks_for(cached + tokens))) {
    return false;
  }
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(place));
  held_steps_ = 0;
  running_.push_back(&sequence);
  note_adapter(sequence, true);
  sequence.computed = cached;
  if (sequence.preemptions == 0 && sequence.loaded == 0) {
    sequence.cached_tokens = cached;
    counts_.prefix_queries += sequence.input_tokens;
    counts_.prefix_hits += cached;
  }
  schedule(sequence, tokens);
  budget -= tokens;
  return true;
}

void Scheduler::add_up_work() {
  work_ = {};
  for (const Share& share : batch_) {
    const Sequence& sequence = *share.sequence;
    if (sequence.adapter > 0) work_.adapter_tokens += share.tokens + share.drafted;
    if (is_decode(sequence)) {
      work_.add_decodes(1, sequence.tokens());
      work_.draft_tokens += share.drafted;
    } else {
      work_.add_chunk(share.tokens, sequence.computed,
                      sequence.computed + share.tokens == sequence.tokens());
    }
  }
}

std::uint32_t Scheduler::repeats() const {
  if (options_.multi_step > 1 || options_.speculative > 0) return 0;
  if (work_.decode_sequences == 0 || work_.decode_sequences != running_.size() ||
      batch_.size() != running_.size()) {
    return 0;
  }
  const bool is_full = running_.size() >= options_.max_num_seqs ||
                       (options_.policy == BatchPolicy::vllm &&
                        work_.decode_sequences == options_.max_num_batched_tokens);
  // Room that somebody was thrown out of may be the next one's, even after admission was tried.
  if (!waiting_.empty() && (has_preempted_ || (!is_full && !is_admission_closed_))) return 0;
  std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  for (const Sequence* sequence : running_) {
    most = std::min(most, sequence->output_tokens - sequence->emitted - 1);
  }
  const std::uint32_t size = options_.block_size;
  if ((std::uint64_t{most} / size + 1) * running_.size() <= pool_.free()) return most;
  // Blocks are taken whenever a sequence enters one: count how many do so in each step to come.
  std::vector<std::uint32_t> entering(size, 0);
  for (const Sequence* sequence : running_) ++entering[(size - sequence->computed % size) % size];
  std::uint32_t needed = 0;
  for (std::uint32_t step = 1; step <= most; ++step) {
    needed += entering[step % size];
    if (needed > pool_.free()) return step - 1;
  }
  return most;
}

void Scheduler::skip(std::uint32_t steps) {
  const std::uint32_t size = options_.block_size;
  if (options_.prefix_caching) {
    // Which block is taken matters, so they are taken in the order of the steps.
    for (std::uint32_t step = 1; step <= steps; ++step) {
      for (Sequence* sequence : running_) {
        const std::uint32_t tokens = sequence->computed + step + 1;
        if (tokens % size > 1) continue;
        TACHO_ASSERT(pool_.grow(sequence->kv, blocks_for(tokens)));
        pool_.publish(sequence->kv, sequence->block_hashes, tokens / size);
      }
    }
  }
  for (Sequence* sequence : running_) {
    sequence->computed += steps;
    sequence->emitted += steps;
    TACHO_ASSERT(pool_.grow(sequence->kv, blocks_for(sequence->computed + 1)));
  }
  work_.decode_context += std::uint64_t{steps} * running_.size();
  if (steps > 0) work_.adapter_loads = work_.loaded_ranks = 0;
  counts_.steps += steps;
  decode_steps_ += steps;
}

}  // namespace tacho
