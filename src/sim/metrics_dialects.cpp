// The pages of the other engines: as much of each as its users' dashboards and routers read.
#include <algorithm>

#include "base/text.h"
#include "sim/metrics.h"

namespace tacho {
namespace {

using Samples = std::vector<PrometheusSample>;

double real(std::uint64_t value) { return static_cast<double>(value); }

double share(double part, double whole) { return whole > 0.0 ? part / whole : 0.0; }

double cache_usage(const SimMetrics& m, const MetricsState& state) {
  return share(state.blocks_used, m.setting.blocks);
}

std::uint64_t succeeded(const SimMetrics& m) { return m.finished_stop + m.finished_length; }

double seconds(const BucketHistogram& histogram) { return histogram.sum; }

}  // namespace

std::string sglang_page(const SimMetrics& m, const MetricsState& state) {
  PrometheusPage page({{"engine_type", "unified"},
                       {"model_name", m.setting.model},
                       {"pp_rank", "0"},
                       {"tp_rank", "0"}},
                      PrometheusStyle::python, m.setting.started_s);
  const double tokens = real(m.setting.blocks) * m.setting.block_size;
  const auto gauge = [&](const char* name, const char* help, double value) {
    page.gauge(format("sglang:{}", name), help, value);
  };
  gauge("num_running_reqs", "The number of running requests.", real(state.running));
  gauge("num_queue_reqs", "The number of requests in the waiting queue.", real(state.waiting));
  gauge("num_used_tokens", "The number of used tokens.",
        real(state.blocks_used) * m.setting.block_size);
  gauge("max_total_num_tokens", "The size of the token pool.", tokens);
  gauge("token_usage", "The token usage.", cache_usage(m, state));
  gauge("gen_throughput", "The generation throughput (token/s).",
        share(real(m.generation_tokens), state.since_start_s));
  gauge("cache_hit_rate", "The prefix cache hit rate.",
        share(real(state.counts.prefix_hits), real(state.counts.prefix_queries)));
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    page.counter(format("sglang:{}_total", name), help, real(value));
  };
  counter("prompt_tokens", "Number of prefill tokens processed.", m.prompt_tokens);
  counter("generation_tokens", "Number of generation tokens processed.", m.generation_tokens);
  counter("cached_tokens", "Number of cached prompt tokens.", m.cached_tokens);
  counter("num_requests", "Number of requests processed.", succeeded(m) + m.finished_abort);
  counter("num_aborted_requests", "Number of requests aborted.", m.finished_abort);
  counter("num_retracted_requests", "Number of requests thrown out of a batch.",
          state.counts.preemptions);
  const auto histogram = [&](const char* name, const char* help, const BucketHistogram& values) {
    page.histogram(format("sglang:{}", name), help, values);
  };
  histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.",
            m.ttft_s);
  histogram("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", m.itl_s);
  histogram("e2e_request_latency_seconds", "Histogram of End-to-end request latency in seconds",
            m.e2e_s);
  histogram("queue_time_seconds", "Histogram of queueing time in seconds.", m.queue_s);
  histogram("request_time_per_output_token_seconds",
            "Histogram of time per output token of requests in seconds.", m.tpot_s);
  histogram("prompt_tokens_histogram", "Histogram of prompt token length.", m.input_length);
  histogram("generation_tokens_histogram", "Histogram of generation token length.",
            m.output_length);
  return page.text();
}

