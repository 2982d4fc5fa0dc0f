// Profiles: those in the binary are sound, others are read from files, wrong ones say what is
// wrong.
#include "sim/profile.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "base/text.h"

namespace tacho {
namespace {

bool says(const Error& error, std::string_view words) {
  return error.message.find(words) != std::string::npos;
}

TEST_CASE("every GPU profile is sound, has its source and its error, and is found by any name") {
  std::set<std::string> ids;
  for (const GpuProfile& gpu : gpu_profiles()) {
    CAPTURE(gpu.id);
    CHECK(ids.insert(gpu.id).second);
    CHECK(lower(gpu.id) == gpu.id);
    CHECK((gpu.flops[0] > 1e13 && gpu.memory_bytes > 1e10 && gpu.bandwidth_bytes_per_s > 1e11));
    CHECK(gpu.gemm.count("bf16") == 1);
    CHECK(gpu.error_band != "unknown");
    CHECK(gpu.source.size() > 10);
    for (const auto& alias : gpu.aliases) CHECK(find_gpu(alias)->id == gpu.id);
  }
  for (const char* id : {"rtx4090", "a800", "a100", "h800", "h100", "h20", "h200", "b200", "l40s",
                         "l20", "mi300x", "910b", "rtxpro6000", "H100_SXM"})
    CHECK(find_gpu(id).ok());
  CHECK_FALSE(find_gpu("910b")->is_verified);
  CHECK(find_gpu("h100")->is_verified);
}

TEST_CASE("the parameters of every model are those of its published name, within half a percent") {
  // In units of 1e9, from the model cards.
  const std::pair<const char*, double> published[] = {
      {"llama-2-7b", 6.74},     {"llama-2-13b", 13.02},     {"llama-2-70b", 68.98},
      {"llama-3-8b", 8.03},     {"llama-3.3-70b", 70.55},   {"llama-3.1-405b", 405.9},
      {"qwen2.5-0.5b", 0.494},  {"qwen2.5-7b", 7.62},       {"qwen2.5-14b", 14.77},
      {"qwen2.5-32b", 32.76},   {"qwen2.5-72b", 72.7},      {"qwen3-8b", 8.19},
      {"qwen3-14b", 14.77},     {"qwen3-32b", 32.76},       {"qwen3-30b-a3b", 30.5},
      {"deepseek-v3", 671.0},   {"qwen3-235b-a22b", 235.1}, {"mixtral-8x7b", 46.7},
      {"gpt-oss-120b", 116.8},  {"mpt-7b", 6.65},           {"chatglm2-6b", 6.24},
      {"codellama-34b", 33.74}, {"yi-34b", 34.39}};
  for (const auto& [id, billions] : published) {
    CAPTURE(id);
    const auto model = find_model(id);
    REQUIRE(model.ok());
    CHECK(model->parameters() / 1e9 == doctest::Approx(billions).epsilon(0.005));
  }
  CHECK(find_model("qwen3-235b-a22b")->active_parameters() / 1e9 ==
        doctest::Approx(22.2).epsilon(0.005));
  CHECK(find_model("deepseek-r1")->active_parameters() / 1e9 ==
        doctest::Approx(37.6).epsilon(0.01));
}

TEST_CASE("the cache of a token is what its layers keep") {
  const double kib = 1024.0;
  CHECK(find_model("llama-3-8b")->kv_bytes_per_token() == 128 * kib);
  CHECK(find_model("qwen2.5-7b")->kv_bytes_per_token() == 56 * kib);
  CHECK(find_model("deepseek-v3")->kv_bytes_per_token() == 61 * 576 * 2.0);
  // Eight KV heads over sixteen GPUs: each keeps one, so there are two copies of all.
  CHECK(find_model("llama-3-70b")->kv_bytes_per_token(16) == 640 * kib);
  // MLA's latent vector is one for all heads: every GPU keeps it.
  CHECK(find_model("deepseek-v3")->kv_bytes_per_token(8) == 8 * 61 * 576 * 2.0);
  CHECK(find_model("deepseek-v3")->kv_bytes_per_token(8, 1.0) == 8 * 61 * 576);
}

TEST_CASE("names are found whatever their case, with their repository, and the nearest are named") {
  CHECK(find_model("Qwen/Qwen3-8B")->id == "qwen3-8b");
  CHECK(find_model("LLAMA-3-8B")->id == "llama-3-8b");
  const auto model = find_model("qwen3-7b");
  REQUIRE_FALSE(model.ok());
  CHECK(says(model.error(), "'qwen3-7b'; nearest: qwen3-4b, qwen3-8b"));
  CHECK(says(model.error(), "config.json"));
  const auto gpu = find_gpu("something else");
  REQUIRE_FALSE(gpu.ok());
  CHECK(says(gpu.error(), "there are rtx4090,"));
  CHECK_FALSE(find_engine("llamacpp").ok());
  CHECK(find_engine("TensorRT-LLM")->id == "trtllm");
}

TEST_CASE("a config.json of Hugging Face is a model, in the words of each family") {
  const auto qwen = parse_json(R"({"model_type": "qwen3_moe", "hidden_size": 2048,
    "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128,
    "intermediate_size": 6144, "moe_intermediate_size": 768, "num_experts": 128,
    "num_experts_per_tok": 8, "vocab_size": 151936, "sliding_window": null,
    "use_sliding_window": false, "_name_or_path": "Qwen/Qwen3-30B-A3B"})",
                               "test");
  REQUIRE(qwen.ok());
  const auto moe = read_model(*qwen, "config.json");
  REQUIRE(moe.ok());
  CHECK(moe->id == "qwen3-30b-a3b");
  CHECK(moe->parameters() == find_model("qwen3-30b-a3b")->parameters());
  CHECK(moe->window == 0);

