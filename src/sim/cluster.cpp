#include "sim/cluster.h"

#include <algorithm>

#include "base/assert.h"
#include "sim/words.h"

namespace tacho {
namespace {

/// Whose prompt has been read goes where there is room; the cache and the joined queue have had
/// their say.
RouterPolicy decode_policy(RouterPolicy policy) {
  const bool looks_at_prompts =
      policy == RouterPolicy::prefix_affinity || policy == RouterPolicy::joined_queue;
  return looks_at_prompts ? RouterPolicy::least_loaded : policy;
}

void add(ReplicaTotals& totals, const Replica& replica) {
  totals.busy += replica.busy();
  totals.planned += replica.planned();
  totals.counts += replica.scheduler().counts();
}

}  // namespace

Cluster::Cluster(ClusterOptions options, StepCost cost, EngineListener& listener,
                 ClusterHooks hooks)
    : options_(std::move(options)),
      cost_(std::move(cost)),
      listener_(listener),
      hooks_(std::move(hooks)),
      is_coupled_(hooks_.is_coupled || options_.prefill_replicas > 0 ||
                  options_.router == RouterPolicy::joined_queue),
      router_(options_.router, options_.seed),
      decode_router_(decode_policy(options_.router), Seed{mix_bits(options_.seed.value, 1)}),
      replicas_(options_.replicas_max()),
      totals_of_gone_(replicas_.size()),
      step_ends_(replicas_.size()),
      states_(replicas_.size(), ReplicaState::absent),
      link_free_(options_.prefill_replicas, Instant::min()),
      autoscaler_(options_.autoscale),
      starts_(replicas_.size(), Instant::max()) {
  const std::uint32_t first = options_.scales() ? options_.autoscale.least : options_.replicas;
  TACHO_ASSERT(first > 0 && first <= replicas_.size());
  TACHO_ASSERT(options_.prefill_replicas == 0 ||
               (options_.prefill_replicas < options_.replicas && !options_.scales()));
  for (std::uint32_t i = 0; i < first; ++i) open(i);
}

void Cluster::open(std::uint32_t index) {
  ReplicaOptions options;
  options.index = index;
  options.engine = options_.engine;
  options.engine.seed = mix_bits(options_.seed.value, index);
  options.engine.prefill_only = is_prefill(index);
  options.plans_ahead = options_.plans_ahead;
  options.period = options_.stagger;
  options.phase = options_.stagger * index / options_.replicas_max();
  options.folds = hooks_.folds;
  options.gathers = hooks_.gathers;
  if (hooks_.keeps_ends) options.step_ends = &step_ends_[index];
  if (hooks_.before_step) {
    options.before_step = [this, index](const Scheduler& scheduler, Instant start) {
      hooks_.before_step(index, scheduler, start);
    };
  }
  if (hooks_.on_folded) {
    options.on_folded = [this, index](const Scheduler& scheduler, std::uint64_t first,
                                      std::uint32_t steps) {
      hooks_.on_folded(index, scheduler, first, steps);
    };
  }
  // Tokens that mean nothing to the cluster do not take the way through it.
  const bool hears = options_.scales() || options_.prefill_replicas > 0 ||
                     options_.router == RouterPolicy::joined_queue;
  EngineListener& listener = hears ? *this : listener_;
  replicas_[index] = std::make_unique<Replica>(std::move(options), cost_, listener);
  states_[index] = ReplicaState::serving;
}

void Cluster::submit(Sequence& sequence, Instant now) {
  if (options_.scales()) resume_readings(now);
  const Duration handover = options_.handover ? options_.handover(sequence) : Duration(0);
  sequence.queued = now + handover;
  if (handover > Duration(0)) {
    arriving_.push_back({now + handover, arrived_++, &sequence});
    std::push_heap(arriving_.begin(), arriving_.end());
  } else {
    arrive(sequence, now);
  }
}

/// False when there is no room for it, which only the joined queue asks for.
bool Cluster::route(Sequence& sequence, Instant now, bool has_prompt_read) {
  const bool joins = options_.router == RouterPolicy::joined_queue && !has_prompt_read;
  candidates_.clear();
  for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
    if (states_[i] != ReplicaState::serving) continue;
    if (options_.prefill_replicas > 0 && is_prefill(i) == has_prompt_read) continue;
    if (joins && replicas_[i]->outstanding() >= options_.engine.max_num_seqs) continue;
    candidates_.push_back(replicas_[i].get());
  }
  if (candidates_.empty()) return false;
  Replica& replica = (has_prompt_read ? decode_router_ : router_).pick(sequence, candidates_);
  sequence.replica = replica.index();
  ScaleEvent* event = latest_of(replica.index());
  if (event != nullptr && event->is_out && !happened(event->first_routed)) {
    event->first_routed = now;
  }
  replica.submit(sequence, now);
  return true;
}

