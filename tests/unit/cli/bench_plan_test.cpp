// What a command line means: ours, and those that people bring along from other tools.
#include "cli/bench_plan.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

BenchOptions options_of(std::string_view line) {
  BenchOptions options;
  std::vector<std::string> arguments;
  for (const auto word : split(line, ' ')) {
    if (!word.empty()) arguments.emplace_back(word);
  }
  const auto rest = bench_flags(options).parse(arguments);
  if (!rest.ok()) FAIL(rest.error().message);
  CHECK(rest->empty());
  return options;
}

BenchPlan plan_of(std::string_view line) {
  auto plan = plan_bench(options_of(line));
  if (!plan.ok()) FAIL(plan.error().message);
  for (std::size_t i = 0; i < plan->cells.size(); ++i) CHECK(plan->cells[i].cell.id == i);
  return std::move(*plan);
}

std::string refusal(std::string_view line) {
  CAPTURE(std::string(line));
  const auto plan = plan_bench(options_of(line));
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.error().kind == Error::Kind::input);
  CHECK(plan.error().message.find('\n') == std::string::npos);
  return plan.error().message;
}

/// "kind label requests", one line a cell.
std::string cells(std::string_view line) {
  std::string out;
  for (const PlannedCell& planned : plan_of(line).cells) {
    out += format("{} {} n={}{}{}\n", planned.cell.is_static ? "static" : "dynamic",
                  cell_label(planned.cell), planned.cell.requests,
                  planned.cell.ignore_eos ? " eos-ignored" : "", planned.repeats ? " repeats" : "");
  }
  return out;
}

TEST_CASE("nothing said: one stream over the built-in conversations") {
  CHECK(cells("") == "static c=1 built-in n=5\n");
  CHECK(plan_of("").endpoint == "chat");
  CHECK(plan_of("").notes.empty());
}

TEST_CASE("a grid: every pair of lengths with every concurrency") {
  CHECK(cells("--concurrency 1,4 --input-tokens 128 256 --output-tokens 64,32") ==
        "static c=1 128→64 n=5 eos-ignored\nstatic c=4 128→64 n=20 eos-ignored\n"
        "static c=1 256→32 n=5 eos-ignored\nstatic c=4 256→32 n=20 eos-ignored\n");
  CHECK(cells("--concurrency 8 --epochs 3") == "static c=8 built-in n=24\n");
  CHECK(cells("--concurrency 8 --num-prompts 100") == "static c=8 built-in n=100\n");
  CHECK(cells("--concurrency 2 --input-tokens 128") == "static c=2 128→128 n=10 eos-ignored\n");
  CHECK(cells("--concurrency 2 --input-tokens 128 --no-ignore-eos") == "static c=2 128→128 n=10\n");
  CHECK(cells("--output-tokens 9") == "static c=1 built-in→9 n=5\n");
  CHECK(cells("--dataset /data/alpaca_zh.json") == "static c=1 alpaca_zh n=5\n");
}

TEST_CASE("rates: a number of requests for each, within bounds") {
  CHECK(cells("--request-rate 2") == "dynamic 2 req/s built-in n=60\n");
  CHECK(cells("--request-rate 0.1,1000") ==
        "dynamic 0.1 req/s built-in n=20\ndynamic 1000 req/s built-in n=1000\n");
  CHECK(cells("--request-rate 2,4 --num-prompts 7,9") ==
        "dynamic 2 req/s built-in n=7\ndynamic 4 req/s built-in n=9\n");
  CHECK(cells("--request-rate 2,4 --num-prompts 7") ==
        "dynamic 2 req/s built-in n=7\ndynamic 4 req/s built-in n=7\n");
  CHECK(cells("--request-rate 10 --max-concurrency 4 --num-prompts 5") ==
        "dynamic 10 req/s cap 4 built-in n=5\n");
  CHECK(plan_of("--request-rate 5 --burstiness 4").cells[0].arrivals.gap_cv == 0.5);
  CHECK(plan_of("--request-rate 5").cells[0].arrivals.gap_cv == 1.0);
  CHECK(plan_of("--request-rate 10 --duration 60s").cells[0].cell.requests == 610);
  CHECK(plan_of("--request-rate 10 --duration 60s").cells[0].duration_s == 60.0);
}

TEST_CASE("a closed loop for a time goes through its list again") {
  const PlannedCell cell = plan_of("--concurrency 4 --duration 30s").cells.at(0);
  CHECK(cell.repeats);
  CHECK(cell.duration_s == 30.0);
  CHECK(cell.cell.requests >= 20);
  CHECK_FALSE(plan_of("--concurrency 4 --duration 30s --num-prompts 9").cells.at(0).repeats);
}

