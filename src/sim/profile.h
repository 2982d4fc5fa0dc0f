// Hardware, model and engine profiles: the figures that a step's time is made of. They are data
// (data/profiles/*.json, part of the binary) so that anyone can read, correct and add to them; each
// says where it comes from and how far it can be trusted.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace tacho {

/// In what weights and matrix products are held. int4 and fp4 may be weights only.
enum class NumberFormat { bf16, fp8, int8, int4, fp4 };
inline constexpr std::size_t precision_count = 5;

/// "bf16", ...
std::string_view to_text(NumberFormat precision);
/// Reads a precision; fp16, w8a16 and other usual spellings too.
Result<NumberFormat> parse_precision(std::string_view text);
/// Bytes of one weight, scales included.
double weight_bytes(NumberFormat precision);

/// What an operator reaches of a GPU's peaks: t = t0 + (compute^q + memory^q)^(1/q).
struct OperatorLaw {
  double compute = 0.7;    ///< Share of the peak FLOP/s.
  double bandwidth = 0.8;  ///< Share of the peak bandwidth.
  double t0_s = 5e-6;      ///< Of each launch.
  double join = 2.0;       ///< q: 1 adds the two, infinity takes the larger.
};

/// How long an all-reduce over 2, 4 or 8 GPUs takes.
struct AllReduce {
  std::vector<double> elements;                ///< Of 16 bit; rising. Empty: the closed form.
  std::array<std::vector<double>, 3> table_s;  ///< Over `elements`.
  double bandwidth_scale = 1.0;                ///< Of a sister's links against the measured ones.
  std::array<double, 3> start_s{10e-6, 15e-6, 25e-6};
  std::array<double, 3> bus_bytes_per_s{20e9, 10e9, 5e9};
};

/// One accelerator. Peaks are the vendor's data sheets', dense, without sparsity.
struct GpuProfile {
  std::string id;    ///< As typed: h800.
  std::string name;  ///< As shown: NVIDIA H800 SXM.
  std::vector<std::string> aliases;
  std::array<double, precision_count> flops{};  ///< FLOP/s; 0: it has no such units.
  double memory_bytes = 0.0;
  double bandwidth_bytes_per_s = 0.0;
  std::map<std::string, OperatorLaw> gemm;  ///< By precision, or engine/precision.
  std::map<std::string, OperatorLaw> moe;   ///< The same.
  double attention_prefill_compute = 0.55;
  double attention_decode_bandwidth = 0.8;
  double attention_decode_t0_s = 12e-6;
  AllReduce all_reduce;
  bool is_verified = false;
  std::string error_band;  ///< In words.
  std::string source;
  std::vector<std::string> fitted;       ///< Figures that were fitted to serving measurements.
  std::map<std::string, double> priors;  ///< What they were before, in the file's units.
  double efficiency = 1.0;               ///< A factor on all its peaks, from `tacho sim fit`.

  /// The name of the law of that engine and precision, or of the nearest there is; `has_blocks`
  /// asks for that of weights scaled in blocks first. Empty when there are no laws.
  static std::string law_name(const std::map<std::string, OperatorLaw>& laws,
                              std::string_view engine, NumberFormat precision,
                              bool has_blocks = false);
  /// That law, or the usual one where there are none.
  static OperatorLaw law(const std::map<std::string, OperatorLaw>& laws, std::string_view engine,
                         NumberFormat precision, bool has_blocks = false);
};

/// One model, by the shape of its layers. Its words are those of Hugging Face's config.json.
struct ModelProfile {
  std::string id;
  std::vector<std::string> aliases;
  std::uint32_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, head_dim = 0;
  std::uint32_t ffn = 0;  ///< Width of a dense layer.
  std::uint32_t vocabulary = 0;
  bool is_gated = true;  ///< Three matrices a feed-forward layer, else two.
  bool is_tied = false;  ///< The embedding is the output matrix too.
  std::uint32_t experts = 0, experts_per_token = 0, expert_ffn = 0, shared_experts = 0;
  std::uint32_t dense_layers = 0;                       ///< First layers without experts.
  std::uint32_t kv_lora = 0, q_lora = 0;                ///< MLA, when kv_lora is not 0.
  std::uint32_t rope_dim = 0, nope_dim = 0, v_dim = 0;  ///< MLA.
  std::uint32_t window = 0;                             ///< Of the layers with a sliding window.
  double window_layers_share = 0.0;
  std::uint32_t context_max = 0;
  NumberFormat precision = NumberFormat::bf16;  ///< As published.
  bool fp8_blocks = false;  ///< Its 8-bit weights are scaled in blocks, not by matrix.

