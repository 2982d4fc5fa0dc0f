// vLLM's page, as vLLM 0.32.0 writes it: the names, types, labels and buckets of a real one are in
// tests/live/vllm_0_32_metrics.txt, and a test reads both side by side. What the built-in engine
// does not have (multi-modal input, remote caches, sleeping) is there and stays at zero.
#include <algorithm>

#include "base/text.h"
#include "sim/metrics.h"

namespace tacho {
namespace {

using Labels = PrometheusLabels;
using Engines = std::vector<EngineMetrics>;
using One = EngineMetrics;

double real(std::uint64_t value) { return static_cast<double>(value); }

std::string python(bool value) { return value ? "True" : "False"; }

/// The page under way: each family has its samples engine by engine.
class Writer {
 public:
  explicit Writer(const Engines& engines)
      : engines_(engines),
        page_({{"model_name", setting().model}}, PrometheusStyle::python, setting().started_s) {}

  const MetricsSetting& setting() const { return engines_.front().metrics->setting; }
  PrometheusPage& page() { return page_; }

  template <class ValueOf>
  void gauge(std::string_view name, std::string_view help, const ValueOf& value_of) {
    page_.gauges(format("vllm:{}", name), help, of_each(value_of));
  }
  template <class ValueOf>
  void counter(std::string_view name, std::string_view help, const ValueOf& value_of) {
    page_.counters(format("vllm:{}_total", name), help, of_each(value_of));
  }
  /// A sample for each value of one more label; `values_of` gives the values and their figures.
  template <class ValuesOf>
  std::vector<PrometheusSample> by(const char* label, const ValuesOf& values_of) const {
    std::vector<PrometheusSample> samples;
    for (const One& one : engines_) {
      for (const auto& [value, figure] : values_of(one))
        samples.push_back({{{"engine", format("{}", one.index)}, {label, value}}, figure});
    }
    return samples;
  }
  void histogram(std::string_view name, std::string_view help, BucketHistogram SimMetrics::*which) {
    std::vector<PrometheusBuckets> all;
    for (const One& one : engines_)
      all.push_back({{{"engine", format("{}", one.index)}}, &(one.metrics->*which)});
    page_.histograms(format("vllm:{}", name), help, all);
  }

 private:
  template <class ValueOf>
  std::vector<PrometheusSample> of_each(const ValueOf& value_of) const {
    std::vector<PrometheusSample> samples;
    for (const One& one : engines_)
      samples.push_back({{{"engine", format("{}", one.index)}}, value_of(one)});
    return samples;
  }

  const Engines& engines_;
  PrometheusPage page_;
};

using Figures = std::vector<std::pair<const char*, double>>;

double nothing(const One&) { return 0.0; }

void write_scheduler(Writer& w) {
  for (const char* name : {"flops", "read_bytes", "write_bytes"}) {
    w.counter(format("estimated_{}_per_gpu", name), "Not estimated by the built-in engine.",
              nothing);
  }
  w.gauge("num_requests_running", "Number of requests in model execution batches.",
          [](const One& one) { return real(one.state.running); });
  w.gauge("num_requests_waiting", "Number of requests waiting to be processed.",
          [](const One& one) { return real(one.state.waiting); });
  w.page().gauges("vllm:num_requests_waiting_by_reason", "Number of waiting requests by reason.",
                  w.by("reason", [](const One& one) {
                    return Figures{{"capacity", real(one.state.waiting)}, {"deferred", 0.0}};
                  }));
  w.page().gauges(
      "vllm:engine_sleep_state", "Engine sleep state; the built-in engine is awake.",
      w.by("sleep_state", [](const One&) {
        return Figures{{"awake", 1.0}, {"weights_offloaded", 0.0}, {"discard_all", 0.0}};
      }));
}

void write_cache(Writer& w) {
  w.gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", [](const One& one) {
    const std::uint32_t blocks = one.metrics->setting.blocks;
    return blocks == 0 ? 0.0 : real(one.state.blocks_used) / blocks;
  });
  w.counter("prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens.",
            [](const One& one) { return real(one.state.counts.prefix_queries); });
  w.counter("prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens.",
            [](const One& one) { return real(one.state.counts.prefix_hits); });
  w.counter("external_prefix_cache_queries", "Queries of a cache shared with other instances.",
            nothing);
  w.counter("external_prefix_cache_hits", "Hits in a cache shared with other instances.", nothing);
  w.counter("mm_cache_queries", "Multi-modal cache queries, in terms of number of queried items.",
            nothing);
  w.counter("mm_cache_hits", "Multi-modal cache hits, in terms of number of cached items.",
            nothing);
  w.counter("num_preemptions", "Cumulative number of preemption from the engine.",
            [](const One& one) { return real(one.state.counts.preemptions); });
}

