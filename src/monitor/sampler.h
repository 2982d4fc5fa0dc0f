// Reads the probes, each on a thread of its own so that a slow one holds nobody up, and keeps the
// latest readings for whoever asks: the screen, the exporter, the rules, a bench.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "monitor/probe.h"
#include "monitor/scale_watch.h"

namespace tacho {

/// Samples until dropped.
class Sampler {
 public:
  /// Starts to read each probe every `period`, at absolute times so that they do not drift.
  Sampler(std::vector<ProbePtr> probes, Duration period);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// What was read last of everything, and of the sampler itself. Never waits for a probe.
  Snapshot latest() const;
  /// Waits until each probe has been read once more, or `limit` is over; a probe that takes longer
  /// is left behind.
  void wait_for_round(Duration limit);
  /// Reads every probe now, whatever its period, and waits for it no longer than `limit`.
  void read_now(Duration limit);

 private:
  /// A probe, its thread and what it read last.
  struct Lane {
    ProbePtr probe;
    std::vector<Subject> subjects;
    Instant began = never;  ///< The latest reading.
    Instant ended = never;
    std::uint64_t rounds = 0;
    std::uint64_t asked = 0;  ///< The last read_now() that it has heard of.
    std::thread thread;
  };
  void sample(Lane& lane);
  void watch_scale(Instant at);

  Duration period_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ = false;
  std::uint64_t asked_ = 0;  ///< Calls of read_now().
  std::vector<std::unique_ptr<Lane>> lanes_;
  ScaleWatch scale_;
};

}  // namespace tacho
