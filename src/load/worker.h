// A worker: one thread's loop, its connections, its slice of the schedule, and its end of the
// journal. Shares nothing mutable with other workers but a stop flag.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "base/file.h"
#include "load/cell_plan.h"
#include "load/exchange.h"
#include "load/progress.h"
#include "load/stop.h"

namespace tacho {

/// How hard a run is being asked to end.
enum class StopLevel : int {
  none = 0,
  drain = 1,  ///< Send nothing more; let what is in flight finish.
  now = 2,    ///< Give up what is in flight.
};

/// Which requests of the plan are this worker's: k, k+n, k+2n, ... (n: not more than there are
/// slots). The arrivals that the server sees do not depend on the number of workers.
struct Slice {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
};

/// Lives on one thread, for one cell.
class Worker {
 public:
  /// Where finished records go. A false answer (the disk is full, say) ends the run.
  using OnRecord = std::function<bool(const Record&)>;

  Worker(Loop& loop, std::vector<Dial> dials, const CellPlan& plan, const Target& target,
         Slice slice, const std::atomic<int>& stop_level, WorkerProgress& progress,
         OnRecord on_record);

  /// Arranges for a stage's first requests; the loop must then be run, and stops when the stage is
  /// over: everything that will be sent has been sent and has ended. Connections stay open from one
  /// stage to the next.
  void begin(Stage stage, Instant start);
  /// Heeds what stops its cell, and counts for it; for the measured stage. It must outlive the
  /// runs.
  void obey(CellStop& stop) { cell_stop_ = &stop; }
  /// What it holds on to: bounded by what is in flight at a time, however long a run lasts.
  std::size_t held_objects() const {
    return exchanges_.size() + free_slots_.size() + retries_.size() + finished_.capacity();
  }
  std::size_t connections_dialled() const { return pool_.dialled(); }

 private:
  bool is_closed_loop() const { return stage_ == Stage::warmup || plan_.is_closed_loop; }
  const std::vector<PlannedRequest>& requests() const {
    return stage_ == Stage::warmup ? plan_.warmup : plan_.measure;
  }
  void fill_slots();
  void release_due();
  /// A stream of a closed loop that has nothing in flight.
  struct FreeSlot {
    Instant at = never;       ///< From when on its next request is due.
    std::uint32_t user = 0;   ///< Whose it is, from 1; 0: nobody's.
    std::uint32_t turns = 0;  ///< Requests that this user has sent.
    /// The later one waits; of two at once, the user of the higher number.
    bool operator<(const FreeSlot& other) const {
      return at != other.at ? at > other.at : user > other.user;
    }
  };
  void open_slots();
  void free_slot(const Record& record);
  /// A request that is to be sent again. Its slot stays taken until then.
  struct Retry {
    Instant at = never;
    std::uint64_t id = 0;  ///< Of the request.
    std::uint32_t attempt = 0;
    FreeSlot slot;
    bool operator<(const Retry& other) const {
      return at != other.at ? at > other.at : id > other.id;
    }
  };
  void plan_retry(const Exchange& exchange);
  void send_retries();
  bool is_cut() const;
  const PlannedRequest& request_of(const Record& record) const;
  Record new_record(const PlannedRequest& request, const FreeSlot& slot) const;
  void send_first_try(const PlannedRequest& request, const FreeSlot& slot);
  void launch(Record record);
  std::size_t taken_slots() const { return active_.size() + retries_.size(); }
  const PlannedRequest* next_request();
  void on_exchange_over(Exchange& exchange);
  void keep_records();
  void check_stop();
  void end_stage_if_done();
  bool is_sending_over() const;

  Loop& loop_;
  const CellPlan& plan_;
  const Target& target_;
  Slice slice_;
  const std::atomic<int>& stop_level_;
  WorkerProgress& progress_;
  OnRecord on_record_;
  ConnectionPool pool_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Exchange*> free_;
  std::vector<Exchange*> active_;
  std::vector<Exchange*> finished_;  ///< Over, but their records are not kept yet.
  Timer release_;
  Timer keep_;
  std::priority_queue<Retry> retries_;  ///< Waiting to be sent again, the next one first.
  Timer retry_;
  Timer stop_check_;
  Timer duration_end_;
  Stage stage_ = Stage::measure;
  std::size_t next_ = 0;
  std::uint32_t stride_ = 1;  ///< From one of this worker's requests to its next.
  std::uint64_t round_ = 0;   ///< How often the list has begun again (plan.repeats).
  std::uint32_t slots_ = 0;   ///< This worker's share of the concurrency; 0: no cap.
  Instant start_ = never;
  std::priority_queue<FreeSlot> free_slots_;  ///< Closed loop: the earliest first.
  CellStop* cell_stop_ = nullptr;
  bool is_time_up_ = false;          ///< The stage's time is.
  bool is_sending_stopped_ = false;  ///< Records can't be kept.
  bool is_over_ = false;
};

}  // namespace tacho
