#include "cli/bench_plan.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "sim/step_time.h"

namespace tacho {
namespace {

constexpr double default_rate_seconds = 30.0;
constexpr std::uint32_t default_rate_requests_max = 1000;
constexpr std::uint32_t default_rate_requests_min = 20;
constexpr std::uint32_t default_inf_requests = 100;
/// Prompts made ready for a closed loop that runs for a time; a faster server begins the list
/// again, which is said.
constexpr double requests_per_stream_and_s = 4.0;
constexpr std::uint32_t default_random_input = 1024;  // vLLM's and GenAI-Perf's habits.
constexpr std::uint32_t default_output = 128;

/// A pair of lengths, or the dataset's own.
struct Lengths {
  std::optional<std::uint32_t> input, output;
  std::string label;
};

Result<std::string> plan_endpoint(const BenchOptions& o) {
  if (!o.endpoint_type.empty()) return o.endpoint_type;
  for (const std::string_view name : {"chat", "completions", "embeddings"}) {
    const std::string path = o.endpoint_path.empty() ? o.url : o.endpoint_path;
    if (path.ends_with(name == "chat" ? "chat/completions" : name)) return std::string(name);
  }
  if (o.api.empty()) return std::string("chat");
  // As vLLM's and SGLang's benches use these names; all of these servers have OpenAI's API.
  for (const std::string_view server : {"openai", "vllm", "sglang-oai", "sglang", "lmdeploy"}) {
    if (o.api == server) return std::string("completions");
    if (o.api == std::string(server) + "-chat") return std::string("chat");
    if (o.api == std::string(server) + "-embeddings") return std::string("embeddings");
  }
  return input_error(
      format("--backend {} is not spoken yet; if its server has an OpenAI API, use "
             "--backend openai or openai-chat",
             o.api));
}

Result<PromptSource> plan_source(const BenchOptions& o, std::vector<std::string>& notes) {
  PromptSource source;
  source.dataset_path = o.dataset;
  source.dataset_type = o.dataset_type;
  source.batch_size = o.batch_size;
  source.input_tokens_max = o.max_prompt_tokens;
  source.total_tokens_max = o.max_model_len;
  if (o.max_tokens > 0) {
    if (o.max_prompt_tokens == 0) {
      return input_error(
          "--max-tokens: of the answer (then say --output-tokens) or of prompt and answer together "
          "(then give --max-prompt-tokens too)?");
    }
    if (o.max_tokens <= o.max_prompt_tokens) {
      return input_error(
          format("--max-tokens {} leaves no room for an answer beside --max-prompt-tokens {}",
                 o.max_tokens, o.max_prompt_tokens));
    }
    source.total_tokens_max = o.max_tokens;
  }
  if (o.dataset_name == "sharegpt" || o.dataset_name == "custom") {
    if (source.dataset_type.empty() && o.dataset_name == "sharegpt")
      source.dataset_type = "sharegpt";
    if (source.dataset_path.empty()) {
      notes.push_back(
          format("no file was given for --dataset-name {}: the built-in conversations are used; "
                 "give one with --dataset-path FILE",
                 o.dataset_name));
      source.dataset_type.clear();
    }
  } else if (!o.dataset_name.empty() && o.dataset_name != "random") {
    return input_error(
        format("--dataset-name {} is not known; there are sharegpt, custom, random "
               "(any file: --dataset FILE)",
               o.dataset_name));
  }
  if (o.dataset_type == "random")
    return input_error("--dataset-type random: say --dataset-name random");
  return source;
}

Result<std::vector<Lengths>> plan_lengths(const BenchOptions& o, const PromptSource& source) {
  std::vector<std::uint32_t> in = o.input_tokens, out = o.output_tokens;
  if (o.dataset_name == "random" && in.empty()) in = {default_random_input};
  if (!in.empty() && out.empty()) out.assign(in.size(), default_output);
  const std::string name = source.dataset_path.empty()
                               ? "built-in"
                               : std::filesystem::path(source.dataset_path).stem().string();
  if (in.empty()) {
    if (out.size() > 1) {
      return input_error(format(
          "--output-tokens has {} values and --input-tokens none; they go in pairs", out.size()));
    }
    if (out.empty()) return std::vector<Lengths>{{std::nullopt, std::nullopt, name}};
    return std::vector<Lengths>{{std::nullopt, out[0], format("{}→{}", name, out[0])}};
  }
  if (in.size() != out.size()) {
    return input_error(
        format("--input-tokens has {} values and --output-tokens {}; they go in pairs", in.size(),
               out.size()));
  }
  std::vector<Lengths> pairs;
  for (std::size_t i = 0; i < in.size(); ++i) {
    pairs.push_back({in[i], out[i], format("{}→{}", in[i], out[i])});
  }
  return pairs;
}

Result<Arrivals> plan_arrivals(const BenchOptions& o, double rate) {
  Arrivals arrivals;
  arrivals.rate_per_s = rate;
  if (o.burstiness <= 0.0) return input_error("--burstiness must be positive");
  arrivals.gap_cv = 1.0 / std::sqrt(o.burstiness);
  if (o.ramp_strategy.empty()) return arrivals;
  if (o.ramp_strategy != "linear" && o.ramp_strategy != "exponential") {
    return input_error(
        format("--ramp-up-strategy is linear or exponential, not '{}'", o.ramp_strategy));
  }
  if (o.ramp_start_per_s <= 0.0 || o.ramp_end_per_s <= 0.0) {
    return input_error("a ramp needs --ramp-up-start-rps and --ramp-up-end-rps, both positive");
  }
  arrivals.ramp =
      o.ramp_strategy == "linear" ? Arrivals::Ramp::linear : Arrivals::Ramp::exponential;
  arrivals.ramp_start_per_s = o.ramp_start_per_s;
  arrivals.ramp_end_per_s = o.ramp_end_per_s;
  return arrivals;
}

PlannedCell new_cell(const BenchOptions& o, const Lengths& lengths, std::size_t id) {
  PlannedCell planned;
  planned.cell.id = static_cast<std::uint32_t>(id);
  planned.cell.input_tokens = lengths.input;
  planned.cell.output_tokens = lengths.output;
  planned.cell.lengths = lengths.label;
  planned.cell.warmup_requests = o.warmup;
  planned.cell.ignore_eos = (o.ignores_eos || (lengths.input && lengths.output)) && !o.heeds_eos;
  planned.duration_s = o.duration_s;
  return planned;
}

/// Beside rates, the numbers of prompts are the rates' own.
std::uint32_t static_requests(const BenchOptions& o, std::uint32_t concurrency) {
  const bool is_for_rates = !o.request_rate.empty();
  if (!o.num_prompts.empty() && !is_for_rates) return o.num_prompts[0];
  const double by_time = std::min(o.duration_s * requests_per_stream_and_s * concurrency, 50'000.0);
  const std::uint64_t by_epochs = std::uint64_t{o.epochs} * concurrency;
  return std::max(static_cast<std::uint32_t>(std::min<std::uint64_t>(by_epochs, UINT32_MAX)),
                  static_cast<std::uint32_t>(by_time));
}

std::uint32_t dynamic_requests(const BenchOptions& o, double rate, std::size_t index) {
  if (!o.num_prompts.empty()) return o.num_prompts[std::min(index, o.num_prompts.size() - 1)];
  if (std::isinf(rate)) return default_inf_requests;
  const double seconds = o.duration_s > 0.0 ? 1.2 * o.duration_s + 10.0 : default_rate_seconds;
  const double requests = std::ceil(rate * seconds);
  if (o.duration_s > 0.0) return static_cast<std::uint32_t>(std::min(requests, 1e6));
  return std::clamp(static_cast<std::uint32_t>(std::min(requests, 1e6)), default_rate_requests_min,
                    default_rate_requests_max);
}

/// Which loads were asked for: with neither, GenAI-Perf's habit (one stream) or, given a number of
/// prompts, vLLM's (all at once).
struct Loads {
  std::vector<std::uint32_t> concurrency;
  std::vector<double> rates;
  std::uint32_t cap = 0;
};

Result<Loads> plan_loads(const BenchOptions& o) {
  Loads loads{o.concurrency, o.request_rate, 0};
  if (o.ramp_strategy.empty() && (o.ramp_start_per_s != 0.0 || o.ramp_end_per_s != 0.0)) {
    return input_error(
        "--ramp-up-start-rps and --ramp-up-end-rps need --ramp-up-strategy linear or exponential");
  }
  if (!o.ramp_strategy.empty()) {
    if (!loads.rates.empty())
      return input_error("--request-rate and --ramp-up-strategy exclude each other");
    loads.rates = {o.ramp_end_per_s > 0 ? o.ramp_end_per_s : 1.0};
  }
  if (o.max_concurrency > 0) {
    if (!loads.concurrency.empty())
      return input_error("--concurrency and --max-concurrency exclude each other");
    if (loads.rates.empty()) loads.concurrency = {o.max_concurrency};
    if (!loads.rates.empty()) loads.cap = o.max_concurrency;
  }
  if (loads.concurrency.empty() && loads.rates.empty()) {
    if (o.num_prompts.empty() || o.speaks_genai_perf()) {
      loads.concurrency = {1};
    } else {
      loads.rates = {INFINITY};
    }
  }
  if (o.num_prompts.size() > 1 && o.num_prompts.size() != loads.rates.size()) {
    return input_error(format("--num-prompts has {} values and --request-rate {}; they go in pairs",
                              o.num_prompts.size(), loads.rates.size()));
  }
  return loads;
}

Status plan_cells(const BenchOptions& o, BenchPlan& plan) {
  auto loads = plan_loads(o);
  if (!loads) return loads.error();
  auto lengths = plan_lengths(o, plan.source);
  if (!lengths) return lengths.error();
  // Beside a static grid, which takes the pairs of lengths, rates send the dataset as it is: that
  // is what the dynamic test of the Ascend suite is for. Rates alone take the pairs.
  BenchOptions natural = o;
  natural.input_tokens.clear();
  natural.output_tokens.clear();
  const bool has_both =
      !loads->concurrency.empty() && !loads->rates.empty() && o.dataset_name != "random";
  auto dynamic_lengths = plan_lengths(has_both ? natural : o, plan.source);
  if (!dynamic_lengths) return dynamic_lengths.error();
  for (const Lengths& pair : *lengths) {
    for (const std::uint32_t concurrency : loads->concurrency) {
      PlannedCell planned = new_cell(o, pair, plan.cells.size());
      planned.cell.concurrency = concurrency;
      planned.cell.requests = static_requests(o, concurrency);
      planned.repeats = o.duration_s > 0.0 && o.num_prompts.empty();
      plan.cells.push_back(std::move(planned));
    }
  }
  for (const Lengths& pair : *dynamic_lengths) {
    for (std::size_t i = 0; i < loads->rates.size(); ++i) {
      PlannedCell planned = new_cell(o, pair, plan.cells.size());
      auto arrivals = plan_arrivals(o, loads->rates[i]);
      if (!arrivals) return arrivals.error();
      planned.arrivals = *arrivals;
      planned.cell.is_static = false;
      planned.cell.request_rate = loads->rates[i];
      if (arrivals->ramp != Arrivals::Ramp::none) planned.cell.ramp_start_rate = o.ramp_start_per_s;
      if (loads->cap > 0) planned.cell.concurrency = loads->cap;
      planned.cell.requests = dynamic_requests(o, loads->rates[i], i);
      plan.cells.push_back(std::move(planned));
    }
  }
  return Nothing{};
}

/// "ttft:200", and the names that other tools use for the same.
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

/// Above these bounds a slip of the hand is likelier than a plan, and no memory would hold it.
Status check_sizes(const BenchOptions& o, const BenchPlan& plan) {
  constexpr std::uint32_t requests_max = 1'000'000, streams_max = 100'000, tokens_max = 10'000'000,
                          threads_max = 1024;
  for (const PlannedCell& planned : plan.cells) {
    const Cell& cell = planned.cell;
    const std::uint64_t requests = std::uint64_t{cell.requests} + cell.warmup_requests;
    if (requests > requests_max || requests * o.batch_size > requests_max) {
      return input_error(format(
          "{}: {} prompts are more than the {} that a cell may hold; --duration goes through a "
          "shorter list again",
          cell_label(cell), requests * o.batch_size, requests_max));
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
  if (o.request_timeout_s <= 0.0) return input_error("--request-timeout must be more than 0");
  return Nothing{};
}

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
  if (StepTime(*gpu, *model, o.tensor_parallel).kv_tokens() > 0) return Nothing{};
  return input_error(
      format("{} does not fit into {} × {}; raise --tp", model->id, o.tensor_parallel, gpu->name));
}

Status check_pairs(const BenchOptions& o) {
  if (!o.sim.empty() && (!o.url.empty() || !o.host.empty())) {
    return input_error("--sim starts its own server; leave --url and --host out");
  }
  if (!o.sim.empty()) {
    if (auto status = check_sim(o); !status) return status;
  }
  if (!o.url.empty() && !o.host.empty()) return input_error("--url and --host exclude each other");
  if (!o.service_kind.empty() && o.service_kind != "openai") {
    return input_error(format("--service-kind {} is not spoken yet; openai is", o.service_kind));
  }
  if (o.ignores_eos && o.heeds_eos)
    return input_error("--ignore-eos and --no-ignore-eos exclude each other");
  return check_percentiles(o);
}

}  // namespace

Result<BenchPlan> plan_bench(const BenchOptions& options) {
  if (auto status = check_pairs(options); !status) return status.error();
  BenchPlan plan;
  auto endpoint = plan_endpoint(options);
  if (!endpoint) return endpoint.error();
  plan.endpoint = *endpoint;
  auto source = plan_source(options, plan.notes);
  if (!source) return source.error();
  plan.source = *source;
  if (auto status = plan_cells(options, plan); !status) return status.error();
  if (auto status = check_sizes(options, plan); !status) return status.error();
  for (const auto& text : options.goodput) {
    auto slo = parse_slo(text);
    if (!slo) return slo.error();
    plan.slos.push_back(*slo);
  }
  return plan;
}

std::string plan_text(const BenchPlan& plan) {
  std::string out =
      format("endpoint   {}\nprompts    {}\n", plan.endpoint,
             plan.source.dataset_path.empty() ? "built-in" : plan.source.dataset_path);
  if (!plan.source.dataset_type.empty()) out += format("type       {}\n", plan.source.dataset_type);
  if (plan.source.input_tokens_max > 0)
    out += format("prompts of at most {} tokens\n", plan.source.input_tokens_max);
  if (plan.source.total_tokens_max > 0) {
    out += format("prompt and answer of at most {} tokens\n", plan.source.total_tokens_max);
  }
  if (plan.source.batch_size > 1)
    out += format("batch      {} texts a request\n", plan.source.batch_size);
  for (const Slo& slo : plan.slos)
    out += format("goodput    {} <= {}\n", slo.metric, format_significant(slo.limit));
  for (const PlannedCell& planned : plan.cells) {
    out += format(
        "cell {:<4}  {:<7}  {}  {} requests{}{}{}{}\n", planned.cell.id,
        planned.cell.is_static ? "static" : "dynamic", cell_label(planned.cell),
        planned.cell.requests, planned.repeats ? " and on" : "",
        planned.duration_s > 0 ? format(", at most {} s", format_significant(planned.duration_s))
                               : "",
        planned.cell.ignore_eos ? ", ignore_eos" : "",
        planned.arrivals.ramp != Arrivals::Ramp::none
            ? format(", ramp from {} to {}", format_significant(planned.arrivals.ramp_start_per_s),
                     format_significant(planned.arrivals.ramp_end_per_s))
            : "");
  }
  for (const auto& note : plan.notes) out += format("note: {}\n", note);
  return out;
}

}  // namespace tacho
