#include "sim/virtual_engine.h"

#include <algorithm>

namespace tacho {
namespace {

/// One run: the scheduler, its requests, and the time.
class Run {
 public:
  Run(const StepCost& cost, const EngineOptions& engine, std::vector<VirtualRequest>& requests,
      const VirtualOptions& options)
      : cost_(cost), options_(options), requests_(requests), scheduler_(engine) {}

  VirtualRun to_end() {
    while (true) {
      send_due();
      if (options_.before_step) options_.before_step(scheduler_, now_);
      if (const StepWork* work = scheduler_.plan(now_)) {
        take_steps(*work);
      } else if (next_ < requests_.size()) {
        now_ = requests_[next_].arrival;
      } else {
        break;
      }
    }
    result_.end = now_;
    result_.counts = scheduler_.counts();
    return std::move(result_);
  }

 private:
  void send_due() {
    while (next_ < requests_.size() && requests_[next_].arrival <= now_ &&
           in_flight_ < options_.concurrency) {
      // It is queued when it arrives, or when an earlier one has made room for it.
      VirtualRequest& request = requests_[next_++];
      scheduler_.submit(request, std::max(request.arrival, room_since_));
      ++in_flight_;
    }
  }

  /// The next instant at which somebody comes who is not here yet; a place that gets free is seen
  /// at the end of its step anyway.
  Instant next_arrival() const {
    const bool waits_for_time = next_ < requests_.size() && in_flight_ < options_.concurrency;
    return waits_for_time ? requests_[next_].arrival : Instant::max();
  }

  void take_steps(const StepWork& first) {
    StepWork work = first;
    const Instant start = now_;
    Instant end = now_ + cost_(work);
    std::uint32_t skipped = 0;
    note_step(end);
    if (options_.folds) {
      const std::uint32_t most = scheduler_.repeats();
      const Instant arrival = next_arrival();
      // Who arrives by the end of a step is in the next one, which is then no repetition.
      while (skipped < most && end < arrival) {
        work.decode_context += work.decode_sequences;
        end += cost_(work);
        note_step(end);
        ++skipped;
      }
    }
    if (skipped > 0) {
      if (options_.keeps_tokens) extend_stretches(skipped);
      scheduler_.skip(skipped);
    }
    result_.busy += end - start;
    now_ = end;
    ++result_.planned;
    scheduler_.finish(
        [&](Sequence& sequence) { take_token(static_cast<VirtualRequest&>(sequence)); });
  }

  void note_step(Instant end) {
    ++steps_;
    if (options_.keeps_tokens) result_.step_ends.push_back(end);
  }

  /// Notes tokens of the folded steps, which are the last ones but one.
  void extend_stretches(std::uint32_t skipped) {
    for (Sequence* sequence : scheduler_.running()) {
      extend(static_cast<VirtualRequest&>(*sequence), steps_ - 1 - skipped, skipped);
    }
  }

  static void extend(VirtualRequest& request, std::uint64_t first_step, std::uint64_t steps) {
    auto& all = request.stretches;
    if (!all.empty() && all.back().first_step + all.back().steps == first_step) {
      all.back().steps += steps;
    } else {
      all.push_back({first_step, steps});
    }
  }

  void take_token(VirtualRequest& request) {
    if (request.emitted == 1) request.first_token = now_;
    if (options_.keeps_tokens) extend(request, steps_ - 1, 1);
    if (request.emitted < request.output_tokens) return;
    request.last_token = now_;
    if (in_flight_-- == options_.concurrency) room_since_ = now_;
  }

  const StepCost& cost_;
  const VirtualOptions& options_;
  std::vector<VirtualRequest>& requests_;
  Scheduler scheduler_;
  VirtualRun result_;
  Instant now_ = instant_from_ns(0);
  Instant room_since_ = Instant::min();
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::vector<Instant> VirtualRun::tokens_of(const VirtualRequest& request) const {
  std::vector<Instant> times;
  for (const auto& stretch : request.stretches) {
    const auto first = step_ends.begin() + static_cast<std::ptrdiff_t>(stretch.first_step);
    times.insert(times.end(), first, first + static_cast<std::ptrdiff_t>(stretch.steps));
  }
  return times;
}

VirtualRun run_virtual(const StepCost& cost, const EngineOptions& engine,
                       std::vector<VirtualRequest>& requests, const VirtualOptions& options) {
  return Run(cost, engine, requests, options).to_end();
}

}  // namespace tacho