std::string tgi_page(const SimMetrics& m, const MetricsState& state) {
  PrometheusPage page({});
  page.gauge("tgi_batch_current_size", "Current batch size", real(state.running));
  page.gauge("tgi_queue_size", "Current queue size", real(state.waiting));
  page.gauge("tgi_batch_current_max_tokens", "Maximum tokens for the current batch",
             real(m.setting.blocks) * m.setting.block_size);
  page.gauge("tgi_batch_max_total_tokens", "Maximum tokens of a batch",
             real(m.setting.blocks) * m.setting.block_size);
  page.counter("tgi_request_count", "Total number of requests", real(m.received));
  page.counter("tgi_request_success", "Number of successful requests", real(succeeded(m)));
  page.counters("tgi_request_failure", "Number of failed requests",
                {{{{"err", "generation"}}, real(m.finished_abort + m.finished_error)},
                 {{{"err", "overloaded"}}, real(m.rejected)}});
  page.histogram("tgi_request_duration", "Request duration", m.e2e_s);
  page.histogram("tgi_request_queue_duration", "Time spent in the queue", m.queue_s);
  page.histogram("tgi_request_inference_duration", "Request inference duration", m.inference_s);
  page.histogram("tgi_request_mean_time_per_token_duration", "Mean time per token per request",
                 m.tpot_s);
  page.histogram("tgi_request_input_length", "Input token length per request", m.input_length);
  page.histogram("tgi_request_generated_tokens", "Generated tokens per request", m.output_length);
  page.histogram("tgi_request_max_new_tokens", "Maximum new tokens per request", m.output_limit);
  page.histogram("tgi_batch_inference_duration", "Batch inference time", m.prefill_s,
                 {{"method", "prefill"}});
  return page.text();
}

std::string llamacpp_page(const SimMetrics& m, const MetricsState& state) {
  PrometheusPage page({});
  const double prompt_s = m.prefill_sum_s, predicted_s = m.decode_sum_s;
  const double computed = real(m.prompt_tokens - m.cached_tokens);
  const auto counter = [&](const char* name, const char* help, double value) {
    page.counter(format("llamacpp:{}", name), help, value);
  };
  counter("prompt_tokens_total", "Number of prompt tokens processed, excluding cached tokens",
          computed);
  counter("prompt_tokens_cached_total", "Number of prompt tokens reused from the cache",
          real(m.cached_tokens));
  counter("prompt_seconds_total", "Total time spent processing prompts", prompt_s);
  counter("tokens_predicted_total", "Number of generation tokens processed",
          real(m.generation_tokens));
  counter("tokens_predicted_seconds_total", "Total time spent generating tokens", predicted_s);
  counter("n_decode_total",
          "Total number of llama_decode() calls, excluding speculative decoding and multimodal "
          "decoding",
          real(state.counts.steps));
  counter("n_tokens_max", "Largest observed sequence length (prompt + generation)", m.sequence_max);
  counter("spec_decode_num_draft_tokens_total", "Speculative: Total draft tokens generated", 0);
  counter("spec_decode_num_accepted_tokens_total",
          "Speculative: Total draft tokens accepted by the target model", 0);
  counter("spec_decode_num_drafts_total",
          "Speculative: Total speculative decoding verification steps", 0);
  page.gauge("llamacpp:prompt_tokens_seconds", "Average prompt throughput in tokens/s",
             share(computed, prompt_s));
  page.gauge("llamacpp:predicted_tokens_seconds", "Average generation throughput in tokens/s",
             share(real(m.generation_tokens), predicted_s));
  page.gauge("llamacpp:requests_processing", "Number of requests processing", real(state.running));
  page.gauge("llamacpp:requests_deferred", "Number of requests deferred", real(state.waiting));
  page.gauge("llamacpp:n_busy_slots_per_decode",
             "Average number of busy slots per llama_decode() call",
             share(real(m.generation_tokens), real(state.counts.steps)));
  return page.text();
}

