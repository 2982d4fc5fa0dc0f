#include "cli/plan_checks.h"

#include <algorithm>

#include "base/text.h"
#include "sim/step_time.h"

namespace tacho {
namespace {

Status check_percentiles(const BenchOptions& o) {
  for (const auto& text : o.metric_percentiles) {
    const auto percent = parse_number(text);
    if (!percent || *percent <= 0.0 || *percent > 100.0) {
      return input_error(format("--metric-percentiles: '{}' is not between 0 and 100", text));
    }
  }
  for (const auto& metric : o.percentile_metrics) {
    if (metric != "ttft" && metric != "tpot" && metric != "itl" && metric != "e2el") {
      return input_error(
          format("--percentile-metrics: '{}' is none of ttft, tpot, itl, e2el", metric));
    }
  }
  return Nothing{};
}

/// Before anything is started, so that the one line comes from here and not from the child.
Status check_sim(const BenchOptions& o) {
  const auto slash = o.sim.find('/');
  if (slash == std::string::npos) {
    return input_error(format("--sim '{}': write GPU/MODEL, such as h800/llama-3-8b", o.sim));
  }
  const auto gpu = find_gpu(o.sim.substr(0, slash));
  if (!gpu) return gpu.error();
  const auto model = find_model(o.sim.substr(slash + 1));
  if (!model) return model.error();
  return check_fit(*gpu, *model,
                   {.tensor_parallel = o.tensor_parallel, .precision = model->precision});
}

}  // namespace

Status check_options(const BenchOptions& o) {
  if (!o.sim.empty() && (!o.urls.empty() || !o.host.empty() || !o.unix_socket.empty())) {
    return input_error("--sim starts its own server; leave --url, --host and --unix-socket out");
  }
  if (!o.sim.empty()) {
    if (auto status = check_sim(o); !status) return status;
  }
  if (o.stamps != "auto" && o.stamps != "tap" && o.stamps != "socket") {
    return input_error(format("--stamps is auto, socket or tap, not '{}'", o.stamps));
  }
  if (!o.urls.empty() && !o.host.empty()) return input_error("--url and --host exclude each other");
  if (!o.service_kind.empty() && o.service_kind != "openai") {
    return input_error(format("--service-kind {} is not spoken yet; openai is", o.service_kind));
  }
  if (o.ignores_eos && o.heeds_eos)
    return input_error("--ignore-eos and --no-ignore-eos exclude each other");
  return check_percentiles(o);
}

Status check_sizes(const BenchOptions& o, const BenchPlan& plan) {
  constexpr std::uint32_t streams_max = 100'000, tokens_max = 10'000'000, threads_max = 1024;
  for (const PlannedCell& planned : plan.cells) {
    const Cell& cell = planned.cell;
    const std::uint64_t requests = std::uint64_t{cell.requests} + cell.warmup_requests;
    if (!cell.is_static && o.num_prompts.empty() && cell.requests > cell_requests_max) {
      return input_error(
          format("{}: more than the {} requests that a cell may hold; give a shorter --duration or "
                 "a lower rate, or say how many with --num-prompts",
                 cell_label(cell), cell_requests_max));
    }
    if (requests > cell_requests_max || requests * o.batch_size > cell_requests_max) {
      return input_error(format(
          "{}: {} prompts are more than the {} that a cell may hold; --duration goes through a "
          "shorter list again",
          cell_label(cell), requests * o.batch_size, cell_requests_max));
    }
    if (cell.concurrency.value_or(0) > streams_max) {
      return input_error(format("{}: more than {} streams", cell_label(cell), streams_max));
    }
    if (std::max(cell.input_tokens.value_or(0), cell.output_tokens.value_or(0)) > tokens_max) {
      return input_error(format("{}: more than {} tokens", cell_label(cell), tokens_max));
    }
  }
  if (o.threads > threads_max)
    return input_error(format("--threads {}: at most {}", o.threads, threads_max));
  return Nothing{};
}

Result<Slo> parse_slo(const std::string& text) {
  const auto colon = text.find_first_of(":<=");
  const auto value_at = text.find_first_not_of(":<=", colon);
  const auto limit = colon == std::string::npos || value_at == std::string::npos
                         ? std::nullopt
                         : parse_number(std::string_view(text).substr(value_at));
  if (!limit || *limit <= 0.0) {
    return input_error(
        format("--goodput '{}': write a metric and milliseconds, such as ttft:200", text));
  }
  const std::string name = text.substr(0, colon);
  for (const auto& [typed, key] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"ttft", "ttft_ms"},
           {"time_to_first_token", "ttft_ms"},
           {"ttft_from_due", "ttft_from_due_ms"},
           {"ttfo", "ttfo_ms"},
           {"tpot", "tpot_ms"},
           {"inter_token_latency", "tpot_ms"},
           {"e2e", "e2e_ms"},
           {"e2el", "e2e_ms"},
           {"request_latency", "e2e_ms"},
           {"e2e_from_due", "e2e_from_due_ms"}}) {
    if (name == typed || name == key) return Slo{std::string(key), *limit};
  }
  return input_error(format(
      "--goodput: '{}' is no metric; there are ttft, ttfo, tpot, e2e, ttft_from_due, e2e_from_due",
      name));
}

}  // namespace tacho
