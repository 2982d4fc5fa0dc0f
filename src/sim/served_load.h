// Requests that a real server answered, and the same requests in virtual time: what a log is
// validated with and what a run is fitted to.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/result.h"
#include "sim/scheduler.h"
#include "sim/step_time.h"

namespace tacho {

/// A server as the engine's model knows it.
struct ModelledServer {
  GpuProfile gpu;
  ModelProfile model;
  Serving serving;
  /// Its settings; a cache of no size is of the size that follows from the others.
  EngineOptions engine = {};
};

/// One request that was answered. Seconds from some instant that is the whole load's.
struct ServedRequest {
  std::uint32_t input = 0, output = 0;
  std::uint32_t cached = 0;  ///< Of the input, what the server found in its cache.
  double sent_s = 0.0, first_s = 0.0, last_s = 0.0;
  bool is_measured = true;  ///< False: it was only part of the load, as a warm-up is.

  double ttft_s() const { return first_s - sent_s; }
  double e2e_s() const { return last_s - sent_s; }
  /// 0 for a single token.
  double tpot_s() const { return output > 1 ? (last_s - first_s) / (output - 1) : 0.0; }
};

/// Requests that one server answered, from idle to idle.
struct ServedLoad {
  std::string label = {};
  /// Of a closed loop: a request is sent when one of so many ends. Else each at its own time.
  std::size_t concurrency = std::numeric_limits<std::size_t>::max();
  std::vector<ServedRequest> requests = {};  ///< In the order of their sending.
};

/// The same requests in virtual time on that server. With `has_way` they take the way from a client
/// to the scheduler first; without it they are in the server's queue when they are sent. The error
/// says which request does not fit into the cache.
Result<std::vector<ServedRequest>> replay(const ModelledServer& server, const ServedLoad& load,
                                          bool has_way);

}  // namespace tacho