std::string triton_page(const SimMetrics& m, const MetricsState& state) {
  PrometheusPage page({{"model", m.setting.model}, {"version", "1"}});
  const auto us = [](double s) { return s * 1e6; };
  const auto by = [](const char* label, std::vector<std::pair<const char*, double>> values) {
    Samples samples;
    for (const auto& [name, value] : values) samples.push_back({{{label, name}}, value});
    return samples;
  };
  page.counter("nv_inference_request_success", "Number of successful inference requests",
               real(succeeded(m)));
  page.counters("nv_inference_request_failure", "Number of failed inference requests",
                by("reason", {{"REJECTED", real(m.rejected)},
                              {"CANCELED", real(m.finished_abort)},
                              {"BACKEND", real(m.finished_error)},
                              {"OTHER", 0.0}}));
  page.counter("nv_inference_count", "Number of inferences performed", real(succeeded(m)));
  page.counter("nv_inference_exec_count", "Number of model executions performed",
               real(state.counts.steps));
  page.counter("nv_inference_request_duration_us",
               "Cumulative inference request duration in microseconds", us(seconds(m.e2e_s)));
  page.counter("nv_inference_queue_duration_us",
               "Cumulative inference queuing duration in microseconds", us(seconds(m.queue_s)));
  page.counter("nv_inference_compute_infer_duration_us",
               "Cumulative compute inference duration in microseconds", us(seconds(m.inference_s)));
  page.gauge("nv_inference_pending_request_count", "Number of requests awaiting execution",
             real(state.waiting));
  page.gauges("nv_trt_llm_request_metrics", "TRT LLM request metrics",
              by("request_type", {{"active", real(state.running + state.waiting)},
                                  {"max", real(m.setting.max_num_seqs)},
                                  {"scheduled", real(state.running)},
                                  {"context", 0.0},
                                  {"waiting", real(state.waiting)}}));
  const double blocks = m.setting.blocks, used = state.blocks_used;
  page.gauges("nv_trt_llm_kv_cache_block_metrics", "TRT LLM KV cache block metrics",
              by("kv_cache_block_type", {{"max", blocks},
                                         {"free", blocks - used},
                                         {"used", used},
                                         {"tokens_per", real(m.setting.block_size)},
                                         {"fraction", cache_usage(m, state)}}));
  return page.text();
}

std::string mindie_page(const SimMetrics& m, const MetricsState& state) {
  PrometheusPage page({{"model_name", m.setting.model}});
  const std::uint64_t failed = m.finished_abort + m.finished_error + m.rejected;
  page.counter("request_received_total", "Number of requests received so far.", real(m.received));
  page.counter("request_success_total", "Number of requests proceed successfully so far.",
               real(succeeded(m)));
  page.counter("request_failed_total", "Number of requests failed so far.", real(failed));
  page.gauge("num_requests_running", "Number of requests currently running on NPU.",
             real(state.running));
  page.gauge("num_requests_waiting", "Number of requests waiting to be processed.",
             real(state.waiting));
  page.gauge("num_requests_swapped", "Number of requests swapped to CPU.", 0);
  page.counter("num_preemptions_total", "Cumulative number of preemption from the engine.",
               real(state.counts.preemptions));
  page.counter("prompt_tokens_total", "Number of prefill tokens processed.", real(m.prompt_tokens));
  page.counter("generation_tokens_total", "Number of generation tokens processed.",
               real(m.generation_tokens));
  page.gauge("avg_prompt_throughput_toks_per_s", "Average prefill throughput in tokens/s.",
             share(real(m.prompt_tokens), state.since_start_s));
  page.gauge("avg_generation_throughput_toks_per_s", "Average generation throughput in tokens/s.",
             share(real(m.generation_tokens), state.since_start_s));
  page.gauge("failed_request_perc", "Requests failure rate. 1 means 100 percent usage.",
             share(real(failed), real(m.received)));
  page.gauge("npu_cache_usage_perc", "NPU KV-cache usage. 1 means 100 percent usage.",
             cache_usage(m, state));
  page.gauge("cpu_cache_usage_perc", "CPU KV-cache usage. 1 means 100 percent usage.", 0);
  page.gauge("npu_prefix_cache_hit_rate", "NPU prefix cache block hit rate.",
             share(real(state.counts.prefix_hits), real(state.counts.prefix_queries)));
  page.histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.",
                 m.ttft_s);
  page.histogram("time_per_output_token_seconds", "Histogram of time per output token in seconds.",
                 m.itl_s);
  page.histogram("e2e_request_latency_seconds",
                 "Histogram of end to end request latency in seconds.", m.e2e_s);
  page.histogram("request_prompt_tokens", "Number of prefill tokens processed.", m.input_length);
  page.histogram("request_generation_tokens", "Number of generation tokens processed.",
                 m.output_length);
  return page.text();
}

}  // namespace tacho
