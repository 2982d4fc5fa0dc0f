// What the user sees while something takes long: one line that is drawn over on a terminal, plain
// lines now and then elsewhere (a log), nothing when asked to be quiet.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "load/progress.h"
#include "record/manifest.h"

namespace tacho {

/// True when standard error is a terminal.
bool is_terminal();

/// Progress of one step with a known number of parts; silent for steps of less than half a second.
class StepProgress {
 public:
  StepProgress(std::string title, bool is_shown);
  ~StepProgress();
  void show(std::size_t done, std::size_t all);

 private:
  std::string title_;
  bool is_shown_;
  bool has_drawn_ = false;
  Instant started_;
  Instant shown_ = never;
};

/// Watches a run from a thread of its own: draws the progress of the cell that runs, and enforces
/// the grace period after an interrupt.
class RunDisplay {
 public:
  RunDisplay(std::vector<WorkerProgress>& workers, std::atomic<int>& stop_level, Duration grace,
             bool is_shown);
  ~RunDisplay();
  /// A cell begins: number `index` of `count`.
  void begin_cell(const Cell& cell, std::size_t index, std::size_t count, double duration_s);
  /// It is over; on a log, says so in one line.
  void end_cell();

 private:
  struct Totals {
    std::uint64_t sent = 0, completed = 0, failed = 0, cancelled = 0, chunks = 0, in_flight = 0,
                  ttft_ns = 0, ttfts = 0;
    bool is_warming_up = false;
  };
  Totals totals() const;
  void watch();
  void draw(bool is_last);
  std::string line(const Totals& now, double elapsed_s, bool is_last) const;
  void enforce_grace();

  std::vector<WorkerProgress>& workers_;
  std::atomic<int>& stop_level_;
  Duration grace_;
  bool is_shown_;
  bool is_terminal_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_ending_ = false;
  bool has_cell_ = false;
  Cell cell_;
  std::string position_;
  double duration_s_ = 0.0;
  Instant cell_started_ = never;
  Instant drawn_ = never;
  Instant interrupted_ = never;
  Totals before_;  ///< At the cell's start.
  std::thread thread_;
};

}  // namespace tacho
