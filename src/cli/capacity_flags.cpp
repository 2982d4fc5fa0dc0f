// The flags of `tacho plan`, and the question that they ask.
#include <algorithm>
#include <thread>

#include "base/text.h"
#include "cli/capacity.h"
#include "cli/slo_flags.h"

namespace tacho {
namespace {

void add_load_flags(FlagTable& t, CapacityFlags& f) {
  t.group("Load");
  t.number({"--request-rate", "--rate"}, "R", f.rate,
           "Requests/s of all replicas together, as a Poisson process.");
  t.integers({"--users", "--concurrency"}, "N", f.users,
             "Users who wait for each answer and ask again, instead of a rate. Without --slo, each "
             "of several numbers is a column.");
  t.duration({"--think", "--think-time"}, f.think_s,
             "How long users think between an answer and the next request. [default: 0]");
  t.integers({"--input-tokens", "--isl", "--prompt-tokens", "--input-len"}, "N,N,…", f.input_tokens,
             "Tokens of the prompts; several are equally likely, each with its output.");
  t.integers({"--output-tokens", "--osl", "--output-len"}, "N,N,…", f.output_tokens,
             "Tokens of the answers.");
  t.text({"--dataset", "--dataset-path"}, "FILE", f.dataset,
         "Lengths of a dataset's prompts and answers instead, counted by the built-in tokenizer; "
         "built-in is the one that comes with tacho.");
  t.text({"--dataset-type"}, "TYPE", f.dataset_type,
         "sharegpt, alpaca, jsonl or custom. [default: by looking]");
  t.integer({"--max-tokens"}, "N", f.max_tokens,
            "No answer is longer than this. [default: as it is]");
  t.text({"--trace"}, "FILE", f.trace,
         "Times and lengths of a trace instead: JSON lines with timestamp, input_length and "
         "output_length, or the CSV of Azure's traces. With a rate, at that rate.");
  t.number({"--replay-speedup", "--speedup"}, "X", f.speedup,
           "The trace so many times as fast. [default: 1]");
  t.repeated({"--slo"}, "BOUND", f.slos,
             "A bound such as 'p99 ttft < 1s', 'p99 tpot < 50' (ms) or 'p95 e2e < 20s'; given once "
             "for each. Without one, single replicas are compared and nothing is planned.");
}

void add_grid_flags(FlagTable& t, CapacityFlags& f) {
  t.group("What is tried");
  t.text(
      {"--preset"}, "NAME", f.preset,
      "seed-003: a published comparison of RTX 4090, A800, H800 and H20, with its server's flags "
      "and sampling, one user and many. Other flags change it.");
  t.text({"--model"}, "MODEL", f.model,
         "Model profile, such as llama-3-70b, or a config.json of Hugging Face.");
  t.texts({"--gpu"}, "GPU,…", f.gpus,
          "Hardware profiles, or files of one. [default: all that have a price]");
  t.texts({"--precision", "--quantization"}, "P,…", f.precisions,
          "Of the weights: bf16, fp8, int8, int4, fp4. [default: as published, and 8 bit]");
  t.integers({"--tp", "--tensor-parallel-size"}, "N,N,…", f.tensor_parallel,
             "GPUs of one replica. [default: 1,2,4,8]");
  t.integers({"--max-num-seqs"}, "N,N,…", f.max_num_seqs, "Sequences in a batch. [default: 256]");
  t.integers({"--max-num-batched-tokens"}, "N,N,…", f.max_num_batched_tokens,
             "Tokens in a step. [default: 2048,8192]");
  t.text({"--kv-precision", "--kv-cache-dtype"}, "P", f.kv_precision,
         "Of the KV cache: auto (16 bit), fp8, int8. [default: auto]");
  t.integer({"--num-gpu-blocks", "--num-gpu-blocks-override"}, "N", f.num_gpu_blocks,
            "Size of each replica's cache in blocks of 16 tokens. [default: what the memory has "
            "room for]");
  t.text({"--engine"}, "ENGINE", f.engine,
         "Whose host times and kernels: vllm, sglang, trtllm, or a FILE.json. [default: vllm]");
  t.text({"--batching"}, "HOW", f.batching,
         "How a step is put together: vllm, sglang or prefill-first, as in tacho sim. [default: "
         "vllm]");
  t.toggle({"--no-chunked-prefill"}, f.has_chunked_prefill, "Read each prompt in one step.", false);
  t.toggle({"--eager", "--enforce-eager"}, f.is_eager,
           "Kernels are launched one by one instead of as recorded graphs.");
  t.integer({"--max-gpus"}, "N", f.gpus_max, "No more than this of one kind. [default: 1024]", 1,
            100'000);
}

void add_output_flags(FlagTable& t, CapacityFlags& f) {
  t.group("Cost and output");
  t.text({"--prices"}, "FILE", f.prices,
         "Prices in the form of data/profiles/prices.json. [default: those built in, with their "
         "dates]");
  t.integer({"--top"}, "N", f.top, "Choices in the table. [default: 10]", 1, 1000);
  t.integer({"--requests"}, "N", f.requests,
            "Requests of one replica in each trial; the choice is checked with six times as many. "
            "[default: 1000]",
            100, 1'000'000);
  t.duration({"--duration"}, f.duration_s,
             "How long each point of a comparison lasts, in virtual time. [default: 10m]");
  t.integer({"--seed"}, "N", f.seed, "Seed of arrivals and lengths. [default: 0]");
  t.integer({"--threads"}, "N", f.threads, "Threads. [default: cores]", 0, 1024);
  t.integer({"--check-requests"}, "N", f.check_requests,
            "Requests of the tacho bench command that is printed. [default: a minute of them, 200 "
            "to 1000]",
            1, 1'000'000);
  t.text({"--share-out"}, "FILE", f.share_out,
         "Write the requests of that command as a trace: where lengths vary, they cannot be said "
         "in flags.");
  t.text({"--html"}, "FILE", f.html, "Also write the plan as one page that opens from disk.");
  t.toggle({"--json"}, f.is_json, "Everything that was tried, as JSON.");
  t.toggle({"--quiet", "-q"}, f.is_quiet, "No progress on standard error.");
}

Result<std::vector<PlanBound>> read_bounds(const CapacityFlags& f) {
  std::vector<PlanBound> bounds;
  for (const auto& text : f.slos) {
    const auto slo = parse_cell_slo(text);
    if (!slo) return slo.error();
    PlanBound bound{PlanMetric::ttft, slo->percent, slo->limit};
    if (slo->metric == "tpot_ms") {
      bound.metric = PlanMetric::tpot;
    } else if (slo->metric == "e2e_ms") {
      bound.metric = PlanMetric::e2e;
    } else if (slo->metric != "ttft_ms") {
      return input_error(format("--slo '{}': a plan has bounds on ttft, tpot and e2e", text));
    }
    bounds.push_back(bound);
  }
  return bounds;
}

template <class Value, class Read>
Status read_all(const std::vector<std::string>& words, std::vector<Value>& values, Read&& read) {
  for (const auto& word : words) {
    auto value = read(word);
    if (!value) return value.error();
    values.push_back(std::move(*value));
  }
  return Nothing{};
}

Status read_model_and_engine(const CapacityFlags& f, PlanGrid& grid) {
  if (f.model.empty()) return input_error("which model? --model llama-3-70b, or a config.json");
  auto model = find_model(f.model);
  if (!model) return model.error();
  auto engine = find_engine(f.engine);
  if (!engine) return engine.error();
  grid.model = std::move(*model);
  grid.engine = std::move(*engine);
  if (f.kv_precision != "auto") {
    const auto precision = parse_precision(f.kv_precision);
    if (!precision) return precision.error();
    grid.kv_element_bytes = *precision == NumberFormat::bf16 ? 2.0 : 1.0;
  }
  return read_all(f.precisions, grid.precisions, parse_precision);
}

Result<BatchPolicy> read_policy(const std::string& text) {
  for (const BatchPolicy policy :
       {BatchPolicy::vllm, BatchPolicy::sglang, BatchPolicy::prefill_first}) {
    if (text == name_of(policy)) return policy;
  }
  return input_error(format("--batching is vllm, sglang or prefill-first, not '{}'", text));
}

Result<PlanGrid> read_grid(const CapacityFlags& f, const Prices& prices) {
  PlanGrid grid;
  if (auto s = read_model_and_engine(f, grid); !s) return s.error();
  if (auto s = read_all(f.gpus, grid.gpus, find_gpu); !s) return s.error();
  for (const GpuProfile& gpu : grid.gpus) {
    if (prices.find(gpu.id) != nullptr) continue;
    return input_error(format("{} has no price for '{}'; give one with --prices FILE",
                              prices.origin == "built-in" ? "the built-in list" : prices.origin,
                              gpu.id));
  }
  if (grid.gpus.empty()) grid.gpus = gpu_profiles();
  const auto policy = read_policy(f.batching);
  if (!policy) return policy.error();
  grid.policy = *policy;
  grid.tensor_parallel = f.tensor_parallel;
  grid.max_num_seqs = f.max_num_seqs;
  grid.max_num_batched_tokens = f.max_num_batched_tokens;
  grid.num_gpu_blocks = f.num_gpu_blocks;
  grid.is_eager = f.is_eager;
  grid.chunked_prefill = f.has_chunked_prefill;
  return grid;
}

Result<Prices> read_price_file(const std::string& path) {
  if (path.empty()) return builtin_prices();
  const auto json = read_json_file(path);
  if (!json) return json.error();
  return read_prices(*json, path);
}

/// What a published comparison was made with: vLLM 0.5.5, `--disable-custom-all-reduce
/// --gpu-memory-utilization 0.9 --dtype auto --tensor-parallel-size 1 --max-model-len 10000
/// --max-num-seqs 256 --max-num-batched-tokens 10000`, requests with max_tokens 256; one user for
/// times, several peaks of users for ten minutes for throughput. vLLM read whole prompts before any
/// decode then. Conversations that come with tacho stand in for its Alpaca set, which can be given
/// as --dataset.
CapacityFlags seed_003() {
  CapacityFlags f;
  f.model = "qwen2.5-0.5b";
  f.gpus = {"rtx4090", "a800", "h800", "h20"};
  f.precisions = {"bf16"};
  f.tensor_parallel = {1};
  f.max_num_seqs = {256};
  f.max_num_batched_tokens = {10000};
  f.batching = "prefill-first";
  f.has_chunked_prefill = false;
  f.dataset = "built-in";
  f.max_tokens = 256;
  f.users = {1, 50, 100, 200};
  return f;
}

}  // namespace

FlagTable capacity_flags(CapacityFlags& f) {
  FlagTable t;
  add_load_flags(t, f);
  add_grid_flags(t, f);
  add_output_flags(t, f);
  return t;
}

Result<CapacityFlags> parse_capacity(const std::vector<std::string>& arguments) {
  CapacityFlags typed;
  auto others = capacity_flags(typed).parse(arguments);
  if (!others) return others.error();
  if (!others->empty())
    return input_error(format("'{}' is no option of tacho plan", others->front()));
  if (typed.preset.empty()) return typed;
  if (typed.preset != "seed-003")
    return input_error(format("--preset is seed-003, not '{}'", typed.preset));
  CapacityFlags flags = seed_003();
  if (!typed.trace.empty() || !typed.input_tokens.empty()) flags.dataset.clear();
  if (typed.rate > 0.0) flags.users.clear();
  others = capacity_flags(flags).parse(arguments);
  if (!others) return others.error();
  return flags;
}

Result<PlanQuestion> read_question(const CapacityFlags& f, std::vector<std::string>& notes) {
  PlanQuestion question;
  auto prices = read_price_file(f.prices);
  if (!prices) return prices.error();
  question.prices = std::move(*prices);
  auto grid = read_grid(f, question.prices);
  if (!grid) return grid.error();
  question.grid = std::move(*grid);
  auto load = read_load(f, question.grid.model.context_max, notes);
  if (!load) return load.error();
  question.load = std::move(*load);
  auto bounds = read_bounds(f);
  if (!bounds) return bounds.error();
  question.bounds = std::move(*bounds);
  if (!question.bounds.empty() && f.users.size() > 1)
    return input_error("--users takes one number where there is an --slo to plan for");
  if (!f.share_out.empty() && (f.users.size() > 0 || question.bounds.empty()))
    return input_error("--share-out is for a plan of a rate or a trace");
  if (!f.html.empty() && question.bounds.empty())
    return input_error("--html is for a plan, which takes an --slo");
  question.limits.gpus_max = f.gpus_max;
  question.limits.requests = f.requests;
  question.limits.shown = f.top;
  question.limits.seed = f.seed;
  question.limits.threads =
      f.threads > 0 ? f.threads : std::max(1u, std::thread::hardware_concurrency());
  return question;
}

Status check_any_fits(const PlanQuestion& question) {
  std::vector<PlanChoice> choices = plan_choices(question.grid, question.prices);
  if (choices.empty()) {
    return input_error(format("nothing to try: {} heads of {} are not divided by --tp {}",
                              question.grid.model.heads, question.grid.model.id,
                              question.grid.tensor_parallel.front()));
  }
  const PlanChoice* largest = nullptr;
  const auto room = [](const PlanChoice& choice) {
    return choice.serving.tensor_parallel * choice.gpu->memory_bytes /
           weight_bytes(choice.serving.precision);
  };
  for (const PlanChoice& choice : choices) {
    if (check_fit(*choice.gpu, question.grid.model, choice.serving)) return Nothing{};
    if (largest == nullptr || room(choice) > room(*largest)) largest = &choice;
  }
  Status status = check_fit(*largest->gpu, question.grid.model, largest->serving);
  std::vector<std::string> others;
  for (const GpuProfile& gpu : gpu_profiles()) {
    Serving serving = largest->serving;
    for (serving.tensor_parallel = 1; serving.tensor_parallel <= 8; serving.tensor_parallel *= 2) {
      if (!check_fit(gpu, question.grid.model, serving)) continue;
      others.push_back(format("{} × {}", serving.tensor_parallel, gpu.id));
      break;
    }
  }
  if (others.empty()) return status;
  return input_error(format("{}; in {} there is room on {}", status.error().message,
                            to_text(largest->serving.precision), join(others, ", ")));
}

}  // namespace tacho
