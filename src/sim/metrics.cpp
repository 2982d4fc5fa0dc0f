#include "sim/metrics.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/text.h"

namespace tacho {
namespace {

using Bounds = std::vector<double>;

constexpr std::array<std::pair<std::string_view, MetricsDialect>, 6> dialects{{
    {"vllm", MetricsDialect::vllm},
    {"sglang", MetricsDialect::sglang},
    {"tgi", MetricsDialect::tgi},
    {"llamacpp", MetricsDialect::llamacpp},
    {"triton", MetricsDialect::triton},
    {"mindie", MetricsDialect::mindie},
}};

/// The bounds of a server's histograms.
struct AllBounds {
  Bounds ttft, itl, request;  ///< In seconds.
  Bounds input, output;       ///< In tokens.
};

/// 1, 2, 5, 10 ... up to `most` (vLLM's build_1_2_5_buckets).
Bounds one_two_five(double most) {
  Bounds bounds;
  for (double decade = 1.0;; decade *= 10.0) {
    for (const double mantissa : {1.0, 2.0, 5.0}) {
      if (mantissa * decade > most) return bounds;
      bounds.push_back(mantissa * decade);
    }
  }
}

AllBounds vllm_bounds(double context) {
  return {{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,  0.25,  0.5,   0.75,
           1.0,   2.5,   5.0,  7.5,  10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0},
          {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
           20.0, 40.0, 80.0},
          {0.3,  0.5,  0.8,  1.0,  1.5,   2.0,   2.5,   5.0,   10.0,   15.0,  20.0,
           30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0},
          one_two_five(context),
          one_two_five(context)};
}

AllBounds sglang_bounds() {
  return {{0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400},
          {0.002, 0.004, 0.006, 0.008, 0.010, 0.015, 0.020, 0.025, 0.030, 0.035, 0.040, 0.060,
           0.080, 0.100, 0.200, 0.400, 0.600, 0.800, 1.000, 2.000, 4.000, 6.000, 8.000},
          {0.1, 0.2, 0.4, 0.6, 0.8, 1,   2,   4,   6,    8,    10,
           20,  40,  60,  80,  100, 200, 400, 600, 1200, 1800, 2400},
          one_two_five(100'000),
          one_two_five(100'000)};
}

/// Times in a geometric row, lengths in a hundred equal steps.
AllBounds tgi_bounds(double context) {
  Bounds times, lengths;
  for (double value = 0.0001; times.size() < 35;) times.push_back(value *= 1.5);
  for (int i = 1; i <= 100; ++i) lengths.push_back(context / 100.0 * i);
  return {times, times, times, lengths, lengths};
}

AllBounds mindie_bounds() {
  return {
      {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0},
      {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5},
      {1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0},
      {10, 50, 100, 200, 500, 1000, 2000, 5000, 10000},
      {10, 50, 100, 200, 500, 1000, 2000, 5000, 10000}};
}

AllBounds bounds_of(const MetricsSetting& setting) {
  switch (setting.dialect) {
    case MetricsDialect::sglang:
      return sglang_bounds();
    case MetricsDialect::tgi:
      return tgi_bounds(setting.context_max);
    case MetricsDialect::mindie:
      return mindie_bounds();
    default:
      return vllm_bounds(setting.context_max);
  }
}

double between(Instant from, Instant to) { return to_s(to - from); }

}  // namespace

Result<MetricsDialect> parse_dialect(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& [name, dialect] : dialects) {
    if (name == text) return dialect;
    names.emplace_back(name);
  }
  return input_error(format("--dialect is one of {}, not '{}'", join(names, ", "), text));
}

SimMetrics::SimMetrics(MetricsSetting of)
    : setting(std::move(of)),
      ttft_s(bounds_of(setting).ttft),
      itl_s(bounds_of(setting).itl),
      tpot_s(itl_s),
      e2e_s(bounds_of(setting).request),
      queue_s(e2e_s),
      inference_s(e2e_s),
      prefill_s(e2e_s),
      decode_s(e2e_s),
      input_length(bounds_of(setting).input),
      output_length(bounds_of(setting).output),
      output_limit(output_length),
      computed_length(input_length),
      step_tokens({1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384}),
      preemptions({1, 2, 3, 4, 5, 10, 20}),
      choices({1, 2, 5, 10, 20}) {}

void SimMetrics::first_token(Instant at, Instant planned, std::uint32_t input_tokens,
                             std::uint32_t cached) {
  prompt_tokens += input_tokens;
  cached_tokens += cached;
  ttft_s.observe(between(at, planned));
}

void SimMetrics::token(Instant planned, std::uint32_t prompt) {
  ++generation_tokens;
  if (planned != step_) end_step();
  step_ = planned;
  in_step_ += 1 + prompt;
}

void SimMetrics::end_step() {
  if (in_step_ > 0) step_tokens.observe(in_step_);
  in_step_ = 0;
}

void SimMetrics::finished(const FinishedRequest& r) {
  ++(r.ended_by_length ? finished_length : finished_stop);
  const double decode = between(r.first_token, r.last_token);
  e2e_s.observe(between(r.received, r.last_token));
  queue_s.observe(between(r.queued, r.scheduled));
  inference_s.observe(between(r.scheduled, r.last_token));
  prefill_s.observe(between(r.scheduled, r.first_token));
  decode_s.observe(decode);
  tpot_s.observe(r.output_tokens > 1 ? decode / (r.output_tokens - 1) : 0.0);
  input_length.observe(r.input_tokens);
  output_length.observe(r.output_tokens);
  output_limit.observe(r.output_tokens_max);
  computed_length.observe(r.input_tokens - r.cached_tokens);
  preemptions.observe(r.preemptions);
  choices.observe(1);
  sequence_max = std::max(sequence_max, r.input_tokens + r.output_tokens);
  prefill_sum_s += between(r.scheduled, r.first_token);
  decode_sum_s += decode;
}

void SimMetrics::add(const SimMetrics& other) {
  for (const auto count :
       {&SimMetrics::prompt_tokens, &SimMetrics::cached_tokens, &SimMetrics::generation_tokens,
        &SimMetrics::received, &SimMetrics::finished_stop, &SimMetrics::finished_length,
        &SimMetrics::finished_abort, &SimMetrics::finished_error, &SimMetrics::rejected})
    this->*count += other.*count;
  for (const auto histogram :
       {&SimMetrics::ttft_s, &SimMetrics::itl_s, &SimMetrics::tpot_s, &SimMetrics::e2e_s,
        &SimMetrics::queue_s, &SimMetrics::inference_s, &SimMetrics::prefill_s,
        &SimMetrics::decode_s, &SimMetrics::input_length, &SimMetrics::output_length,
        &SimMetrics::output_limit, &SimMetrics::computed_length, &SimMetrics::step_tokens,
        &SimMetrics::preemptions, &SimMetrics::choices})
    (this->*histogram).add(other.*histogram);
  sequence_max = std::max(sequence_max, other.sequence_max);
  prefill_sum_s += other.prefill_sum_s;
  decode_sum_s += other.decode_sum_s;
  setting.blocks += other.setting.blocks;
}

std::string metrics_page(const std::vector<EngineMetrics>& engines) {
  for (const EngineMetrics& one : engines) one.metrics->end_step();
  // Only vLLM's page has more than one engine; the others stand for all of them together.
  SimMetrics all = *engines.front().metrics;
  MetricsState state = engines.front().state;
  for (const EngineMetrics& one : std::span(engines).subspan(1)) {
    all.add(*one.metrics);
    state.running += one.state.running;
    state.waiting += one.state.waiting;
    state.blocks_used += one.state.blocks_used;
    state.counts += one.state.counts;
  }
  switch (all.setting.dialect) {
    case MetricsDialect::sglang:
      return sglang_page(all, state);
    case MetricsDialect::tgi:
      return tgi_page(all, state);
    case MetricsDialect::llamacpp:
      return llamacpp_page(all, state);
    case MetricsDialect::triton:
      return triton_page(all, state);
    case MetricsDialect::mindie:
      return mindie_page(all, state);
    case MetricsDialect::vllm:
      break;
  }
  return vllm_page(engines);
}

}  // namespace tacho