TEST_CASE("a ramp goes from one rate to another") {
  const PlannedCell cell = plan_of(
                               "--ramp-up-strategy exponential --ramp-up-start-rps 1 "
                               "--ramp-up-end-rps 8 --num-prompts 50")
                               .cells.at(0);
  CHECK(cell.arrivals.ramp == Arrivals::Ramp::exponential);
  CHECK(cell.arrivals.ramp_start_per_s == 1.0);
  CHECK(cell.arrivals.ramp_end_per_s == 8.0);
  CHECK(cell.cell.requests == 50);
  CHECK_FALSE(cell.cell.is_static);
}

TEST_CASE("vLLM's bench command line") {
  const BenchPlan plan = plan_of(
      "--backend vllm --base-url http://h:8000 --model m --endpoint /v1/completions --dataset-name "
      "random "
      "--random-input-len 512 --random-output-len 64 --num-prompts 200 --request-rate inf --seed 3 "
      "--ignore-eos "
      "--goodput ttft:200 tpot:50 e2el:3000 --percentile-metrics ttft,tpot --metric-percentiles "
      "25,50,99 --save-result");
  CHECK(plan.endpoint == "completions");
  REQUIRE(plan.cells.size() == 1);
  CHECK(std::isinf(*plan.cells[0].cell.request_rate));
  CHECK(plan.cells[0].cell.requests == 200);
  CHECK(plan.cells[0].cell.input_tokens == 512u);
  CHECK(plan.cells[0].cell.output_tokens == 64u);
  CHECK(plan.cells[0].cell.ignore_eos);
  REQUIRE(plan.slos.size() == 3);
  CHECK(plan.slos[0].metric == "ttft_ms");
  CHECK(plan.slos[2].metric == "e2e_ms");
  CHECK(plan.slos[2].limit == 3000.0);
  CHECK(plan_of("--backend openai-chat").endpoint == "chat");
  CHECK(cells("--num-prompts 30") == "dynamic inf req/s built-in n=30\n");
  CHECK(cells("--num-prompts 30 --max-concurrency 4") == "static c=4 built-in n=30\n");
  CHECK(cells("--dataset-name random --num-prompts 3") ==
        "dynamic inf req/s 1024→128 n=3 eos-ignored\n");
  CHECK(plan_of("--dataset-name sharegpt").notes.size() == 1);
}

TEST_CASE("GenAI-Perf's command line") {
  const BenchPlan plan = plan_of(
      "-m m --service-kind openai --endpoint-type chat --streaming -u h:8000 "
      "--synthetic-input-tokens-mean 550 "
      "--output-tokens-mean 150 --concurrency 10 --num-prompts 100 --artifact-dir out "
      "--generate-plots");
  CHECK(plan.endpoint == "chat");
  REQUIRE(plan.cells.size() == 1);
  CHECK(plan.cells[0].cell.concurrency == 10u);
  CHECK(plan.cells[0].cell.requests == 100);
  CHECK(options_of("--service-kind openai").speaks_genai_perf());
  CHECK_FALSE(options_of("").speaks_genai_perf());
}

TEST_CASE("the Ascend suite's command line: a static grid, and rates with the dataset as it is") {
  const std::string line =
      "--prompt-tokens 256,512 --output-tokens 64,128 --parallel-num 1,4 --request-rate 1,2 "
      "--num-prompts 10,20 "
      "--epochs 2 --dataset-path /d/set.json --dataset-type alpaca";
  CHECK(cells(line) ==
        "static c=1 256→64 n=2 eos-ignored\nstatic c=4 256→64 n=8 eos-ignored\n"
        "static c=1 512→128 n=2 eos-ignored\nstatic c=4 512→128 n=8 eos-ignored\n"
        "dynamic 1 req/s set n=10\ndynamic 2 req/s set n=20\n");
  CHECK(plan_of(line).source.dataset_type == "alpaca");
  const PromptSource source = plan_of("--max-prompt-tokens 1000 --max-tokens 1500").source;
  CHECK(source.input_tokens_max == 1000);
  CHECK(source.total_tokens_max == 1500);
}

