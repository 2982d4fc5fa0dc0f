#include "sim/step_time.h"

#include <algorithm>

namespace tacho {
namespace {

constexpr double bytes_per_weight = 2.0;
// Host time of a vLLM V1 step: a constant and a share per sequence, from public measurements
// (1.0-1.2 ms, 8-25 µs).
constexpr double host_s_per_step = 1.1e-3;
constexpr double host_s_per_sequence = 12e-6;
constexpr double memory_share = 0.9;
constexpr double reserve_bytes =
    3.5e9;  ///< Activations, graphs and communication buffers of each GPU.

}  // namespace

StepTime::StepTime(const GpuProfile& gpu, const ModelProfile& model,
                   std::uint32_t tensor_parallel) {
  const double gpus = tensor_parallel;
  const double bandwidth = gpus * gpu.bandwidth_bytes_per_s * gpu.bandwidth_efficiency;
  weights_s_ = model.active_parameters * bytes_per_weight / bandwidth;
  compute_s_per_token_ =
      2.0 * model.active_parameters / (gpus * gpu.flops_16bit * gpu.compute_efficiency);
  kv_s_per_token_ = model.kv_bytes_per_token / bandwidth;
  const double room = gpus * (memory_share * gpu.memory_bytes - reserve_bytes) -
                      model.parameters * bytes_per_weight;
  kv_tokens_ = room > 0.0 ? static_cast<std::uint64_t>(room / model.kv_bytes_per_token) : 0;
}

Duration StepTime::of(const StepWork& work) const {
  const double tokens = work.decode_sequences + work.prefill_tokens;
  const double memory_s = weights_s_ + static_cast<double>(work.decode_context) * kv_s_per_token_;
  const double compute_s = tokens * compute_s_per_token_;
  return from_s(std::max(memory_s, compute_s) + host_s_per_step +
                host_s_per_sequence * work.decode_sequences);
}

}  // namespace tacho
