// Validation: reading measured points, running them, and the errors that come out.
#include "sim/validate.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

constexpr std::string_view head =
    "model,gpu,engine,precision,tp_size,isl,osl,len_rule,concurrency,ttft_ms,tpot_ms,"
    "kv_saturated_guess,id\n";

struct PointsFile {
  explicit PointsFile(std::string_view rows)
      : path(std::filesystem::temp_directory_path() / "tacho-validate-test.csv") {
    REQUIRE(write_file(path, std::string(head) + std::string(rows)).ok());
  }
  ~PointsFile() { std::filesystem::remove(path); }
  std::string path;
};

Result<std::vector<MeasuredPoint>> read(std::string_view rows) {
  const PointsFile file(rows);
  return read_points(file.path, {});
}

Validation validate(const std::vector<MeasuredPoint>& points) {
  return validate(points, 4, [](std::size_t) {});
}

TEST_CASE("a row of measured figures is read, quoted fields and all") {
  const auto points = read(
      "Llama-3.1-70B,h100_sxm,vllm,fp8,2.0,1024,8192,\"uniform[0.8L,L]\",16.0,191,22.1,False,a\r\n"
      "\nllama-3-8b,a100,vllm,bf16,1,100,50,fixed,4,30,12,True,b\n");
  REQUIRE(points.ok());
  REQUIRE(points->size() == 2);
  const MeasuredPoint& first = points->front();
  CHECK(first.family == "llama-3.1-70b h100 vllm fp8 TP2");
  CHECK(first.shape == "llama-3.1-70b 1024/8192 C16");
  CHECK(first.least_share == 0.8);
  CHECK(first.output_mean() == doctest::Approx(0.9 * 8192));
  CHECK(first.serving.kv_element_bytes == 1.0);
  CHECK_FALSE(first.is_saturated);
  CHECK(points->back().serving.kv_element_bytes == 2.0);
  CHECK(points->back().is_saturated);
}

TEST_CASE("a row that cannot be read is named with its line") {
  const std::pair<const char*, const char*> wrong[] = {
      {"llama-3-8b,tpu,vllm,bf16,1,100,50,fixed,4,30,12,,a\n", "unknown GPU 'tpu'"},
      {"llama-3-8b,a100,vllm,bf16,1,0,50,fixed,4,30,12,,a\n", "isl '0'"},
      {"llama-3-8b,a100,vllm,bf16,1,100,50,uniform[L],4,30,12,,a\n", "len_rule"},
      {"llama-3-8b,a100,vllm,bf16,1,100,50,fixed,4,x,12,,a\n", "ttft_ms 'x'"}};
  for (const auto& [row, words] : wrong) {
    const auto points = read(row);
    REQUIRE_FALSE(points.ok());
    CHECK(points.error().message.find(":2: ") != std::string::npos);
    CHECK(points.error().message.find(words) != std::string::npos);
  }
  CHECK_FALSE(read("").ok());
}

TEST_CASE("one sequence at a time: the figures are those of its steps") {
  auto points = read("llama-3-8b,h100,vllm,bf16,1,1000,20,\"uniform[1L,L]\",1,1,1,,a\n");
  REQUIRE(points.ok());
  MeasuredPoint& point = points->front();
  const PointFigures figures = simulate(point, 50);
  const StepTime time(point.gpu, point.model, point.serving);
  const double prompt = to_ms(time.of(StepWork{}.add_chunk(990)) + time.request_overhead(990));
  CHECK(figures.ttft_ms == doctest::Approx(prompt).epsilon(0.02));
  const double token = to_ms(time.of(StepWork{}.add_decodes(1, 1000)));
  CHECK(figures.tpot_ms == doctest::Approx(token).epsilon(0.01));
  CHECK(figures.e2e_ms == doctest::Approx(prompt + 19 * token).epsilon(0.03));
  CHECK(figures.tokens_per_s == doctest::Approx(20 / (figures.e2e_ms / 1e3)).epsilon(0.03));
}

