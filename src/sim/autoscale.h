// When replicas are added and taken away: a rule over readings of the queues and the caches, as an
// autoscaler on a cluster of machines has it. It knows no clock and no replicas.
#pragma once

#include <cstdint>
#include <deque>

#include "base/time.h"

namespace tacho {

/// The rule and its limits.
struct AutoscaleOptions {
  std::uint32_t least = 0;  ///< Replicas; both 0: their number is fixed.
  std::uint32_t most = 0;
  Duration start_time = std::chrono::seconds(40);  ///< From the decision to the first request.
  Duration interval = std::chrono::seconds(1);     ///< Between readings.
  Duration window = std::chrono::seconds(10);      ///< Means over this time decide.
  double waiting = 1.0;   ///< Requests that wait for each replica: one more above this.
  double kv_share = 0.9;  ///< Share of the caches that is in use: one more above this.
  /// One less after this time without anybody waiting, if the others' caches would be less than
  /// half of `kv_share` full.
  Duration idle_window = std::chrono::seconds(60);
};

/// What was read at one instant.
struct ScaleReading {
  Instant at = never;
  double waiting = 0.0;   ///< Requests for each replica that serves.
  double kv_share = 0.0;  ///< Mean over the replicas that serve.
};

/// Takes readings and decides.
class Autoscaler {
 public:
  explicit Autoscaler(const AutoscaleOptions& options) : options_(options) {}
  /// 1: one more; -1: one less; else 0. `serving` is the number of replicas that serve. After a
  /// decision a whole window passes before the next one.
  int read(const ScaleReading& reading, std::uint32_t serving);
  /// The first reading above a limit in the window that led to the latest decision for one more.
  const ScaleReading& trigger() const { return trigger_; }
  /// Forgets what was read.
  void clear() { readings_.clear(); }

 private:
  struct Means {
    double waiting = 0.0, kv_share = 0.0, waiting_most = 0.0;
  };
  bool covers(Duration window) const;
  Means means_over(Duration window) const;
  bool is_above(const ScaleReading& reading) const {
    return reading.waiting > options_.waiting || reading.kv_share > options_.kv_share;
  }

  AutoscaleOptions options_;
  std::deque<ScaleReading> readings_;  ///< Since the latest decision, of the longest window.
  ScaleReading trigger_;
};

}  // namespace tacho