  const auto mpt = read_model(*parse_json(R"({"model_type": "mpt", "d_model": 4096, "n_heads": 32,
    "n_layers": 32, "vocab_size": 50432, "expansion_ratio": 4, "max_seq_len": 2048})",
                                          "test"),
                              "config.json");
  REQUIRE(mpt.ok());
  CHECK(mpt->parameters() == find_model("mpt-7b")->parameters());
  CHECK(mpt->context_max == 2048);

  const auto glm = read_model(*parse_json(R"({"num_layers": 28, "hidden_size": 4096,
    "num_attention_heads": 32, "multi_query_group_num": 2, "kv_channels": 128,
    "ffn_hidden_size": 13696, "padded_vocab_size": 65024, "seq_length": 32768})",
                                          "test"),
                              "chatglm.json");
  REQUIRE(glm.ok());
  CHECK(glm->id == "chatglm");
  CHECK(glm->parameters() == find_model("chatglm2-6b")->parameters());
}

TEST_CASE("a profile that lacks something says what") {
  const auto empty = read_model(*parse_json("{}", "test"), "m.json");
  REQUIRE_FALSE(empty.ok());
  CHECK(says(empty.error(), "m.json: hidden_size is missing"));
  const auto gpu =
      read_gpu(*parse_json(R"({"id": "x", "tflops": {"bf16": 10}})", "test"), "g.json");
  REQUIRE_FALSE(gpu.ok());
  CHECK(says(gpu.error(), "g.json: a GPU profile needs at least"));
  const auto share = read_gpu(*parse_json(R"({"tflops": {"bf16": 10}, "memory_gb": 8,
    "bandwidth_tb_s": 1, "gemm": {"bf16": [1.2, 0.5, 3]}})",
                                          "test"),
                              "g.json");
  REQUIRE_FALSE(share.ok());
  CHECK(says(share.error(), "gemm.bf16"));
  const auto least = read_gpu(
      *parse_json(R"({"tflops": {"fp16": 10}, "memory_gb": 8, "bandwidth_tb_s": 1})", "test"),
      "mine.json");
  REQUIRE(least.ok());
  CHECK_FALSE(least->is_verified);
  CHECK(least->flops[0] == 10e12);
  CHECK_FALSE(read_engine(*parse_json(R"({"step_ms": -1})", "test"), "e.json").ok());
  CHECK_FALSE(find_gpu("/no/such/file.json").ok());
}

TEST_CASE("a number format is read by its usual names") {
  CHECK(*parse_precision("FP16") == NumberFormat::bf16);
  CHECK(*parse_precision("mxfp4") == NumberFormat::fp4);
  CHECK(to_text(*parse_precision("fp8_e4m3")) == "fp8");
  CHECK_FALSE(parse_precision("fp2").ok());
}

}  // namespace
}  // namespace tacho