TEST_CASE("a log of requests is replayed; the truth's own log comes out without an error") {
  // One request at a time on an idle engine: its times are those of its steps.
  MeasuredPoint point;
  point.gpu = *find_gpu("h100");
  point.model = *find_model("llama-3-8b");
  point.serving.engine = *find_engine("vllm");
  const StepTime time(point.gpu, point.model, point.serving);
  const double first = to_s(time.of(StepWork{}.add_chunk(500)));
  const double second = first + to_s(time.of(StepWork{}.add_decodes(1, 501)));
  std::string log;
  for (const int at : {7, 5}) {
    log += format(
        "{{\"input_toks\": 500, \"output_toks\": 2, \"queued_ts\": {}, "
        "\"first_token_ts\": {}, \"last_token_ts\": {}}}\n",
        at, at + first, at + second);
  }
  const std::string path = std::filesystem::temp_directory_path() / "tacho-validate-log.jsonl";
  REQUIRE(write_file(path, log).ok());
  const auto table = validate_log(path, point);
  REQUIRE(table.ok());
  CHECK(table->find("2 requests") != std::string::npos);
  CHECK(table->find("+0.0") != std::string::npos);
  CHECK(table->find("+1") == std::string::npos);
  REQUIRE(write_file(path, "{\"input_toks\": 5}\n").ok());
  CHECK(validate_log(path, point).error().message.find(":1: needs") != std::string::npos);
  std::filesystem::remove(path);
}

TEST_CASE("published single figures: throughput of a static batch, and what cannot be run") {
  const std::string path = std::filesystem::temp_directory_path() / "tacho-literature-test.csv";
  REQUIRE(write_file(path,
                     "source,engine,model,gpu,tp,precision,load,isl,osl,metric,value,unit\n"
                     "a,trtllm,llama-2-7b,h100,1,fp8,static bs64,128,128,out_tps,9000,tok/s\n"
                     "b,other,llama-2-7b,h100,1,fp8,static bs64,128,128,out_tps,9000,tok/s\n"
                     "c,other,llama-2-7b,h100,1->2,fp16,bs4,,,tpot_ratio,0.6,x\n"
                     "d,other,llama-2-7b,h100,2,fp16,bs4,,,tpot_ratio,0.6,x\n")
              .ok());
  CHECK(is_literature(path));
  const auto table = validate_literature(path, {});
  REQUIRE(table.ok());
  CHECK(table->find("2 figures") != std::string::npos);
  CHECK(table->find("a ratio needs tp 2->4 and load bsN or small batch, not '2', 'bs4'") !=
        std::string::npos);
  CHECK(table->find("unknown engine 'other'") != std::string::npos);
  std::filesystem::remove(path);
}

TEST_CASE("errors are relative, by family, and configurations are ranked at the same shape") {
  auto points = read(
      "llama-3-8b,h100,vllm,bf16,1,512,64,fixed,4,1,1,,a\n"
      "llama-3-8b,a100,vllm,bf16,1,512,64,fixed,4,1,1,,b\n"
      "llama-3-8b,a100,vllm,bf16,1,512,64,fixed,8,1,1,True,c\n"
      "llama-3-70b,h100,vllm,bf16,1,512,64,fixed,4,1,1,,d\n");
  REQUIRE(points.ok());
  // What was measured is made from what is simulated: 10 % less TTFT, 25 % more TPOT.
  for (MeasuredPoint& point : *points) {
    if (point.model.id == "llama-3-70b") continue;
    const PointFigures figures = simulate(point, 4);
    point.ttft_ms = figures.ttft_ms / 0.9;
    point.tpot_ms = figures.tpot_ms / 1.25;
  }
  const Validation validation = validate(*points);
  REQUIRE(validation.families.size() == 3);
  CHECK(validation.families[0].points == 1);
  for (const FamilyErrors& family : validation.families) {
    CHECK(family.ttft.median == doctest::Approx(0.1));
    CHECK(family.ttft.bias == doctest::Approx(-0.1));
    CHECK(family.tpot.p90 == doctest::Approx(0.25));
  }
  CHECK(validation.families.back().family == "all");
  CHECK(validation.families.back().points == 2);
  CHECK(validation.pairs == 1);
  CHECK(validation.kendall_tau == 1.0);
  CHECK(validation.left_out == 2);
  CHECK(validation.results[2].left_out == "measured with a full cache");
  CHECK(validation.results[3].left_out == "does not fit");
  const std::string table = validation_table(validation);
  CHECK(table.find("llama-3-8b a100 vllm bf16 TP1") != std::string::npos);
  CHECK(table.find("2 points are left out") != std::string::npos);
  CHECK(validation_json(validation)["points"].size() == 4);
}

}  // namespace
}  // namespace tacho
