// Runs one cell: as many workers as asked for, each on its own thread and loop, every finished
// record on disk at once.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "load/cell_plan.h"
#include "load/precision.h"
#include "load/progress.h"
#include "load/worker.h"
#include "net/epoll_loop.h"

namespace tacho {

/// Whose word counts for the arrival of bytes.
enum class StampChoice {
  automatic,  ///< The tap where this machine and the target allow it, else the sockets' stamps.
  socket,
  tap,  ///< The tap or an error.
};

/// What a run hands to all its cells.
struct RunControls {
  std::uint32_t threads = 1;
  std::string journal;  ///< Path of the journal.
  StampChoice stamps = StampChoice::automatic;
  const std::atomic<int>* stop_level = nullptr;
  std::vector<WorkerProgress>* progress = nullptr;  ///< One for each thread.
  std::vector<Precision> until = {};                ///< Stop a cell when all of them hold.
};

/// What the generator knows of its own behaviour during a cell.
struct CellOutcome {
  Instant measure_start = never;
  double busy_share = 0.0;  ///< Of the busiest worker's loop, while measuring.
  Duration cpu{0};          ///< CPU time of all workers' threads, while measuring.
  std::uint64_t clock_steps = 0;
  std::size_t connections_dialled = 0;
  TapCounts tap;
  std::string tap_refusal;  ///< Why there is no tap where one was wanted; empty otherwise.
  StopReason stopped_by = StopReason::count;
  std::string stop_detail;  ///< With its numbers; empty where there is nothing to say.
  std::string failure;  ///< Why records could not be kept (a full disk, say); empty when all were.
};

/// Runs the cell to its end. The error is about making threads and loops, or opening the journal.
Result<CellOutcome> run_cell(const CellPlan& plan, const Target& target,
                             const RunControls& controls);

}  // namespace tacho
