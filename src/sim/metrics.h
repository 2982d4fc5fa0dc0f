// What the engine tells Prometheus, under the names of the engine that it stands in for, so that
// whatever reads the real one reads this one too.
#pragma once

#include <string>
#include <string_view>

#include "base/prometheus.h"
#include "base/result.h"
#include "base/time.h"
#include "sim/scheduler.h"

namespace tacho {

/// Whose names, types, labels and buckets a page has.
enum class MetricsDialect { vllm, sglang, tgi, llamacpp, triton, mindie };

/// The dialect as it is typed.
Result<MetricsDialect> parse_dialect(std::string_view text);

/// What does not change while a server runs.
struct MetricsSetting {
  MetricsDialect dialect = MetricsDialect::vllm;
  std::string model;              ///< The name on the API.
  std::uint32_t context_max = 0;  ///< Buckets of lengths reach so far.
  std::uint32_t max_num_seqs = 0;
  std::uint32_t block_size = 16;
  std::uint32_t blocks = 0;  ///< Of the cache.
  bool has_block_override = false;
  bool has_prefix_caching = true;
  double started_s = 0.0;  ///< Unix time.
};

/// An engine at the moment of the page, or all of them together.
struct MetricsState {
  std::size_t running = 0;
  std::size_t waiting = 0;
  std::uint32_t blocks_used = 0;
  double since_start_s = 0.0;
  SchedulerCounts counts = {};
};

/// What one request that has ended was like, by the engine's own times.
struct FinishedRequest {
  Instant received = never;
  Instant queued = never;
  Instant scheduled = never;
  Instant first_token = never;
  Instant last_token = never;
  std::uint32_t input_tokens = 0;
  std::uint32_t cached_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::uint32_t output_tokens_max = 0;
  std::uint32_t preemptions = 0;
  bool ended_by_length = false;
};

/// Counters and histograms of one engine. The bounds of the histograms are those of the dialect, so
/// that quantiles computed from them compare.
class SimMetrics {
 public:
  explicit SimMetrics(MetricsSetting setting);

  /// A request has its first token.
  void first_token(Instant received, Instant planned, std::uint32_t input_tokens,
                   std::uint32_t cached_tokens);
  /// It, or another one, has a token; tokens of one step have the same `planned`.
  void token(Instant planned, std::uint32_t prompt_tokens);
  /// The time between two events of one stream.
  void gap(Duration gap) { itl_s.observe(to_s(gap)); }
  /// A request has all its tokens.
  void finished(const FinishedRequest& request);

  /// Takes the step that came last for whole: to be called between two steps.
  void end_step();
  /// Adds what another engine of the same setting has counted.
  void add(const SimMetrics& other);

  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::uint64_t generation_tokens = 0;
  std::uint64_t received = 0;
  std::uint64_t finished_stop = 0;
  std::uint64_t finished_length = 0;
  std::uint64_t finished_abort = 0;
  std::uint64_t finished_error = 0;
  std::uint64_t rejected = 0;      ///< Because too many were waiting.
  std::uint32_t sequence_max = 0;  ///< The longest prompt and answer together.
  double prefill_sum_s = 0.0, decode_sum_s = 0.0;
  MetricsSetting setting;
  BucketHistogram ttft_s, itl_s, tpot_s, e2e_s, queue_s, inference_s, prefill_s, decode_s;
  BucketHistogram input_length, output_length, output_limit, computed_length;
  BucketHistogram step_tokens, preemptions, choices;

 private:
  Instant step_ = never;
  std::uint32_t in_step_ = 0;
};

/// One engine's part of the page.
struct EngineMetrics {
  std::uint32_t index = 0;  ///< What vLLM with data parallelism has as the label `engine`.
  SimMetrics* metrics = nullptr;
  MetricsState state = {};
};

/// The page for /metrics, of at least one engine.
std::string metrics_page(const std::vector<EngineMetrics>& engines);

/// The page of vLLM 0.32.0, with a series for each engine.
std::string vllm_page(const std::vector<EngineMetrics>& engines);
/// The page of SGLang.
std::string sglang_page(const SimMetrics& metrics, const MetricsState& state);
/// The page of Hugging Face's TGI 3.
std::string tgi_page(const SimMetrics& metrics, const MetricsState& state);
/// The page of llama.cpp's server.
std::string llamacpp_page(const SimMetrics& metrics, const MetricsState& state);
/// The page of Triton with TensorRT-LLM.
std::string triton_page(const SimMetrics& metrics, const MetricsState& state);
/// The page of MindIE.
std::string mindie_page(const SimMetrics& metrics, const MetricsState& state);

}  // namespace tacho