/// Somebody has left: the next of the joined queue takes the place.
void Cluster::dispatch(Instant now) {
  if (joined_.empty()) return;
  if (route(*joined_.front(), now, false)) joined_.pop_front();
}

void Cluster::arrive(Sequence& sequence, Instant now) {
  if (!route(sequence, now, false)) joined_.push_back(&sequence);
}

void Cluster::abort(Sequence& sequence, Instant now) {
  if (std::erase_if(arriving_, [&](const Arriving& a) { return a.sequence == &sequence; }) > 0) {
    std::make_heap(arriving_.begin(), arriving_.end());
  }
  std::erase(joined_, &sequence);
  if (sequence.replica == no_replica) return;
  const auto transfer =
      std::find_if(transfers_.begin(), transfers_.end(),
                   [&](const Transfer& one) { return one.sequence == &sequence; });
  Replica& replica = *replicas_[sequence.replica];
  if (transfer != transfers_.end()) {
    transfers_.erase(transfer);
    replica.release(sequence, now);
  } else {
    replica.abort(sequence);
    close_if_drained(sequence.replica, now);
  }
  dispatch(now);
}

void Cluster::on_token(Sequence& sequence, Instant planned) {
  const std::uint32_t index = sequence.replica;
  const bool is_over = sequence.emitted == sequence.output_tokens;
  ScaleEvent* event = latest_of(index);
  if (event != nullptr && event->is_out && !happened(event->first_token)) {
    event->first_token = planned;
  }
  if (!is_over && is_prefill(index)) begin_transfer(sequence, planned);
  listener_.on_token(sequence, planned);  // Which may be the end of the sequence.
  if (is_over) dispatch(planned);
}

/// One cache after the other leaves a replica.
void Cluster::begin_transfer(Sequence& sequence, Instant now) {
  Instant& free = link_free_[sequence.replica];
  free = std::max(free, now) + options_.link.time_of(sequence.computed);
  transfers_.push_back({free, &sequence});
}

void Cluster::end_transfer(std::size_t which) {
  const Transfer transfer = transfers_[which];
  transfers_.erase(transfers_.begin() + static_cast<std::ptrdiff_t>(which));
  Sequence& sequence = *transfer.sequence;
  sequence.loaded = sequence.computed;
  sequence.prefill_replica = sequence.replica;
  replicas_[sequence.replica]->release(sequence, transfer.end);
  route(sequence, transfer.end, true);
}

Cluster::Event Cluster::find_next() const {
  Event event;
  const auto look = [&](Instant at, Kind kind, std::size_t which) {
    if (at < event.at) {
      event = {at, kind, which, event.at};
    } else {
      event.after = std::min(event.after, at);
    }
  };
  if (!arriving_.empty()) look(arriving_.front().at, Kind::arrival, 0);
  for (std::size_t i = 0; i < transfers_.size(); ++i) look(transfers_[i].end, Kind::transfer, i);
  if (options_.scales()) {
    for (std::size_t i = 0; i < starts_.size(); ++i) look(starts_[i], Kind::start, i);
    look(next_reading_, Kind::reading, 0);
  }
  const Instant others = std::min(event.at, event.after);
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    if (replicas_[i]) look(replicas_[i]->step_end(), Kind::step, i);
  }
  // Replicas that nothing couples may run ahead of each other.
  if (event.kind == Kind::step && !is_coupled_) event.after = others;
  return event;
}

Instant Cluster::next() const { return find_next().at; }

bool Cluster::pass(Instant horizon) {
  const Event event = find_next();
  if (event.at >= horizon) return false;
  happen(event, horizon);
  return true;
}

void Cluster::happen(const Event& event, Instant horizon) {
  switch (event.kind) {
    case Kind::none:
      return;
    case Kind::arrival: {
      std::pop_heap(arriving_.begin(), arriving_.end());
      Sequence& sequence = *arriving_.back().sequence;
      arriving_.pop_back();
      return arrive(sequence, event.at);
    }
    case Kind::transfer:
      return end_transfer(event.which);
    case Kind::start:
      return begin_to_serve(static_cast<std::uint32_t>(event.which), event.at);
    case Kind::reading:
      return read_gauges(event.at);
    case Kind::step: {
      Replica& replica = *replicas_[event.which];
      horizon = std::min(horizon, event.after);
      Instant end;
      do {
        end = replica.step_end();
        replica.pass(horizon);
      } while (!is_coupled_ && replica.step_end() < horizon);
      return close_if_drained(static_cast<std::uint32_t>(event.which), end);
    }
  }
}

