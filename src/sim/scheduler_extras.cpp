// What a step may have beside vLLM's plain rules: bursts of decodes (multi-step scheduling),
// drafted tokens (speculative decoding) and LoRA adapters.
#include <algorithm>

#include "base/assert.h"
#include "sim/scheduler.h"
#include "sim/words.h"

namespace tacho {

/// Tokens that come out of a share.
std::uint32_t Scheduler::yield_of(const Share& share) {
  Sequence& sequence = *share.sequence;
  std::uint32_t tokens = share.most;
  if (share.drafted > 0) {
    const std::uint32_t accepted = draw_accepted(sequence, share.drafted);
    ++counts_.drafts;
    counts_.draft_tokens += share.drafted;
    counts_.accepted_tokens += accepted;
    tokens = 1 + accepted;
  }
  // All tokens that come out but the last one are computed too; of a prompt its chunk is.
  sequence.computed += tokens > 1 ? tokens : share.tokens;
  if (tokens > 1) return tokens;
  return sequence.computed == sequence.tokens() ? 1 : 0;
}

std::uint32_t Scheduler::drafts_of(const Sequence& sequence, std::uint32_t budget) const {
  if (options_.speculative == 0 || !is_decode(sequence)) return 0;
  const std::uint32_t missing = sequence.output_tokens - sequence.emitted;
  return std::min({options_.speculative, missing - 1, budget});
}

/// How many drafted tokens are accepted: each with the same probability, as long as all before it
/// were (Leviathan et al. 2023, 3.1). Drawn by the token's place and not by the step, so that an
/// answer comes out in the same pieces whatever runs beside it.
std::uint32_t Scheduler::draw_accepted(const Sequence& sequence, std::uint32_t drafted) const {
  const std::uint64_t bits =
      mix_bits(mix_bits(options_.seed, sequence.number), sequence.emitted) >> 11;
  const double uniform = (static_cast<double>(bits) + 0.5) * 0x1p-53;
  std::uint32_t accepted = 0;
  for (double share = options_.acceptance; accepted < drafted && uniform < share; ++accepted) {
    share *= options_.acceptance;
  }
  return accepted;
}

/// A step that only decodes goes on for several tokens, as far as there are blocks for them.
void Scheduler::extend_to_burst() {
  if (options_.multi_step == 1 || work_.decode_sequences != batch_.size()) return;
  const auto tokens_of = [](const Share& share, std::uint32_t steps) {
    return std::min(steps, share.sequence->output_tokens - share.sequence->emitted);
  };
  const auto blocks_missing = [&](std::uint32_t steps) {
    std::uint32_t blocks = 0;
    for (const Share& share : batch_) {
      blocks +=
          blocks_for(share.sequence->computed + tokens_of(share, steps)) - share.sequence->kv.count;
    }
    return blocks;
  };
  std::uint32_t steps = 1;
  for (const Share& share : batch_) {
    steps = std::max(steps, tokens_of(share, options_.multi_step));
  }
  while (steps > 1 && blocks_missing(steps) > pool_.free()) --steps;
  for (Share& share : batch_) {
    share.most = tokens_of(share, steps);
    TACHO_ASSERT(pool_.grow(share.sequence->kv, blocks_for(share.sequence->computed + share.most)));
  }
  work_.iterations = steps;
}

bool Scheduler::has_no_slot(const Sequence& sequence) const {
  return sequence.adapter > 0 && adapter_users_[sequence.adapter] == 0 &&
         adapters_used_ >= options_.max_loras;
}

/// Counts who runs with which adapter.
void Scheduler::note_adapter(const Sequence& sequence, bool begins) {
  if (sequence.adapter == 0) return;
  std::uint32_t& users = adapter_users_[sequence.adapter];
  if (begins) {
    if (users++ == 0) ++adapters_used_;
  } else {
    if (--users == 0) --adapters_used_;
  }
}

/// Adapters of the step that are not on the GPU are brought there, in place of those that were not
/// used for the longest time.
void Scheduler::load_adapters() {
  std::vector<std::uint32_t> used;
  for (const Share& share : batch_) {
    const std::uint32_t adapter = share.sequence->adapter;
    if (adapter > 0 && std::find(used.begin(), used.end(), adapter) == used.end()) {
      used.push_back(adapter);
    }
  }
  for (const std::uint32_t adapter : used) {
    const std::uint32_t rank = options_.adapter_ranks[adapter - 1];
    ++work_.adapters;
    work_.adapter_ranks += rank;
    const auto place = std::find(resident_.begin(), resident_.end(), adapter);
    if (place != resident_.end()) {
      resident_.erase(place);
    } else {
      ++work_.adapter_loads;
      work_.loaded_ranks += rank;
      ++counts_.adapter_loads;
    }
    resident_.insert(resident_.begin(), adapter);
  }
  if (resident_.size() > options_.max_loras) resident_.resize(options_.max_loras);
}

}  // namespace tacho