void write_tokens(Writer& w) {
  w.counter("prompt_tokens", "Number of prefill tokens processed.",
            [](const One& one) { return real(one.metrics->prompt_tokens); });
  w.page().counters("vllm:prompt_tokens_by_source_total", "Number of prompt tokens by source.",
                    w.by("source", [](const One& one) {
                      const SimMetrics& m = *one.metrics;
                      return Figures{{"local_compute", real(m.prompt_tokens - m.cached_tokens)},
                                     {"local_cache_hit", real(m.cached_tokens)},
                                     {"external_kv_transfer", 0.0}};
                    }));
  w.counter("prompt_tokens_cached", "Number of cached prompt tokens (local + external).",
            [](const One& one) { return real(one.metrics->cached_tokens); });
  w.page().counters("vllm:prompt_tokens_cached_by_source_total",
                    "Prefix-cache hit tokens by the cache tier that supplied them.",
                    w.by("source", [](const One& one) {
                      return Figures{{"device", real(one.metrics->cached_tokens)},
                                     {"host", 0.0},
                                     {"p2p", 0.0},
                                     {"disk", 0.0},
                                     {"external_unspecified", 0.0}};
                    }));
  w.counter("generation_tokens", "Number of generation tokens processed.",
            [](const One& one) { return real(one.metrics->generation_tokens); });
  w.page().counters("vllm:request_success_total", "Count of successfully processed requests.",
                    w.by("finished_reason", [](const One& one) {
                      const SimMetrics& m = *one.metrics;
                      return Figures{{"stop", real(m.finished_stop)},
                                     {"length", real(m.finished_length)},
                                     {"abort", real(m.finished_abort)},
                                     {"error", real(m.finished_error)},
                                     {"repetition", 0.0}};
                    }));
}

/// vLLM has these only with speculative decoding.
void write_drafts(Writer& w, const Engines& engines) {
  const bool drafts = std::any_of(engines.begin(), engines.end(),
                                  [](const One& one) { return one.state.counts.drafts > 0; });
  if (!drafts) return;
  w.counter("spec_decode_num_drafts", "Number of spec decoding drafts.",
            [](const One& one) { return real(one.state.counts.drafts); });
  w.counter("spec_decode_num_draft_tokens", "Number of draft tokens.",
            [](const One& one) { return real(one.state.counts.draft_tokens); });
  w.counter("spec_decode_num_accepted_tokens", "Number of accepted tokens.",
            [](const One& one) { return real(one.state.counts.accepted_tokens); });
}