TEST_CASE("the endpoint follows from its type, its path or the URL") {
  CHECK(plan_of("--endpoint-type embeddings").endpoint == "embeddings");
  CHECK(plan_of("--url http://h/v1/embeddings").endpoint == "embeddings");
  CHECK(plan_of("--url http://h/v1/chat/completions").endpoint == "chat");
  CHECK(plan_of("--url http://h/v1/completions").endpoint == "completions");
  CHECK(plan_of("--url http://h/v1").endpoint == "chat");
  CHECK(plan_of("--endpoint /openai/v1/completions").endpoint == "completions");
}

TEST_CASE("bounds are named as here or as elsewhere, in milliseconds") {
  const auto metric = [](const std::string& slo) {
    return plan_of("--goodput " + slo).slos.at(0).metric;
  };
  CHECK(metric("ttft:200") == "ttft_ms");
  CHECK(metric("ttft<=200") == "ttft_ms");
  CHECK(metric("tpot_ms=20") == "tpot_ms");
  CHECK(metric("time_to_first_token:1") == "ttft_ms");
  CHECK(metric("inter_token_latency:1") == "tpot_ms");
  CHECK(metric("request_latency:1.5") == "e2e_ms");
  CHECK(plan_of("--goodput ttft:1.5,tpot:2").slos.at(0).limit == 1.5);
  for (const char* slo : {"ttft", "ttft:", "ttft:x", "ttft:0", "ttft:-5", ":5", "speed:5"}) {
    CHECK(refusal(format("--goodput {}", slo)).find("--goodput") == 0);
  }
}

TEST_CASE("options that do not go together are refused, and both are named") {
  const std::vector<std::pair<const char*, std::vector<const char*>>> cases{
      {"--input-tokens 1,2 --output-tokens 3", {"--input-tokens", "--output-tokens"}},
      {"--output-tokens 1,2", {"--output-tokens", "--input-tokens"}},
      {"--request-rate 1,2,3 --num-prompts 1,2", {"--num-prompts", "--request-rate"}},
      {"--concurrency 4 --max-concurrency 4", {"--concurrency", "--max-in-flight"}},
      {"--request-rate 2 --ramp-up-strategy linear", {"--request-rate", "--ramp-up-strategy"}},
      {"--ramp-up-strategy linear", {"--ramp-up-start-rps", "--ramp-up-end-rps"}},
      {"--ramp-up-strategy steep --ramp-up-start-rps 1 --ramp-up-end-rps 2",
       {"--ramp-up-strategy", "steep"}},
      {"--request-rate 1 --ramp-up-start-rps 1", {"--ramp-up-start-rps", "--ramp-up-strategy"}},
      {"--request-rate 1 --burstiness 0", {"--burstiness"}},
      {"--sim h800/llama-3-8b --url http://h", {"--sim", "--url"}},
      {"--sim h800", {"--sim", "GPU/MODEL"}},
      {"--sim tpu/llama-3-8b", {"tpu"}},
      {"--sim h800/llama-3-70b", {"--tp"}},
      {"--url http://h --host h", {"--url", "--host"}},
      {"--ignore-eos --no-ignore-eos", {"--ignore-eos", "--no-ignore-eos"}},
      {"--max-tokens 100", {"--max-tokens", "--max-prompt-tokens"}},
      {"--max-tokens 100 --max-prompt-tokens 100", {"--max-tokens", "--max-prompt-tokens"}},
      {"--service-kind triton", {"--service-kind", "triton"}},
      {"--backend tensorrt-llm", {"--backend", "tensorrt-llm"}},
      {"--dataset-name sonnet", {"--dataset-name", "sonnet"}},
      {"--dataset-type random", {"--dataset-type", "--dataset-name"}},
      {"--metric-percentiles 101", {"--metric-percentiles", "101"}},
      {"--metric-percentiles 0", {"--metric-percentiles"}},
      {"--percentile-metrics ttft,foo", {"--percentile-metrics", "foo"}},
      {"--num-prompts 4000000000", {"4000000000"}},
      {"--concurrency 4000000000", {"more than"}},
  };
  for (const auto& [line, words] : cases) {
    const std::string message = refusal(line);
    for (const char* word : words) {
      CAPTURE(message);
      CHECK(message.find(word) != std::string::npos);
    }
  }
}

TEST_CASE("the plan as text names every cell and every assumption") {
  const std::string text = plan_text(plan_of(
      "--concurrency 2 --input-tokens 8 --goodput ttft:200 --duration 5s --dataset-name sharegpt"));
  for (const char* words :
       {"endpoint   chat", "ttft_ms <= 200", "c=2 8→128", "at most 5", "note: no file was given"}) {
    CAPTURE(std::string(words));
    CHECK(text.find(words) != std::string::npos);
  }
}

}  // namespace
}  // namespace tacho
