#include "sim/engine.h"

#include <algorithm>

#include "base/assert.h"

namespace tacho {

Engine::Engine(Loop& loop, StepTime step_time, EngineOptions options, EngineListener& listener)
    : loop_(loop),
      step_time_(step_time),
      options_(options),
      listener_(listener),
      step_end_(loop, [this] { end_step(); }) {}

/// Blocks for the whole length are set aside at admission, so that no sequence ever has to be
/// thrown out again.
std::uint64_t Engine::kv_need(const Sequence& sequence) {
  return std::uint64_t{sequence.input_tokens} + sequence.output_tokens;
}

bool Engine::fits(const Sequence& sequence) const {
  return kv_need(sequence) <= options_.kv_tokens;
}

void Engine::submit(Sequence& sequence) {
  TACHO_ASSERT(fits(sequence));
  TACHO_ASSERT(sequence.input_tokens > 0 && sequence.output_tokens > 0);
  sequence.queued = loop_.now();
  waiting_.push_back(&sequence);
  if (!step_end_.is_armed() && !is_ending_step_) begin_step(loop_.now());
}

void Engine::abort(Sequence& sequence) {
  std::erase(waiting_, &sequence);
  if (std::erase(running_, &sequence) > 0) kv_used_ -= kv_need(sequence);
  for (Share& part : batch_) {
    if (part.sequence == &sequence) part.sequence = nullptr;
  }
}

void Engine::admit() {
  while (!waiting_.empty() && running_.size() < options_.max_num_seqs) {
    Sequence& next = *waiting_.front();
    if (kv_used_ + kv_need(next) > options_.kv_tokens) return;
    kv_used_ += kv_need(next);
    running_.push_back(&next);
    waiting_.pop_front();
  }
}

void Engine::begin_step(Instant start) {
  admit();
  batch_.clear();
  StepWork work;
  std::uint32_t budget = options_.max_num_batched_tokens;
  for (Sequence* sequence : running_) {
    if (budget == 0) break;
    const std::uint32_t prompt_left = sequence->input_tokens - sequence->prefilled;
    const std::uint32_t tokens = prompt_left > 0 ? std::min(prompt_left, budget) : 1;
    // A late thread begins the step before it has heard of the sequence.
    if (!happened(sequence->scheduled)) sequence->scheduled = std::max(start, sequence->queued);
    if (prompt_left > 0) {
      work.add_chunk(tokens, sequence->prefilled, tokens == prompt_left);
    } else {
      work.add_decodes(1, sequence->input_tokens + sequence->emitted);
    }
    batch_.push_back({sequence, tokens});
    budget -= tokens;
  }
  if (batch_.empty()) return;
  ++steps_;
  step_end_.arm(start + step_time_.of(work));
}

void Engine::end_step() {
  // The step ended when it was due; if this thread is late, the next one begins in time all the
  // same.
  const Instant planned = step_end_.when();
  is_ending_step_ = true;  // A token may be what makes a client send its next request.
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    if (batch_[i].sequence == nullptr) continue;
    Sequence& sequence = *batch_[i].sequence;
    if (sequence.prefilled < sequence.input_tokens) {
      sequence.prefilled += batch_[i].tokens;
      if (sequence.prefilled < sequence.input_tokens) continue;
    }
    ++sequence.emitted;
    if (sequence.emitted == sequence.output_tokens) {
      kv_used_ -= kv_need(sequence);
      std::erase(running_, &sequence);
      batch_[i].sequence = nullptr;
    }
    listener_.on_token(sequence, planned);
  }
  is_ending_step_ = false;
  begin_step(planned);
}

}  // namespace tacho
