#include "sim/profile.h"

#include <algorithm>

#include "base/embedded.h"
#include "base/text.h"
#include "sim/profile_lists.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(profile_gpus)
TACHO_EMBEDDED(profile_models)
TACHO_EMBEDDED(profile_engines)

constexpr std::string_view precision_names[] = {"bf16", "fp8", "int8", "int4", "fp4"};

/// The profiles of an embedded file. That they can be read is what the unit tests check.
template <class Profile>
std::vector<Profile> read_all(std::string_view text, const char* key,
                              Result<Profile> (*read)(const Json&, std::string_view)) {
  const auto json = parse_json(text, key);
  TACHO_ASSERT(json.ok());
  std::vector<Profile> all;
  for (const Json& one : (*json)[key]) {
    auto profile = read(one, json_string(one, "id"));
    TACHO_ASSERT(profile.ok());
    all.push_back(std::move(*profile));
  }
  return all;
}

}  // namespace

std::string_view to_text(NumberFormat precision) {
  return precision_names[static_cast<std::size_t>(precision)];
}

Result<NumberFormat> parse_precision(std::string_view text) {
  const std::string word = lower(text);
  for (std::size_t i = 0; i < precision_count; ++i) {
    if (word == precision_names[i]) return static_cast<NumberFormat>(i);
  }
  if (word == "fp16" || word == "float16" || word == "bfloat16" || word == "auto")
    return NumberFormat::bf16;
  if (word == "fp8_block" || word == "fp8-block" || word == "fp8_e4m3") return NumberFormat::fp8;
  if (word == "w8a8" || word == "w8a16") return NumberFormat::int8;
  if (word == "w4a16" || word == "awq" || word == "gptq") return NumberFormat::int4;
  if (word == "mxfp4" || word == "nvfp4" || word == "w4a16_mxfp4") return NumberFormat::fp4;
  return input_error(format("unknown precision '{}'; there are bf16, fp8, int8, int4, fp4", text));
}

double weight_bytes(NumberFormat precision) {
  switch (precision) {
    case NumberFormat::bf16:
      return 2.0;
    case NumberFormat::fp8:
      return 1.0;
    case NumberFormat::int8:
      return 1.03;
    case NumberFormat::int4:
    case NumberFormat::fp4:
      return 0.5 + 1.0 / 32.0;  // One byte of scale for 32 weights.
  }
  return 2.0;
}

std::string GpuProfile::law_name(const std::map<std::string, OperatorLaw>& laws,
                                 std::string_view engine, NumberFormat precision, bool has_blocks) {
  const std::string word(to_text(precision)), of_engine = std::string(engine) + "/";
  std::vector<std::string> names{of_engine + word, word, of_engine + "bf16", "bf16"};
  if (has_blocks) names.insert(names.begin(), {of_engine + word + "-block", word + "-block"});
  for (const std::string& name : names) {
    if (laws.contains(name)) return name;
  }
  return laws.empty() ? "" : laws.begin()->first;
}

OperatorLaw GpuProfile::law(const std::map<std::string, OperatorLaw>& laws, std::string_view engine,
                            NumberFormat precision, bool has_blocks) {
  const auto found = laws.find(law_name(laws, engine, precision, has_blocks));
  return found == laws.end() ? OperatorLaw{} : found->second;
}

double ModelProfile::attention_parameters() const {
  const double h = hidden, n = heads, d = head_dim;
  if (!has_mla()) return h * d * (n + 2.0 * kv_heads) + n * d * h;
  const double q =
      q_lora > 0 ? h * q_lora + q_lora * n * (nope_dim + rope_dim) : h * n * (nope_dim + rope_dim);
  return q + h * (kv_lora + rope_dim) + kv_lora * n * (nope_dim + v_dim) + n * v_dim * h;
}

double ModelProfile::dense_ffn_parameters() const {
  return (is_gated ? 3.0 : 2.0) * hidden * static_cast<double>(ffn);
}

double ModelProfile::expert_parameters() const {
  return (is_gated ? 3.0 : 2.0) * hidden * static_cast<double>(expert_ffn);
}

double ModelProfile::parameters() const {
  const double embeddings = (is_tied ? 1.0 : 2.0) * vocabulary * static_cast<double>(hidden);
  const double moe = moe_layers();
  return embeddings + layers * attention_parameters() + (layers - moe) * dense_ffn_parameters() +
         moe * (experts + shared_experts) * expert_parameters() +
         moe * hidden * static_cast<double>(experts);
}

double ModelProfile::active_parameters() const {
  return parameters() -
         moe_layers() * (static_cast<double>(experts) - experts_per_token) * expert_parameters();
}

bool ModelProfile::only_experts_are_narrow(NumberFormat in) const {
  return experts > 0 && in == NumberFormat::fp4 && precision == NumberFormat::fp4;
}

double ModelProfile::weights_bytes(NumberFormat in) const {
  const double embeddings = (is_tied ? 1.0 : 2.0) * vocabulary * static_cast<double>(hidden);
  const double in_experts = moe_layers() * static_cast<double>(experts) * expert_parameters();
  const double others = parameters() - embeddings - in_experts;
  const double of_others = weight_bytes(only_experts_are_narrow(in) ? NumberFormat::bf16 : in);
  return 2.0 * embeddings + of_others * others + weight_bytes(in) * in_experts;
}

double ModelProfile::kv_elements(std::uint32_t tensor_parallel) const {
  if (has_mla()) return kv_lora + rope_dim;  // Each GPU keeps all of it.
  return 2.0 * head_dim * std::max(1.0, static_cast<double>(kv_heads) / tensor_parallel);
}

double ModelProfile::kv_bytes_per_token(std::uint32_t tensor_parallel, double element_bytes) const {
  return kv_elements(tensor_parallel) * element_bytes * layers * tensor_parallel;
}

Json embedded_profile(std::string_view kind, std::string_view id) {
  const bool is_gpu = kind == "gpu", is_model = kind == "model";
  const auto json = parse_json(is_gpu     ? profile_gpus()
                               : is_model ? profile_models()
                                          : profile_engines(),
                               "profiles");
  TACHO_ASSERT(json.ok());
  for (const Json& one : (*json)[is_gpu ? "gpus" : is_model ? "models" : "engines"]) {
    if (equal_ignoring_case(json_string(one, "id"), id)) return one;
  }
  return {};
}

const std::vector<GpuProfile>& gpu_profiles() {
  static const auto all = read_all<GpuProfile>(profile_gpus(), "gpus", read_gpu);
  return all;
}

const std::vector<ModelProfile>& model_profiles() {
  static const auto all = read_all<ModelProfile>(profile_models(), "models", read_model);
  return all;
}

const std::vector<EngineProfile>& engine_profiles() {
  static const auto all = read_all<EngineProfile>(profile_engines(), "engines", read_engine);
  return all;
}

Result<GpuProfile> find_gpu(std::string_view id) {
  return find_profile(gpu_profiles(), id, "GPU", read_gpu);
}

Result<ModelProfile> find_model(std::string_view id) {
  return find_profile(model_profiles(), id, "model", read_model);
}

Result<EngineProfile> find_engine(std::string_view id) {
  return find_profile(engine_profiles(), id, "engine", read_engine);
}

}  // namespace tacho
