// Step times: single operators worked out by hand on a GPU with round figures, and what is
// published of whole models.
#include "sim/step_time.h"

#include <doctest/doctest.h>

#include "sim/operators.h"

namespace tacho {
namespace {

/// 1 TFLOP/s and 1 GB/s, reached in full; the two add up and a launch costs nothing.
GpuProfile round_gpu() {
  GpuProfile gpu;
  gpu.id = "round";
  gpu.flops[0] = 1e12;
  gpu.memory_bytes = 80e9;
  gpu.bandwidth_bytes_per_s = 1e9;
  gpu.gemm["bf16"] = {1.0, 1.0, 0.0, 1.0};
  gpu.moe["bf16"] = {1.0, 1.0, 0.0, 1.0};
  gpu.attention_prefill_compute = gpu.attention_decode_bandwidth = 1.0;
  gpu.attention_decode_t0_s = 0.0;
  return gpu;
}

ModelProfile small_model() {
  ModelProfile model;
  model.layers = 2;
  model.hidden = 100;
  model.heads = 4;
  model.kv_heads = 2;
  model.head_dim = 25;
  model.ffn = 200;
  model.vocabulary = 1000;
  return model;
}

/// An engine that adds nothing.
Serving bare(std::uint32_t gpus = 1) {
  Serving serving;
  serving.tensor_parallel = gpus;
  serving.engine = EngineProfile{};
  serving.engine.step_s = serving.engine.sequence_s = serving.engine.prefill_step_s = 0.0;
  serving.engine.kernels_per_layer = 0.0;
  serving.engine.prefill_attention_s = 0.0;
  return serving;
}

Serving on(const char* engine, NumberFormat precision, std::uint32_t gpus) {
  Serving serving;
  serving.engine = *find_engine(engine);
  serving.precision = precision;
  serving.tensor_parallel = gpus;
  return serving;
}

TEST_CASE("compute and memory time are joined: q = 1 adds, a large q takes the larger") {
  CHECK(joined({1, 1, 0.5, 1.0}, 3.0, 4.0) == doctest::Approx(7.5));
  CHECK(joined({1, 1, 0.0, 2.0}, 3.0, 4.0) == doctest::Approx(5.0));
  CHECK(joined({1, 1, 0.0, 200.0}, 3.0, 4.0) == doctest::Approx(4.0));
  CHECK(joined({1, 1, 0.25, 2.0}, 0.0, 0.0) == 0.25);
}

TEST_CASE("a matrix product, by hand") {
  const GpuProfile gpu = round_gpu();
  const ModelProfile model = small_model();
  const Serving serving = bare();
  const Operators operators(gpu, model, serving);
  // 10 rows, 200 x 100: 400,000 FLOP; 40,000 B of weights, 2,000 B in, 4,000 B out.
  CHECK(operators.gemm(10, 200, 100, NumberFormat::bf16) ==
        doctest::Approx(400e3 / 1e12 + 46e3 / 1e9));
  // This GPU has no 8-bit units: the weights shrink, the FLOP stay.
  CHECK(operators.gemm(10, 200, 100, NumberFormat::fp8) ==
        doctest::Approx(400e3 / 1e12 + (20e3 + 1e3 + 4e3) / 1e9));
}

TEST_CASE("a whole step of a small model, by hand") {
  const GpuProfile gpu = round_gpu();
  const ModelProfile model = small_model();
  const StepTime time(gpu, model, bare());
  // A layer has 20,000 + 10,000 + 40,000 + 20,000 weights; the output matrix 100,000.
  const double weights = 2 * 90e3, head = 100e3;
  // Rows in and out of the four products for one token: 300, 200, 500, 300; of the head 1,100.
  const double activations = 2 * (100 + 200 + 100 + 100 + 100 + 400 + 200 + 100) + 1100;
  const double kernels = 2 * (8 * 100 + 3 * 200) * 2.0 / (0.7 * 1e9);
  const double context = 2 * (2 * 2 * 25 * 2.0) * 50 / 1e9;  // Layers, K and V, heads, 25, bytes.
  const double expected =
      2 * (weights + head) / 1e12 + 2 * (weights + head + activations) / 1e9 + kernels + context;
  CHECK(to_s(time.of(StepWork{}.add_decodes(1, 50))) == doctest::Approx(expected).epsilon(1e-5));
  // A chunk that does not end its prompt needs no logits. Its attention: 4 heads, 25, 2 layers.
  const double alone = to_s(time.of(StepWork{}.add_chunk(64, 0, false)));
  CHECK(to_s(time.of(StepWork{}.add_chunk(64, 1000, false))) - alone ==
        doctest::Approx(2 * 4 * 4 * 25 * 64 * 1000.0 / 1e12).epsilon(0.01));
  CHECK(to_s(time.of(StepWork{}.add_chunk(64))) - alone ==
        doctest::Approx(2 * head / 1e12 + 2 * (head + 1100) / 1e9).epsilon(0.01));
}

TEST_CASE("the context adds up exactly, so that runs of decodes may be folded") {
  const StepTime time(*find_gpu("h100"), *find_model("llama-3-8b"), 1);
  const auto at = [&](std::uint64_t context) {
    return time.of(StepWork{}.add_decodes(16, context)).count();
  };
  const auto slope = at(20'000) - at(10'000);
  CHECK(std::abs((at(30'000) - at(20'000)) - slope) <= 1);
  CHECK(std::abs((at(1'010'000) - at(10'000)) - 100 * slope) <= 100);
}

TEST_CASE("the table between its entries is near the operators themselves") {
  const GpuProfile gpu = *find_gpu("h100");
  const ModelProfile model = *find_model("llama-3-70b");
  Serving serving = on("vllm", NumberFormat::fp8, 4);
  serving.engine.step_s = serving.engine.prefill_step_s = serving.engine.prefill_attention_s = 0.0;
  const Operators operators(gpu, model, serving);
  const StepTime time(gpu, model, serving);
  for (const std::uint32_t tokens : {1u, 255u, 256u, 257u, 777u, 4095u, 8192u, 30'001u}) {
    CAPTURE(tokens);
    StepWork work;
    work.prefill_tokens = tokens;
    work.prefill_chunks = 1;
    CHECK(to_s(time.of(work)) == doctest::Approx(operators.layers(tokens)).epsilon(2e-4));
  }
}

TEST_CASE("an all-reduce: the table at its entries, between and beyond them; the closed form") {
  const AllReduce h100 = find_gpu("h100")->all_reduce;
  CHECK(all_reduce_s(h100, 1, 1e6) == 0.0);
  CHECK(all_reduce_s(h100, 2, 65536) == doctest::Approx(4.8e-6));
  CHECK(all_reduce_s(h100, 8, 16777216) == doctest::Approx(175e-6));
  CHECK(all_reduce_s(h100, 8, 2 * 268435456.0) > 1.7 * all_reduce_s(h100, 8, 268435456.0));
  // 400 instead of 900 GB/s.
  CHECK(all_reduce_s(find_gpu("h800")->all_reduce, 8, 268435456.0) ==
        doctest::Approx(2100e-6 / 0.44).epsilon(0.01));
  AllReduce closed;
  closed.start_s = {1e-6, 2e-6, 3e-6};
  closed.bus_bytes_per_s = {1e9, 1e9, 1e9};
  CHECK(all_reduce_s(closed, 4, 1000) == doctest::Approx(2e-6 + 1.5 * 2000 / 1e9));
}

TEST_CASE("experts: few tokens wake few of them") {
  GpuProfile gpu = round_gpu();
  ModelProfile model = small_model();
  model.experts = 8;
  model.experts_per_token = 2;
  model.expert_ffn = 50;
  const Serving serving = bare();
  const Operators operators(gpu, model, serving);
  const double router = operators.gemm(1, 8, 100, NumberFormat::bf16);
  // One token reads two experts of 3 x 100 x 50, and in and out of them twice 100.
  CHECK(operators.experts(1) - router ==
        doctest::Approx(2 * 2 * 15e3 / 1e12 + (2 * 15e3 * 2 + 2 * 100 * 2 * 2) / 1e9));
  CHECK(operators.experts(100) < 8 * operators.experts(1));
}

TEST_CASE("a window bounds what half of the layers look at") {
  const StepTime time(*find_gpu("h100"), *find_model("gpt-oss-120b"),
                      on("vllm", NumberFormat::fp4, 1));
  const auto at = [&](std::uint64_t context) {
    return to_s(time.of(StepWork{}.add_decodes(1, context)));
  };
  CHECK(at(100) - at(0) == doctest::Approx(2 * (at(10'100) - at(10'000))).epsilon(0.01));
}

TEST_CASE("MLA's cache costs each GPU the same, however many there are") {
  const auto slope = [](std::uint32_t gpus) {
    const StepTime time(*find_gpu("h200"), *find_model("deepseek-r1"),
                        on("sglang", NumberFormat::fp8, gpus));
    return to_s(time.of(StepWork{}.add_decodes(1, 1'000'000)) -
                time.of(StepWork{}.add_decodes(1, 0)));
  };
  // 576 elements of 2 B in 61 layers at 82 % of 4.8 TB/s.
  CHECK(slope(8) == doctest::Approx(1e6 * 61 * 1152 / (0.82 * 4.8e12)).epsilon(0.01));
  CHECK(slope(16) == doctest::Approx(slope(8)).epsilon(0.01));
}

TEST_CASE("seed 003: the first token comes on an H800 before an A800, a 4090 and an H20") {
  const ModelProfile model = *find_model("qwen2.5-7b");
  for (const std::uint32_t tokens : {512u, 1024u, 4096u}) {
    CAPTURE(tokens);
    const auto prompt = [&](const char* gpu) {
      return StepTime(*find_gpu(gpu), model, 1).of(StepWork{}.add_chunk(tokens));
    };
    CHECK(prompt("h800") < prompt("a800"));
    CHECK(prompt("a800") < prompt("rtx4090"));
    CHECK(prompt("rtx4090") < prompt("h20"));
  }
  // Its decodes read the weights: the 4090 comes last, whatever the host does.
  const auto decode = [&](const char* gpu) {
    return StepTime(*find_gpu(gpu), model, 1).of(StepWork{}.add_decodes(1, 512));
  };
  for (const char* gpu : {"h800", "a800", "h20"}) CHECK(decode(gpu) < decode("rtx4090"));
}

TEST_CASE("seed 003: from 4 to 8 GPUs a small batch of Llama-2-70B takes about 0.7 of the time") {
  // Kernels and collectives of that time were launched one by one.
  GpuProfile gpu = *find_gpu("a100");
  for (auto& column : gpu.all_reduce.table_s) {
    for (double& entry : column) entry += 16e-6;
  }
  const auto decode = [&](std::uint32_t gpus) {
    return to_s(StepTime(gpu, *find_model("llama-2-70b"), gpus).of(StepWork{}.add_decodes(1, 512)));
  };
  CHECK(decode(8) / decode(4) == doctest::Approx(0.7).epsilon(0.05));
}

TEST_CASE("MPT-7B from 2 to 4 GPUs gains less with one sequence than with sixteen") {
  const auto ratio = [](std::uint32_t sequences, std::uint64_t context) {
    const auto decode = [&](std::uint32_t gpus) {
      Serving serving;
      serving.tensor_parallel = gpus;
      return to_s(StepTime(*find_gpu("a100"), *find_model("mpt-7b"), serving)
                      .of(StepWork{}.add_decodes(sequences, context)));
    };
    return decode(4) / decode(2);
  };
  CHECK(ratio(1, 512) < 1.0);
  CHECK(ratio(16, 16 * 512) < ratio(1, 512));
}

TEST_CASE("eager mode has the host's floor, which more GPUs do not lower") {
  Serving serving = on("vllm", NumberFormat::bf16, 4);
  serving.is_eager = true;
  const auto decode = [&](std::uint32_t gpus) {
    serving.tensor_parallel = gpus;
    return to_ms(StepTime(*find_gpu("h100"), *find_model("llama-2-70b"), serving)
                     .of(StepWork{}.add_decodes(1, 512)));
  };
  CHECK(decode(8) == decode(4));
  CHECK(decode(8) == doctest::Approx(80 * 0.37 + 1.2).epsilon(0.05));
}

TEST_CASE("the cache has the room that the weights leave") {
  const StepTime one(*find_gpu("h800"), *find_model("llama-3-8b"), 1);
  const double parameters = find_model("llama-3-8b")->parameters();
  CHECK(one.kv_tokens() ==
        static_cast<std::uint64_t>((0.9 * 80e9 - 3.5e9 - 2 * parameters) / (128 * 1024)));
  Serving narrow = on("vllm", NumberFormat::fp8, 1);
  narrow.kv_element_bytes = 1.0;
  CHECK(StepTime(*find_gpu("h800"), *find_model("llama-3-8b"), narrow).kv_tokens() >
        2 * one.kv_tokens());
}

TEST_CASE("a model that does not fit: what is missing, and what would fit") {
  const auto gpu = *find_gpu("h100");
  const auto model = *find_model("llama-3-70b");
  CHECK(check_fit(gpu, model, on("vllm", NumberFormat::bf16, 4)).ok());
  const auto status = check_fit(gpu, model, on("vllm", NumberFormat::bf16, 1));
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message ==
        "llama-3-70b does not fit into 1 × NVIDIA H100 SXM: weights of 141 GB in bf16, room for 68 "
        "GB, 73 GB are missing; --tp 4 would, --precision int4 would");
}

}  // namespace
}  // namespace tacho
