// Hardware and model profiles of the simulated engine: the few figures that a step's time is made
// of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tacho {

/// One accelerator. Figures are the vendor's data sheets', dense, without sparsity.
struct GpuProfile {
  std::string_view id;       ///< As typed: h800.
  std::string_view name;     ///< As shown: NVIDIA H800 SXM.
  double flops_16bit = 0.0;  ///< FP16/BF16 FLOP/s.
  double memory_bytes = 0.0;
  double bandwidth_bytes_per_s = 0.0;
  double compute_efficiency = 0.0;    ///< Share of the peak that large matrix products reach.
  double bandwidth_efficiency = 0.0;  ///< Share of the peak that streaming weights reaches.
};

/// One model, in 16-bit weights and cache.
struct ModelProfile {
  std::string_view id;
  double parameters = 0.0;
  double active_parameters = 0.0;   ///< Per token; less than all in a mixture of experts.
  double kv_bytes_per_token = 0.0;  ///< Over all layers.
  std::uint32_t context_max = 0;
};

/// All profiles there are.
const std::vector<GpuProfile>& gpu_profiles();
const std::vector<ModelProfile>& model_profiles();

/// The profile of that id, case ignored; the error lists those there are.
Result<GpuProfile> find_gpu(std::string_view id);
Result<ModelProfile> find_model(std::string_view id);

}  // namespace tacho