ReplicaTotals Cluster::totals(std::uint32_t index) const {
  ReplicaTotals totals = totals_of_gone_[index];
  if (replicas_[index]) add(totals, *replicas_[index]);
  return totals;
}

std::uint32_t Cluster::count(ReplicaState state) const {
  return static_cast<std::uint32_t>(std::count(states_.begin(), states_.end(), state));
}

bool Cluster::is_idle() const {
  return outside() == 0 && std::all_of(replicas_.begin(), replicas_.end(), [](const auto& replica) {
           return !replica || replica->outstanding() == 0;
         });
}

/// Readings pause while nothing could come of them.
void Cluster::resume_readings(Instant now) {
  if (!happened(first_arrival_)) first_arrival_ = now;
  if (next_reading_ != Instant::max()) return;
  const Duration interval = options_.autoscale.interval;
  next_reading_ = first_arrival_ + ((now - first_arrival_) / interval + 1) * interval;
}

void Cluster::read_gauges(Instant now) {
  ScaleReading reading{now, static_cast<double>(joined_.size()), 0.0};
  const std::uint32_t serving = count(ReplicaState::serving);
  for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
    if (states_[i] != ReplicaState::serving) continue;
    reading.waiting += static_cast<double>(replicas_[i]->waiting());
    reading.kv_share += replicas_[i]->kv_share();
  }
  reading.waiting /= serving;
  reading.kv_share /= serving;
  const int change = autoscaler_.read(reading, serving);
  const std::uint32_t starting = count(ReplicaState::starting);
  if (change > 0 && count(ReplicaState::absent) > 0) scale_out(reading);
  if (change < 0 && starting == 0 && serving > options_.autoscale.least) scale_in(reading);
  next_reading_ = now + options_.autoscale.interval;
  const bool is_least = count(ReplicaState::serving) == options_.autoscale.least &&
                        count(ReplicaState::absent) + options_.autoscale.least == states_.size();
  if (is_least && is_idle()) {
    next_reading_ = Instant::max();
    autoscaler_.clear();
  }
}

void Cluster::scale_out(const ScaleReading& reading) {
  const auto place = std::find(states_.begin(), states_.end(), ReplicaState::absent);
  *place = ReplicaState::starting;
  ScaleEvent event;
  event.replica = static_cast<std::uint32_t>(place - states_.begin());
  event.trigger = autoscaler_.trigger();
  event.decision = reading;
  starts_[event.replica] = reading.at + options_.autoscale.start_time;
  scalings_.push_back(event);
}

void Cluster::begin_to_serve(std::uint32_t index, Instant now) {
  starts_[index] = Instant::max();
  open(index);
  latest_of(index)->ready = now;
  Replica& replica = *replicas_[index];
  replica.set_gathers(true);
  while (!joined_.empty() && replica.outstanding() < options_.engine.max_num_seqs) dispatch(now);
  replica.set_gathers(hooks_.gathers);
}

void Cluster::scale_in(const ScaleReading& reading) {
  const auto place = std::find(states_.rbegin(), states_.rend(), ReplicaState::serving);
  *place = ReplicaState::draining;
  ScaleEvent event;
  event.is_out = false;
  event.replica = static_cast<std::uint32_t>(states_.rend() - place - 1);
  event.decision = reading;
  scalings_.push_back(event);
  close_if_drained(event.replica, reading.at);
}

void Cluster::close_if_drained(std::uint32_t index, Instant now) {
  if (states_[index] != ReplicaState::draining || replicas_[index]->outstanding() > 0) return;
  if (replicas_[index]->step_end() != Replica::idle) return;  // A step of aborted ones.
  latest_of(index)->gone = now;
  add(totals_of_gone_[index], *replicas_[index]);
  replicas_[index].reset();
  states_[index] = ReplicaState::absent;
}

ScaleEvent* Cluster::latest_of(std::uint32_t index) {
  for (auto event = scalings_.rbegin(); event != scalings_.rend(); ++event) {
    if (event->replica == index) return &*event;
  }
  return nullptr;
}

}  // namespace tacho
