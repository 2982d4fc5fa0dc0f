// What the engine tells Prometheus, under vLLM's names, so that whatever reads a vLLM reads it too.
#pragma once

#include <string>
#include <vector>

#include "base/prometheus.h"
#include "sim/scheduler.h"

namespace tacho {

/// Counters and histograms of one engine.
struct SimMetrics {
  SimMetrics();

  std::uint64_t prompt_tokens = 0;
  std::uint64_t generation_tokens = 0;
  std::uint64_t finished_stop = 0;
  std::uint64_t finished_length = 0;
  std::uint64_t finished_abort = 0;
  std::uint64_t finished_error = 0;
  std::uint64_t rejected = 0;  ///< Because too many were waiting.
  BucketHistogram ttft_s;
  BucketHistogram itl_s;
  BucketHistogram e2e_s;
  BucketHistogram queue_s;
};

/// One engine's part of the page.
struct EngineMetrics {
  std::uint32_t index = 0;  ///< What vLLM with data parallelism has as the label `engine`.
  const SimMetrics* metrics = nullptr;
  SchedulerCounts counts = {};
  std::size_t running = 0;
  std::size_t waiting = 0;
  double kv_share = 0.0;
};

/// The page for /metrics.
std::string metrics_page(const std::vector<EngineMetrics>& engines, const std::string& model);

}  // namespace tacho