void write_histograms(Writer& w) {
  w.histogram("request_prompt_tokens", "Number of prefill tokens processed.",
              &SimMetrics::input_length);
  w.histogram("request_generation_tokens", "Number of generation tokens processed.",
              &SimMetrics::output_length);
  w.histogram("iteration_tokens_total", "Histogram of number of tokens per engine_step.",
              &SimMetrics::step_tokens);
  w.histogram("request_max_num_generation_tokens",
              "Histogram of maximum number of requested generation tokens.",
              &SimMetrics::output_limit);
  w.histogram("request_params_n", "Histogram of the n request parameter.", &SimMetrics::choices);
  w.histogram("request_params_max_tokens", "Histogram of the max_tokens request parameter.",
              &SimMetrics::output_limit);
  w.histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.",
              &SimMetrics::ttft_s);
  w.histogram("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.",
              &SimMetrics::itl_s);
  w.histogram("request_time_per_output_token_seconds",
              "Histogram of time_per_output_token_seconds per request.", &SimMetrics::tpot_s);
  w.histogram("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.",
              &SimMetrics::e2e_s);
  w.histogram("request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.",
              &SimMetrics::queue_s);
  w.histogram("request_inference_time_seconds",
              "Histogram of time spent in RUNNING phase for request.", &SimMetrics::inference_s);
  w.histogram("request_prefill_time_seconds",
              "Histogram of time spent in PREFILL phase for request.", &SimMetrics::prefill_s);
  w.histogram("request_decode_time_seconds", "Histogram of time spent in DECODE phase for request.",
              &SimMetrics::decode_s);
  w.histogram("request_num_preemptions",
              "Histogram of the number of times a request was preempted.",
              &SimMetrics::preemptions);
  w.histogram("request_prefill_kv_computed_tokens",
              "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
              &SimMetrics::computed_length);
}

/// The labels of vllm:cache_config_info. vLLM writes its whole
/// configuration there; of it, the built-in engine has the cache's size.
Labels cache_config(const MetricsSetting& setting) {
  const std::string block = format("{}", setting.block_size);
  Labels labels{
      {"block_size", block},
      {"effective_attention_block_size", block},
      {"num_gpu_blocks", format("{}", setting.blocks)},
      {"num_gpu_blocks_override",
       setting.has_block_override ? format("{}", setting.blocks) : "None"},
      {"kv_cache_size_tokens", format("{}", std::uint64_t{setting.blocks} * setting.block_size)},
      {"enable_prefix_caching", python(setting.has_prefix_caching)},
      {"_block_size_resolved", "True"},
      {"cache_dtype", "auto"},
      {"gpu_memory_utilization", "0.9"},
      {"mamba_cache_dtype", "auto"},
      {"mamba_cache_mode", "none"},
      {"mamba_ssm_cache_dtype", "auto"},
      {"prefix_caching_hash_algo", "sha256"},
      {"kv_offloading_backend", "native"},
      {"kv_cache_dtype_skip_layers", "[]"}};
  for (const char* name :
       {"enable_mamba_shared_prefix_checkpoint", "is_attention_free", "kv_sharing_fast_prefill",
        "swa_bounded_replay", "use_kda_recoverssm", "use_replayssm", "user_specified_block_size"})
    labels.emplace_back(name, "False");
  for (const char* name : {"cache_hit_alignment_tokens", "hash_block_size", "kv_cache_layout",
                           "kv_cache_max_concurrency", "kv_cache_memory_bytes",
                           "kv_offloading_size", "mamba_block_size", "mamba_page_size_padded",
                           "num_cpu_blocks", "prefix_cache_retention_interval", "prefix_match_unit",
                           "replayssm_buffer_len", "skip_page_size_padded", "sliding_window"})
    labels.emplace_back(name, "None");
  return labels;
}

}  // namespace

std::string vllm_page(const Engines& engines) {
  Writer w(engines);
  const MetricsSetting& setting = w.setting();
  const double started = setting.started_s;
  PrometheusPage process({}, PrometheusStyle::python, started);
  process.gauge("process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.", started);
  write_scheduler(w);
  write_cache(w);
  write_tokens(w);
  write_drafts(w, engines);
  w.page().counters("vllm:admission_rejections_total",
                    "Number of admission attempts rejected by a queue limit, by reason.",
                    {{{{"reason", "max_num_queued_reqs"}}, real(engines.front().metrics->rejected)},
                     {{{"reason", "max_num_queued_tokens"}}, 0.0}});
  write_histograms(w);
  PrometheusPage config({}, PrometheusStyle::python, started);
  std::vector<PrometheusSample> caches;
  for (const One& one : engines) {
    Labels labels = cache_config(setting);
    labels.emplace_back("engine", format("{}", one.index));
    caches.push_back({std::move(labels), 1.0});
  }
  config.gauges("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", caches);
  return process.text() + w.page().text() + config.text();
}

}  // namespace tacho
