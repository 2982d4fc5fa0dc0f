// Replicas behind a router: which of them a request goes to, what happens when, and how many there
// are. It has no clock: requests are handed in and time is passed on by whoever drives it, a loop
// (sim/engine.h) or nobody but the events themselves (sim/virtual_cluster.h), so that both have the
// same schedule.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "sim/autoscale.h"
#include "sim/replica.h"
#include "sim/router.h"

namespace tacho {

/// How caches go from replicas that read prompts to those that answer.
struct LinkOptions {
  Duration setup = std::chrono::milliseconds(1);
  double bytes_per_s = 50e9;     ///< Out of one replica.
  double bytes_per_token = 0.0;  ///< Of the cache.
  /// From the end of a prompt to its cache's arrival, on a link that nobody else uses.
  Duration time_of(std::uint32_t tokens) const {
    return setup + from_s(tokens * bytes_per_token / bytes_per_s);
  }
};

/// A cluster. One replica behind no router to speak of is one too.
struct ClusterOptions {
  EngineOptions engine;  ///< Of each replica.
  std::uint32_t replicas = 1;
  RouterPolicy router = RouterPolicy::round_robin;
  /// Of the replicas, so many read prompts only; the others answer. 0: all do both.
  std::uint32_t prefill_replicas = 0;
  LinkOptions link;
  AutoscaleOptions autoscale;  ///< Takes the place of `replicas`.
  /// From the arrival of a request to its place in a queue: HTTP, tokenizer, hand-overs.
  std::function<Duration(const Sequence&)> handover = {};
  bool plans_ahead = false;  ///< See ReplicaOptions.
  /// Replicas that wake up begin this apart from each other, divided by their number; 0: at once.
  Duration stagger{0};
  Seed seed;

  bool scales() const { return autoscale.most > 0; }
  /// The most replicas that there can be.
  std::uint32_t replicas_max() const { return scales() ? autoscale.most : replicas; }
};

/// What a replica is doing.
enum class ReplicaState { absent, starting, serving, draining };

/// What a replica has done.
struct ReplicaTotals {
  SchedulerCounts counts;
  Duration busy{0};           ///< Time in which steps ran.
  std::uint64_t planned = 0;  ///< Steps that were planned one by one; the others were folded.
};

/// One replica more or less.
struct ScaleEvent {
  bool is_out = true;  ///< One more.
  std::uint32_t replica = 0;
  ScaleReading trigger;          ///< One more: the first reading above a limit.
  ScaleReading decision;         ///< The reading after which it was decided.
  Instant ready = never;         ///< One more: when it began to serve.
  Instant first_routed = never;  ///< When the first request went to it ...
  Instant first_token = never;   ///< ... and when the first token came out of it.
  Instant gone = never;          ///< One less: when its last request was done.
};

/// What tests and virtual time want to hear beside the tokens.
struct ClusterHooks {
  bool folds = false;
  bool keeps_ends = false;
  bool gathers = false;
  /// A token may lead to another request at once, so no replica may run ahead of the others.
  bool is_coupled = true;
  std::function<void(std::uint32_t replica, const Scheduler&, Instant start)> before_step = {};
  std::function<void(std::uint32_t replica, const Scheduler&, std::uint64_t first,
                     std::uint32_t steps)>
      on_folded = {};
};

/// The replicas and their router.
class Cluster final : public EngineListener {
 public:
  Cluster(ClusterOptions options, StepCost cost, EngineListener& listener, ClusterHooks hooks = {});

  /// True when the sequence could ever run.
  bool fits(const Sequence& sequence) const {
    return replicas_.front()->scheduler().fits(sequence);
  }
  /// Takes a sequence, which must fit and must live until its last token or abort().
  void submit(Sequence& sequence, Instant now);
  /// Forgets a sequence.
  void abort(Sequence& sequence, Instant now);

  /// When the next thing happens, or Instant::max().
  Instant next() const;
  /// Lets it happen; false when nothing happens before `horizon`, until which nothing comes from
  /// outside: in virtual time what nobody has to hear of is passed over up to there.
  bool pass(Instant horizon);

  /// By index; null where none is, with autoscaling.
  const std::vector<std::unique_ptr<Replica>>& replicas() const { return replicas_; }
  ReplicaState state(std::uint32_t replica) const { return states_[replica]; }
  /// Requests that are in no replica: on their way, in the joined queue, between two replicas.
  std::size_t outside() const { return arriving_.size() + joined_.size() + transfers_.size(); }
  const std::vector<ScaleEvent>& scalings() const { return scalings_; }
  const ClusterOptions& options() const { return options_; }
  /// What a replica has done, and those that were in its place before it.
  ReplicaTotals totals(std::uint32_t replica) const;
  /// Hands out when each step of a replica ended, with ClusterHooks::keeps_ends.
  std::vector<Instant> take_step_ends(std::uint32_t replica) {
    return std::move(step_ends_[replica]);
  }

  void on_token(Sequence& sequence, Instant planned) override;

 private:
  struct Arriving {
    Instant at;
    std::uint64_t order;
    Sequence* sequence;
    /// For a heap with the earliest on top; equals in the order in which they came.
    bool operator<(const Arriving& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Transfer {
    Instant end;
    Sequence* sequence;
  };
  enum class Kind { none, arrival, transfer, start, reading, step };
  struct Event {
    Instant at = Instant::max();
    Kind kind = Kind::none;
    std::size_t which = 0;
    Instant after = Instant::max();  ///< The event after it.
  };
  Event find_next() const;
  void happen(const Event& event, Instant horizon);
  bool is_idle() const;
  bool is_prefill(std::uint32_t replica) const { return replica < options_.prefill_replicas; }
  void open(std::uint32_t replica);
  void arrive(Sequence& sequence, Instant now);
  bool route(Sequence& sequence, Instant now, bool has_prompt_read);
  void dispatch(Instant now);
  void begin_transfer(Sequence& sequence, Instant now);
  void end_transfer(std::size_t which);
  void begin_to_serve(std::uint32_t replica, Instant now);
  void read_gauges(Instant now);
  void resume_readings(Instant now);
  void scale_out(const ScaleReading& reading);
  void scale_in(const ScaleReading& reading);
  ScaleEvent* latest_of(std::uint32_t replica);
  void close_if_drained(std::uint32_t replica, Instant now);
  std::uint32_t count(ReplicaState state) const;

  ClusterOptions options_;
  StepCost cost_;
  EngineListener& listener_;
  ClusterHooks hooks_;
  bool is_coupled_;
  Router router_;
  Router decode_router_;  ///< For requests whose prompts have been read.
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::vector<ReplicaTotals> totals_of_gone_;
  std::vector<std::vector<Instant>> step_ends_;
  std::vector<ReplicaState> states_;
  std::vector<Replica*> candidates_;
  std::vector<Arriving> arriving_;  ///< A heap.
  std::uint64_t arrived_ = 0;
  std::deque<Sequence*> joined_;
  std::vector<Transfer> transfers_;
  std::vector<Instant> link_free_;  ///< By prefill replica.
  Autoscaler autoscaler_;
  std::vector<ScaleEvent> scalings_;
  std::vector<Instant> starts_;  ///< When each replica that starts will serve.
  Instant first_arrival_ = never;
  Instant next_reading_ = Instant::max();
};

}  // namespace tacho
