#include "sim/profile.h"

#include "base/text.h"

namespace tacho {
namespace {

template <class Profile>
Result<Profile> find(const std::vector<Profile>& all, std::string_view id, std::string_view kind) {
  std::vector<std::string> ids;
  for (const auto& profile : all) {
    if (equal_ignoring_case(profile.id, id)) return profile;
    ids.emplace_back(profile.id);
  }
  return input_error(format("unknown {} '{}'; there are {}", kind, id, join(ids, ", ")));
}

}  // namespace

// Peaks, memory and bandwidth: NVIDIA's data sheets (H20 and the x800 parts as published by their
// vendors). Efficiencies: fitted to public measurements of matrix products on A100, H100, H200,
// L40S and RTX 4090; the x800 parts take those of their sisters.
const std::vector<GpuProfile>& gpu_profiles() {
  static const std::vector<GpuProfile> all{
      {"rtx4090", "NVIDIA RTX 4090", 165.2e12, 24e9, 1.008e12, 0.90, 0.91},
      {"l20", "NVIDIA L20", 119.5e12, 48e9, 0.864e12, 0.62, 0.80},
      {"l40s", "NVIDIA L40S", 362e12, 48e9, 0.864e12, 0.62, 0.80},
      {"a800", "NVIDIA A800 SXM 80 GB", 312e12, 80e9, 2.039e12, 0.85, 0.75},
      {"a100", "NVIDIA A100 SXM 80 GB", 312e12, 80e9, 2.039e12, 0.85, 0.75},
      {"h20", "NVIDIA H20", 148e12, 96e9, 4.0e12, 0.88, 0.82},
      {"h800", "NVIDIA H800 SXM", 989e12, 80e9, 3.35e12, 0.80, 0.86},
      {"h100", "NVIDIA H100 SXM", 989e12, 80e9, 3.35e12, 0.80, 0.86},
      {"h200", "NVIDIA H200 SXM", 989e12, 141e9, 4.8e12, 0.80, 0.82},
  };
  return all;
}

// Parameters and cache sizes follow from each model's published configuration.
const std::vector<ModelProfile>& model_profiles() {
  constexpr double kib = 1024.0;
  static const std::vector<ModelProfile> all{
      {"qwen2.5-0.5b", 0.49e9, 0.49e9, 12 * kib, 32768},
      {"llama-2-7b", 6.74e9, 6.74e9, 512 * kib, 4096},
      {"qwen2.5-7b", 7.62e9, 7.62e9, 56 * kib, 32768},
      {"llama-3-8b", 8.03e9, 8.03e9, 128 * kib, 8192},
      {"llama-3.1-8b", 8.03e9, 8.03e9, 128 * kib, 131072},
      {"qwen3-8b", 8.19e9, 8.19e9, 144 * kib, 40960},
      {"qwen2.5-14b", 14.77e9, 14.77e9, 192 * kib, 32768},
      {"qwen2.5-32b", 32.76e9, 32.76e9, 256 * kib, 32768},
      {"mixtral-8x7b", 46.7e9, 12.9e9, 128 * kib, 32768},
      {"llama-2-70b", 68.98e9, 68.98e9, 320 * kib, 4096},
      {"llama-3-70b", 70.55e9, 70.55e9, 320 * kib, 8192},
      {"qwen2.5-72b", 72.7e9, 72.7e9, 320 * kib, 32768},
  };
  return all;
}

Result<GpuProfile> find_gpu(std::string_view id) { return find(gpu_profiles(), id, "GPU"); }

Result<ModelProfile> find_model(std::string_view id) { return find(model_profiles(), id, "model"); }

}  // namespace tacho
