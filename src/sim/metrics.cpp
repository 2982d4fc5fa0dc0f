#include "sim/metrics.h"

#include <algorithm>

#include "base/text.h"

namespace tacho {
namespace {

// The bounds are vLLM's, so that quantiles computed from them compare.
const std::vector<double> ttft_bounds{0.001, 0.005, 0.01, 0.02,  0.04,  0.06,  0.08, 0.1,
                                      0.25,  0.5,   0.75, 1.0,   2.5,   5.0,   7.5,  10.0,
                                      20.0,  40.0,  80.0, 160.0, 640.0, 2560.0};
const std::vector<double> itl_bounds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
                                     0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
const std::vector<double> request_bounds{0.3,  0.5,   0.8,   1.0,   1.5,   2.0,   2.5,
                                         5.0,  10.0,  15.0,  20.0,  30.0,  40.0,  50.0,
                                         60.0, 120.0, 240.0, 480.0, 960.0, 1920.0};

/// How requests ended.
template <class Labels>
void append_finished(PrometheusPage& page, const std::vector<EngineMetrics>& engines,
                     const Labels& labels) {
  page.family("vllm:request_success_total", "Count of successfully processed requests.", "counter");
  for (const EngineMetrics& one : engines) {
    const SimMetrics& m = *one.metrics;
    const auto finished = [&](std::string_view reason, std::uint64_t count) {
      page.sample("vllm:request_success_total",
                  labels(one, format(",finished_reason=\"{}\"", reason)),
                  static_cast<double>(count));
    };
    finished("stop", m.finished_stop);
    finished("length", m.finished_length);
    finished("abort", m.finished_abort);
    finished("error", m.finished_error);
  }
}

}  // namespace

SimMetrics::SimMetrics()
    : ttft_s(ttft_bounds), itl_s(itl_bounds), e2e_s(request_bounds), queue_s(request_bounds) {}

std::string metrics_page(const std::vector<EngineMetrics>& engines, const std::string& model) {
  std::string escaped;
  append_json_escaped(escaped, model);
  PrometheusPage page;
  const auto labels = [&](const EngineMetrics& one, std::string_view more = "") {
    return format("engine=\"{}\",model_name=\"{}\"{}", one.index, escaped, more);
  };
  const auto family = [&](std::string_view name, std::string_view help, std::string_view type,
                          const auto& value_of) {
    page.family(name, help, type);
    for (const EngineMetrics& one : engines) {
      page.sample(name, labels(one), static_cast<double>(value_of(one)));
    }
  };
  const auto counter = [&](std::string_view name, std::string_view help, const auto& value_of) {
    family(name, help, "counter", value_of);
  };
  const auto histogram = [&](std::string_view name, std::string_view help,
                             BucketHistogram SimMetrics::*which) {
    page.family(name, help, "histogram");
    for (const EngineMetrics& one : engines) page.buckets(name, labels(one), one.metrics->*which);
  };
  using One = EngineMetrics;
  family("vllm:num_requests_running", "Number of requests in model execution batches.", "gauge",
         [](const One& one) { return one.running; });
  family("vllm:num_requests_waiting", "Number of requests waiting to be processed.", "gauge",
         [](const One& one) { return one.waiting; });
  family("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", "gauge",
         [](const One& one) { return one.kv_share; });
  counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.",
          [](const One& one) { return one.metrics->prompt_tokens; });
  counter("vllm:generation_tokens_total", "Number of generation tokens processed.",
          [](const One& one) { return one.metrics->generation_tokens; });
  append_finished(page, engines, labels);
  counter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.",
          [](const One& one) { return one.counts.preemptions; });
  counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in queried tokens.",
          [](const One& one) { return one.counts.prefix_queries; });
  counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in cached tokens.",
          [](const One& one) { return one.counts.prefix_hits; });
  counter("vllm:iterations_total", "Number of engine steps.",
          [](const One& one) { return one.counts.steps; });
  if (std::any_of(engines.begin(), engines.end(),
                  [](const One& one) { return one.counts.drafts > 0; })) {
    counter("vllm:spec_decode_num_drafts_total", "Number of spec decoding drafts.",
            [](const One& one) { return one.counts.drafts; });
    counter("vllm:spec_decode_num_draft_tokens_total", "Number of draft tokens.",
            [](const One& one) { return one.counts.draft_tokens; });
    counter("vllm:spec_decode_num_accepted_tokens_total", "Number of accepted tokens.",
            [](const One& one) { return one.counts.accepted_tokens; });
  }
  histogram("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.",
            &SimMetrics::ttft_s);
  histogram("vllm:inter_token_latency_seconds", "Histogram of inter-token time in seconds.",
            &SimMetrics::itl_s);
  histogram("vllm:e2e_request_latency_seconds", "Histogram of end to end time in seconds.",
            &SimMetrics::e2e_s);
  histogram("vllm:request_queue_time_seconds", "Histogram of time spent waiting.",
            &SimMetrics::queue_s);
  return page.text();
}

}  // namespace tacho
