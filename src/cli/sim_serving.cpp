#include "cli/sim_serving.h"

#include "base/text.h"

namespace tacho {

void add_serving_flags(FlagTable& table, ServingFlags& flags) {
  const std::string gpu = flags.gpu.empty() ? "needed" : "default: " + flags.gpu;
  const std::string model = flags.model.empty() ? "the one that was measured" : flags.model;
  table.text(
      {"--gpu"}, "GPU", flags.gpu,
      format("Hardware profile: rtx4090, l20, l40s, a800, a100, a100-40g, h20, h800, h100, h200, "
             "b200, rtxpro6000, mi300x, 910b, or a FILE.json of one. [{}]",
             gpu));
  table.text({"--model"}, "MODEL", flags.model,
             format("Model profile, such as llama-3-8b or qwen2.5-7b, or a config.json of Hugging "
                    "Face. [default: {}]",
                    model));
  table.text({"--engine"}, "ENGINE", flags.engine,
             "Whose host times and kernels: vllm, sglang, trtllm, or a FILE.json. [default: vllm]");
  table.text({"--precision", "--quantization"}, "P", flags.precision,
             "Of the weights: bf16, fp8, int8, int4, fp4. [default: as the model was published]");
  table.text({"--kv-precision", "--kv-cache-dtype"}, "P", flags.kv_precision,
             "Of the KV cache: auto (16 bit), fp8, int8. [default: auto]");
  table.toggle({"--eager", "--enforce-eager"}, flags.is_eager,
               "Kernels are launched one by one instead of as recorded graphs.");
  table.integer({"--tp", "--tensor-parallel-size"}, "N", flags.tensor_parallel,
                "GPUs that share the model. [default: 1]", 1, 1024);
  table.integer({"--ep", "--expert-parallel-size"}, "N", flags.expert_parallel,
                "Of these, how many share the experts. [default: 1]", 1, 1024);
}

Result<Serving> read_serving(const ServingFlags& flags, const ModelProfile& model) {
  Serving serving;
  serving.tensor_parallel = flags.tensor_parallel;
  serving.expert_parallel = flags.expert_parallel;
  serving.is_eager = flags.is_eager;
  serving.precision = model.precision;
  if (!flags.precision.empty()) {
    auto precision = parse_precision(flags.precision);
    if (!precision) return precision.error();
    serving.precision = *precision;
  }
  if (flags.kv_precision != "auto") {
    auto precision = parse_precision(flags.kv_precision);
    if (!precision) return precision.error();
    serving.kv_element_bytes = *precision == NumberFormat::bf16 ? 2.0 : 1.0;
  }
  auto engine = find_engine(flags.engine);
  if (!engine) return engine.error();
  serving.engine = std::move(*engine);
  return serving;
}

}  // namespace tacho
