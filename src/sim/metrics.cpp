#include "sim/metrics.h"

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

}  // namespace

SimMetrics::SimMetrics()
    : ttft_s(ttft_bounds), itl_s(itl_bounds), e2e_s(request_bounds), queue_s(request_bounds) {}

std::string SimMetrics::page(const Engine& engine, const std::string& model,
                             std::size_t others) const {
  std::string escaped;
  append_json_escaped(escaped, model);
  PrometheusPage page(format("engine=\"0\",model_name=\"{}\"", escaped));
  const auto real = [](std::uint64_t value) { return static_cast<double>(value); };
  page.gauge("vllm:num_requests_running", "Number of requests in model execution batches.",
             real(engine.running() + others));
  page.gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.",
             real(engine.waiting()));
  page.gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.",
             real(engine.kv_used()) / real(std::max<std::uint64_t>(1, engine.kv_total())));
  page.counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.",
               real(prompt_tokens));
  page.counter("vllm:generation_tokens_total", "Number of generation tokens processed.",
               real(generation_tokens));
  page.counter("vllm:request_success_total", "Count of successfully processed requests.",
               real(finished_stop), "finished_reason=\"stop\"");
  page.more("vllm:request_success_total", real(finished_length), "finished_reason=\"length\"");
  page.more("vllm:request_success_total", real(finished_abort), "finished_reason=\"abort\"");
  page.more("vllm:request_success_total", real(finished_error), "finished_reason=\"error\"");
  const SchedulerCounts& counts = engine.counts();
  page.counter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.",
               real(counts.preemptions));
  page.counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in queried tokens.",
               real(counts.prefix_queries));
  page.counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in cached tokens.",
               real(counts.prefix_hits));
  page.counter("vllm:iterations_total", "Number of engine steps.", real(engine.steps()));
  page.histogram("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.",
                 ttft_s);
  page.histogram("vllm:inter_token_latency_seconds", "Histogram of inter-token time in seconds.",
                 itl_s);
  page.histogram("vllm:e2e_request_latency_seconds", "Histogram of end to end time in seconds.",
                 e2e_s);
  page.histogram("vllm:request_queue_time_seconds", "Histogram of time spent waiting.", queue_s);
  return page.text();
}

}  // namespace tacho
