#include "cli/bench_plan.h"

#include <filesystem>

#include "base/text.h"
#include "cli/plan_cells.h"
#include "cli/plan_checks.h"
#include "cli/plan_loads.h"
#include "cli/plan_rules.h"
#include "cli/slo_flags.h"

namespace tacho {
namespace {

constexpr std::uint32_t default_random_input = 1024;  // vLLM's and GenAI-Perf's habits.
constexpr std::uint32_t default_output = 128;

Result<std::string> plan_endpoint(const BenchOptions& o) {
  if (!o.endpoint_type.empty()) return o.endpoint_type;
  for (const std::string_view name : {"chat", "completions", "embeddings"}) {
    const std::string& path =
        o.endpoint_path.empty() && !o.urls.empty() ? o.urls.front() : o.endpoint_path;
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

Status plan_cells(const BenchOptions& o, BenchPlan& plan) {
  auto loads = plan_loads(o);
  if (!loads) return loads.error();
  if (o.is_fixed_schedule) return add_replay(o, *loads, plan);
  auto lengths = plan_lengths(o, plan.source);
  if (!lengths) return lengths.error();
  // Beside a static grid, which takes the pairs of lengths, rates send the dataset as it is: that
  // is what the dynamic test of the Ascend suite is for. Rates alone take the pairs.
  BenchOptions natural = o;
  natural.input_tokens.clear();
  natural.output_tokens.clear();
  const bool has_closed = !loads->concurrency.empty() || !loads->users.empty();
  const bool has_both = has_closed && !loads->rates.empty() && o.dataset_name != "random";
  auto dynamic_lengths = plan_lengths(has_both ? natural : o, plan.source);
  if (!dynamic_lengths) return dynamic_lengths.error();
  for (const Lengths& pair : *lengths) add_closed_loops(o, *loads, pair, plan);
  for (const Lengths& pair : *dynamic_lengths) {
    if (auto status = add_open_loops(o, *loads, pair, plan); !status) return status;
  }
  return Nothing{};
}

}  // namespace

Result<BenchPlan> plan_bench(const BenchOptions& options) {
  if (auto status = check_options(options); !status) return status.error();
  BenchPlan plan;
  auto endpoint = plan_endpoint(options);
  if (!endpoint) return endpoint.error();
  plan.endpoint = *endpoint;
  auto source = plan_source(options, plan.notes);
  if (!source) return source.error();
  plan.source = *source;
  if (auto status = plan_cells(with_bounds(options), plan); !status) return status.error();
  if (auto status = check_sizes(options, plan); !status) return status.error();
  auto rules = plan_rules(options);
  if (!rules) return rules.error();
  plan.rules = *rules;
  if (auto status = plan_slos(options, plan); !status) return status.error();
  return plan;
}

}  // namespace tacho
