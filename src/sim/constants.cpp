#include "sim/constants.h"

#include <limits>

namespace tacho {
namespace {

struct EngineConstant {
  std::string_view name;
  double EngineProfile::*place;
};

constexpr EngineConstant of_engine[] = {
    {"step_ms", &EngineProfile::step_s},
    {"sequence_us", &EngineProfile::sequence_s},
    {"prefill_step_ms", &EngineProfile::prefill_step_s},
    {"request_ms", &EngineProfile::request_s},
    {"prompt_token_us", &EngineProfile::prompt_token_s},
    {"launch_share", &EngineProfile::launch_share},
    {"kernels_per_layer", &EngineProfile::kernels_per_layer},
    {"kernel_us", &EngineProfile::kernel_s},
    {"prefill_attention_us", &EngineProfile::prefill_attention_s},
    {"kv8_efficiency", &EngineProfile::kv8_efficiency},
    {"moe_prefill_layer_ms", &EngineProfile::moe_prefill_layer_s},
    {"eager_layer_ms", &EngineProfile::eager_layer_s},
    {"memory_share", &EngineProfile::memory_share},
    {"reserve_gb", &EngineProfile::reserve_bytes},
};

double* law_constant(std::map<std::string, OperatorLaw>& laws, std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 2 != name.size()) return nullptr;
  const auto law = laws.find(std::string(name.substr(0, dot)));
  if (law == laws.end()) return nullptr;
  switch (name.back()) {
    case '0':
      return &law->second.compute;
    case '1':
      return &law->second.bandwidth;
    case '2':
      return &law->second.t0_s;
    default:
      return nullptr;
  }
}

}  // namespace

double* find_constant(EngineProfile& engine, std::string_view name) {
  for (const EngineConstant& one : of_engine) {
    if (one.name == name) return &(engine.*one.place);
  }
  return nullptr;
}

double* find_constant(GpuProfile& gpu, std::string_view name) {
  if (name.starts_with("gemm.")) return law_constant(gpu.gemm, name.substr(5));
  if (name.starts_with("moe.")) return law_constant(gpu.moe, name.substr(4));
  if (name == "efficiency") return &gpu.efficiency;
  if (name == "attention.prefill_compute") return &gpu.attention_prefill_compute;
  if (name == "attention.decode_bandwidth") return &gpu.attention_decode_bandwidth;
  if (name == "attention.decode_t0_us") return &gpu.attention_decode_t0_s;
  return nullptr;
}

double constant_unit(std::string_view name) {
  if (name.ends_with("_ms")) return 1e-3;
  if (name.ends_with("_us") || name.ends_with(".2")) return 1e-6;
  return name.ends_with("_gb") ? 1e9 : 1.0;
}

double constant_max(std::string_view name) {
  const bool is_share = name.ends_with("_share") || name == "kv8_efficiency" ||
                        name.ends_with(".0") || name.ends_with(".1") ||
                        name.starts_with("attention.prefill") || name.ends_with("_bandwidth");
  return is_share ? 1.0 : std::numeric_limits<double>::max();
}

std::vector<std::string> engine_constants() {
  std::vector<std::string> names;
  for (const EngineConstant& one : of_engine) names.emplace_back(one.name);
  return names;
}

}  // namespace tacho