  bool has_mla() const { return kv_lora > 0; }
  std::uint32_t moe_layers() const { return experts > 0 ? layers - dense_layers : 0; }
  double attention_parameters() const;  ///< Of one layer.
  double dense_ffn_parameters() const;  ///< Of one layer.
  double expert_parameters() const;     ///< Of one expert in one layer.
  double parameters() const;
  double active_parameters() const;  ///< Per token; less than all in a mixture of experts.
  /// Bytes that the weights take in that precision; embeddings stay at 16 bit.
  double weights_bytes(NumberFormat in) const;
  /// True when that precision is of the experts only, and the rest has 16 bit (gpt-oss).
  bool only_experts_are_narrow(NumberFormat in) const;
  /// Elements of a token's cache in one layer on one of `tensor_parallel` GPUs.
  double kv_elements(std::uint32_t tensor_parallel) const;
  /// Bytes of one token's cache over all layers and GPUs.
  double kv_bytes_per_token(std::uint32_t tensor_parallel = 1, double element_bytes = 2.0) const;
};

/// What an engine's host and kernels add to the GPU's own times.
struct EngineProfile {
  std::string id, name;
  std::vector<std::string> aliases;
  double step_s = 1.2e-3;        ///< Host time of each step.
  double sequence_s = 25e-6;     ///< The same, for each decoding sequence.
  double prefill_step_s = 2e-3;  ///< More, when a step has prompts: no recorded graph.
  double request_s = 10e-3;      ///< HTTP, tokenizer and hand-overs, once a request.
  double prompt_token_s = 0.0;   ///< The same for each token of the prompt.
  /// How much of an operator's t0 is left where a recorded graph launches it, beside its
  /// neighbours.
  double launch_share = 1.0;
  double kernels_per_layer = 8;       ///< Small kernels beside the matrix products ...
  double kernel_s = 2e-6;             ///< ... and each one's time.
  double prefill_attention_s = 8e-6;  ///< Once a chunk and layer.
  double kv8_efficiency = 0.6;        ///< Bandwidth reached on an 8-bit cache, against 16 bit.
  double moe_prefill_layer_s = 0.0;   ///< Least time of an expert layer in a step with prompts.
  double eager_layer_s = 0.37e-3;     ///< Host time of a layer without recorded graphs.
  bool plans_ahead = false;           ///< Plans a step while the one before it runs.
  double memory_share = 0.9;
  double reserve_bytes = 3.5e9;     ///< Activations, graphs and communication buffers of each GPU.
  std::vector<std::string> fitted;  ///< Figures that were fitted to serving measurements.
  std::map<std::string, double> priors;  ///< What they were before, in the file's units.
};

/// All profiles that are part of the binary.
const std::vector<GpuProfile>& gpu_profiles();
const std::vector<ModelProfile>& model_profiles();
const std::vector<EngineProfile>& engine_profiles();

/// The profile of that id or alias, case ignored, or of that file when it ends in .json: ours, or a
/// Hugging Face config.json. The error names the nearest.
Result<GpuProfile> find_gpu(std::string_view id);
Result<ModelProfile> find_model(std::string_view id);
Result<EngineProfile> find_engine(std::string_view id);

/// Reads one profile; `what` names it in errors.
Result<GpuProfile> read_gpu(const Json& json, std::string_view what);
Result<ModelProfile> read_model(const Json& json, std::string_view what);
Result<EngineProfile> read_engine(const Json& json, std::string_view what);

}  // namespace tacho
