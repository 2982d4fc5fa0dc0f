#include "sim/engine.h"

namespace tacho {

Engine::Engine(Loop& loop, StepTime step_time, const EngineOptions& options,
               EngineListener& listener)
    : loop_(loop),
      step_time_(std::move(step_time)),
      scheduler_(options),
      listener_(listener),
      step_end_(loop, [this] { end_step(); }) {}

void Engine::submit(Sequence& sequence) {
  scheduler_.submit(sequence, loop_.now());
  if (!step_end_.is_armed() && !is_ending_step_) begin_step(loop_.now());
}

void Engine::begin_step(Instant start) {
  const StepWork* work = scheduler_.plan(start);
  if (work != nullptr) step_end_.arm(start + step_time_.of(*work));
}

void Engine::end_step() {
  // The step ended when it was due; if this thread is late, the next one begins in time all the
  // same.
  const Instant planned = step_end_.when();
  is_ending_step_ = true;  // A token may be what makes a client send its next request.
  scheduler_.finish([&](Sequence& sequence) { listener_.on_token(sequence, planned); });
  is_ending_step_ = false;
  begin_step(planned);
}

}  // namespace tacho
