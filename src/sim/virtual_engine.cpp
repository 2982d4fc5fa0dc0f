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
      queue_due();
      if (options_.before_step) options_.before_step(scheduler_, now_);
      if (const StepWork* work = scheduler_.plan(now_)) {
        take_steps(*work);
      } else if (const Instant arrival = next_arrival(); arrival != Instant::max()) {
        now_ = planned_at_ = std::max(now_, arrival);
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
      // It is sent when it is due, or when an earlier one has made room for it.
      VirtualRequest& request = requests_[next_++];
      request.sent = std::max(request.arrival, room_since_);
      ++in_flight_;
    }
  }

  void queue_due() {
    const Instant until = options_.plans_ahead ? planned_at_ : now_;
    while (queued_ < next_ && requests_[queued_].sent + options_.handover <= until) {
      VirtualRequest& request = requests_[queued_++];
      scheduler_.submit(request, request.sent + options_.handover);
    }
  }

  /// The next instant at which somebody is queued who is not yet; a place that gets free is seen at
  /// the end of its step anyway.
  Instant next_arrival() const {
    if (queued_ < next_) return requests_[queued_].sent + options_.handover;
    const bool waits_for_time = next_ < requests_.size() && in_flight_ < options_.concurrency;
    return waits_for_time ? requests_[next_].arrival + options_.handover : Instant::max();
  }

  void take_steps(const StepWork& first) {
    StepWork work = first;
    const Instant start = now_;
    planned_at_ = start;
    Instant end = now_ + cost_(work);
    std::uint32_t skipped = 0;
    note_step(end);
    if (options_.folds) {
      const std::uint32_t most = scheduler_.repeats();
      const Instant arrival = next_arrival();
      // Who arrives by the planning of the next step is in it, so it is then no repetition.
      while (skipped < most && (options_.plans_ahead ? planned_at_ : end) < arrival) {
        planned_at_ = end;
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
    send_due();  // Who came meanwhile took a place before those who are done now gave one back.
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
    if (options_.on_last_token) options_.on_last_token(now_);
  }

  const StepCost& cost_;
  const VirtualOptions& options_;
  std::vector<VirtualRequest>& requests_;
  Scheduler scheduler_;
  VirtualRun result_;
  Instant now_ = instant_from_ns(0);
  Instant room_since_ = Instant::min();
  Instant planned_at_ = instant_from_ns(0);  ///< When the step that now ends began.
  std::size_t next_ = 0;                     ///< To be sent.
  std::size_t queued_ = 0;                   ///< To be queued.
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
