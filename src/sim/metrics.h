// What the engine tells Prometheus, under vLLM's names, so that whatever reads a vLLM reads it too.
#pragma once

#include <string>

#include "base/prometheus.h"
#include "sim/engine.h"

namespace tacho {

/// Counters and histograms of one engine.
struct SimMetrics {
  SimMetrics();
  /// The page for /metrics; `others` are requests that run without the engine.
  std::string page(const Engine& engine, const std::string& model, std::size_t others = 0) const;

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

}  // namespace tacho
