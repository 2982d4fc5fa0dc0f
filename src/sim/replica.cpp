#include "sim/replica.h"

#include <algorithm>

#include "base/assert.h"

namespace tacho {

Replica::Replica(ReplicaOptions options, const StepCost& cost, EngineListener& listener)
    : options_(std::move(options)), cost_(cost), listener_(listener), scheduler_(options_.engine) {
  if (options_.step_ends != nullptr) steps_ = options_.step_ends->size();
}

void Replica::submit(Sequence& sequence, Instant now) {
  if (options_.plans_ahead && !is_idle() && !is_waking_) {
    if (!happened(sequence.queued)) sequence.queued = now;
    inbox_.push_back(&sequence);
    return;
  }
  settle();
  repeats_ = 0;
  scheduler_.submit(sequence, now);
  wake(now);
}

void Replica::abort(Sequence& sequence) {
  settle();
  repeats_ = 0;
  std::erase(inbox_, &sequence);
  scheduler_.abort(sequence);
}

void Replica::release(Sequence& sequence, Instant now) {
  scheduler_.release(sequence);
  wake(now);
}

/// A token may be what makes a client send its next request: then the step is still ending, and
/// the next one is about to be planned.
void Replica::wake(Instant now) {
  if (!is_idle() || is_ending_) return;
  Instant start = now;
  if (options_.period > Duration(0)) {
    const Duration late = (now.time_since_epoch() - options_.phase) % options_.period;
    const Duration past = late < Duration(0) ? late + options_.period : late;
    if (past > Duration(0)) start += options_.period - past;
  }
  if (start == now && !options_.gathers) return begin_step(now);
  is_waking_ = true;
  end_ = start;
}

void Replica::begin_step(Instant start) {
  is_waking_ = false;
  if (options_.before_step) options_.before_step(scheduler_, start);
  const StepWork* work = scheduler_.plan(start);
  if (work == nullptr && !inbox_.empty()) {
    empty_inbox();
    work = scheduler_.plan(start);
  }
  if (work == nullptr) {
    end_ = idle;
    return;
  }
  work_ = *work;
  ++planned_;
  run_step(start);
  work_.adapter_loads = work_.loaded_ranks = 0;  // Not again in steps that repeat it.
  // Who came before this step is in the next one, which is then no repetition.
  repeats_ = options_.folds && inbox_.empty() ? scheduler_.repeats() : 0;
  empty_inbox();
}

void Replica::run_step(Instant start) {
  const Duration duration = cost_(work_);
  end_ = start + duration;
  busy_ += duration;
  ++steps_;
  if (options_.step_ends != nullptr) options_.step_ends->push_back(end_);
}

void Replica::empty_inbox() {
  for (Sequence* sequence : inbox_) scheduler_.submit(*sequence, sequence->queued);
  inbox_.clear();
}

void Replica::pass(Instant horizon) {
  TACHO_ASSERT(!is_idle());
  if (repeats_ > 0) return fold(horizon);
  settle();
  const Instant end = end_;
  is_ending_ = true;
  scheduler_.finish([&](Sequence& sequence) { listener_.on_token(sequence, end); });
  is_ending_ = false;
  begin_step(end);
}

void Replica::fold(Instant horizon) {
  do {
    work_.decode_context += work_.decode_sequences;
    run_step(end_);
    ++folded_;
    --repeats_;
    if (inbox_.empty()) continue;
    // Who came before the step that has just begun is in the one after it.
    settle();
    empty_inbox();
    repeats_ = 0;
  } while (repeats_ > 0 && end_ < horizon);
}

void Replica::settle() {
  if (folded_ == 0) return;
  if (options_.on_folded) options_.on_folded(scheduler_, steps_ - 1 - folded_, folded_);
  scheduler_.skip(folded_);
  folded_ = 0;
}

std::uint32_t Replica::hits_of(const Sequence& sequence) {
  settle();
  return scheduler_.hits_of(sequence);
}

double Replica::kv_share() {
  settle();
  const KvPool& kv = scheduler_.kv();
  return kv.total() == 0 ? 0.0 : 1.0 - static_cast<double>(kv.free()) / kv.total();
}

}  // namespace tacho
