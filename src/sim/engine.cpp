#include "sim/engine.h"

namespace tacho {
namespace {

/// A thread that has fallen behind looks after its connections this often all the same.
constexpr Duration turn_max = std::chrono::milliseconds(5);

}  // namespace

Engine::Engine(Loop& loop, StepTime step_time, const EngineOptions& options,
               EngineListener& listener)
    : Engine(
          loop,
          [&] {
            ClusterOptions cluster;
            cluster.engine = options;
            return cluster;
          }(),
          [time = std::move(step_time)](const StepWork& work) { return time.of(work); }, listener) {
}

Engine::Engine(Loop& loop, ClusterOptions options, StepCost cost, EngineListener& listener)
    : loop_(loop),
      listener_(listener),
      cluster_(std::move(options), std::move(cost), *this),
      timer_(loop, [this] { end_steps(); }) {}

void Engine::submit(Sequence& sequence) {
  cluster_.submit(sequence, loop_.now());
  arm();
}

void Engine::abort(Sequence& sequence) {
  cluster_.abort(sequence, loop_.now());
  arm();
}

void Engine::arm() {
  if (is_passing_) return;
  Instant next = cluster_.next();
  if (next == Instant::max()) return timer_.cancel();
  next = std::max(next, not_before_);
  if (!timer_.is_armed() || timer_.when() != next) timer_.arm(next);
}

void Engine::on_token(Sequence& sequence, Instant planned) {
  if (step_tokens_++ == 0) {
    first_write_ = loop_.clock();
    writes_.lateness_ms.add(to_ms(first_write_ - planned));
  }
  listener_.on_token(sequence, planned);
}

void Engine::end_steps() {
  // A step ended when it was due; if this thread is late, the next one begins in time all the same.
  is_passing_ = true;
  not_before_ = never;
  while (cluster_.pass(loop_.now() + Duration(1))) {
    if (step_tokens_ == 0) continue;
    const Instant written = loop_.clock();
    writes_.spread_ms.add(to_ms(written - first_write_));
    writes_.tokens.add(static_cast<double>(step_tokens_));
    step_tokens_ = 0;
    if (written - loop_.now() < turn_max) continue;
    not_before_ = loop_.now() + Duration(1);
    break;
  }
  is_passing_ = false;
  arm();
}

std::size_t Engine::running() const {
  std::size_t sum = 0;
  for (const auto& replica : cluster_.replicas()) {
    if (replica) sum += replica->scheduler().running().size();
  }
  return sum;
}

std::size_t Engine::waiting() const {
  std::size_t sum = cluster_.outside();
  for (const auto& replica : cluster_.replicas()) {
    if (replica) sum += replica->waiting();
  }
  return sum;
}

std::uint64_t Engine::kv_used() const {
  std::uint64_t blocks = 0;
  for (const auto& replica : cluster_.replicas()) {
    if (replica) blocks += replica->scheduler().kv().total() - replica->scheduler().kv().free();
  }
  return blocks * options().block_size;
}

std::uint64_t Engine::kv_total() const {
  std::uint64_t blocks = 0;
  for (const auto& replica : cluster_.replicas()) {
    if (replica) blocks += replica->scheduler().kv().total();
  }
  return blocks * options().block_size;
}

SchedulerCounts Engine::counts() const {
  SchedulerCounts sum;
  for (std::uint32_t i = 0; i < cluster_.replicas().size(); ++i) sum += cluster_.totals(i).counts;
  return sum;
}

}  // namespace tacho
