// "Until p99 ttft is known to ± 5 %": the samples of a cell on their way from its workers to the
// one thread that looks, once a second, how well a figure is known by now.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "record/record.h"

namespace tacho {

/// A wish for a figure: its 95 % interval no wider than ± this share of it.
struct Precision {
  std::string label;         ///< "p99 ttft".
  double percent = 0.0;      ///< Of the percentile; 0: the mean.
  double half_width = 0.05;  ///< As a share of the figure.
  /// The sample of a finished request, if it has one. Called by the workers.
  std::function<std::optional<double>(const Record&)> value_of;
};

/// One value and when its request was sent.
struct Sample {
  Instant sent = never;
  double value = 0.0;
};

/// From one thread to one other, without end and without a lock: a chain of blocks, each filled by
/// the writer and dropped by the reader.
class SampleQueue {
 public:
  SampleQueue() : reading_(new Block), writing_(reading_) {}
  ~SampleQueue();
  SampleQueue(const SampleQueue&) = delete;
  SampleQueue& operator=(const SampleQueue&) = delete;

  /// Appends; the writer's call.
  void push(const Sample& sample);
  /// Moves all there is to the end of `out`; the reader's call.
  void take(std::vector<Sample>& out);

 private:
  struct Block {
    std::array<Sample, 256> samples;
    std::atomic<std::size_t> filled{0};
    std::atomic<Block*> next{nullptr};
  };
  Block* reading_;
  std::size_t taken_ = 0;  ///< Of the block that is being read.
  Block* writing_;
};

/// The samples of one wish. They are thinned to every second, fourth ... one, so that its memory
/// does not grow with the run.
class PrecisionWatch {
 public:
  static constexpr std::size_t samples_max = 65'536;
  /// Below this the estimate of the interval is itself too rough to stop by.
  static constexpr std::size_t samples_min = 100;

  PrecisionWatch(const Precision& wish, std::size_t workers);
  /// Takes a finished request's sample; by that worker's thread.
  void add(std::size_t worker, const Record& record);
  /// Looks again. True when the interval was narrow enough this time and the time before, with new
  /// samples between: one narrow look alone may be luck.
  bool check();
  /// What is known: "p99 ttft known to ±4.2 %, wanted ±5 %".
  std::string text() const;
  bool is_reached() const { return narrow_looks_ >= 2; }

 private:
  void take_new();
  const Precision wish_;
  std::vector<std::unique_ptr<SampleQueue>> queues_;
  std::vector<Sample> samples_;
  std::vector<Sample> fresh_;
  std::size_t stride_ = 1;   ///< One of so many samples is kept.
  std::size_t skipped_ = 0;  ///< Since the last one that was.
  std::size_t seen_ = 0;
  std::size_t seen_at_look_ = 0;
  int narrow_looks_ = 0;
  std::optional<double> half_width_;  ///< As of the last look; nothing: not known.
};

}  // namespace tacho
