#include "sim/operators.h"

#include <algorithm>
#include <cmath>

namespace tacho {
namespace {

constexpr double activation_bytes = 2.0;
constexpr double small_kernel_bandwidth = 0.7;  // Share that element-wise kernels reach.
constexpr double gather_s = 8e-6;               // The logits of all GPUs come together.
// The busiest GPU of several that share the experts has this much more than its share.
constexpr double expert_imbalance = 1.15;
// Tokens choose alike: so many of them reach as many experts as this share of them would, were they
// to choose evenly. Fitted to Qwen3-235B and gpt-oss from 4 to 128 sequences.
constexpr double independent_share = 0.5;

/// The column of 2, 4 or 8 GPUs; more of them take the last.
std::size_t column(std::uint32_t gpus) { return gpus <= 2 ? 0 : gpus <= 4 ? 1 : 2; }

double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
  if (at <= x.front()) return y.front();
  std::size_t i = 1;
  while (i + 1 < x.size() && x[i] < at) ++i;
  const double share = std::log(at / x[i - 1]) / std::log(x[i] / x[i - 1]);
  return y[i - 1] * std::pow(y[i] / y[i - 1], share);  // Beyond the end, the last slope goes on.
}

}  // namespace

double joined(const OperatorLaw& law, double compute_s, double memory_s) {
  const double larger = std::max(compute_s, memory_s);
  if (larger <= 0.0) return law.t0_s;
  const double ratio = std::min(compute_s, memory_s) / larger;
  return law.t0_s + larger * std::pow(1.0 + std::pow(ratio, law.join), 1.0 / law.join);
}

double all_reduce_s(const AllReduce& table, std::uint32_t gpus, double elements) {
  if (gpus <= 1) return 0.0;
  const std::size_t i = column(gpus);
  if (table.elements.empty()) {
    const double p = gpus;
    return table.start_s[i] + 2.0 * (p - 1.0) / p * elements * 2.0 / table.bus_bytes_per_s[i];
  }
  const double whole = interpolate(table.elements, table.table_s[i], elements);
  const double least = table.table_s[i].front();  // Latency, which slower links share.
  return least + (whole - least) / table.bandwidth_scale;
}

Operators::Operators(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving)
    : gpu_(gpu),
      model_(model),
      serving_(serving),
      dense_(model.only_experts_are_narrow(serving.precision) ? NumberFormat::bf16
                                                              : serving.precision),
      gpus_(serving.tensor_parallel) {}

double Operators::peak(NumberFormat precision) const {
  const double narrow = gpu_.flops[static_cast<std::size_t>(precision)];
  return narrow > 0.0 ? narrow : gpu_.flops[0];  // Else the weights are narrow and the rest is not.
}

bool Operators::has_blocks(NumberFormat precision) const {
  return precision == NumberFormat::fp8 && model_.fp8_blocks;
}

double Operators::gemm(double tokens, double n, double k, NumberFormat precision) const {
  OperatorLaw law =
      GpuProfile::law(gpu_.gemm, serving_.engine.id, precision, has_blocks(precision));
  law.t0_s *= serving_.engine.launch_share;
  const double bytes =
      n * k * weight_bytes(precision) +
      tokens * (k * std::min(activation_bytes, weight_bytes(precision)) + n * activation_bytes);
  return joined(law, 2.0 * tokens * n * k / (law.compute * peak(precision)),
                bytes / (law.bandwidth * gpu_.bandwidth_bytes_per_s));
}

double Operators::mla_projections(double tokens) const {
  const double h = model_.hidden, heads = model_.heads / gpus_;
  const double q_dim = model_.nope_dim + model_.rope_dim;
  const double down = model_.q_lora + model_.kv_lora + model_.rope_dim;
  double time = gemm(tokens, down, h, dense_);  // One product makes both latent vectors.
  time += gemm(tokens, heads * q_dim, model_.q_lora > 0 ? model_.q_lora : h, dense_);
  time += gemm(tokens, heads * model_.kv_lora, model_.nope_dim, dense_);
  time += gemm(tokens, heads * model_.v_dim, model_.kv_lora, dense_);
  return time + gemm(tokens, h, heads * model_.v_dim, dense_);
}

double Operators::projections(double tokens) const {
  if (model_.has_mla()) return mla_projections(tokens);
  const double h = model_.hidden, d = model_.head_dim;
  const double heads = model_.heads / gpus_, kv_heads = std::max(1.0, model_.kv_heads / gpus_);
  return gemm(tokens, (heads + 2.0 * kv_heads) * d, h, dense_) + gemm(tokens, h, heads * d, dense_);
}

double Operators::feed_forward(double tokens, double width) const {
  const double h = model_.hidden, f = width / gpus_;
  return gemm(tokens, (model_.is_gated ? 2.0 : 1.0) * f, h, dense_) + gemm(tokens, h, f, dense_);
}

double Operators::experts(double tokens) const {
  const double k = model_.experts_per_token, all = model_.experts, h = model_.hidden;
  const double matrices = model_.is_gated ? 3.0 : 2.0;
  const NumberFormat precision = serving_.precision;
  OperatorLaw law = GpuProfile::law(gpu_.moe, serving_.engine.id, precision, has_blocks(precision));
  law.t0_s *= serving_.engine.launch_share;
  // Experts that at least one token goes to, when each token picks k of them.
  const double active =
      all * (1.0 - std::pow(1.0 - k / all, 1.0 + (tokens - 1.0) * independent_share));
  const double load = serving_.expert_parallel > 1 ? expert_imbalance : 1.0;
  const double weights = active * matrices * h * model_.expert_ffn / gpus_;
  const double flops = 2.0 * matrices * tokens * k * h * model_.expert_ffn / gpus_ * load;
  const double bytes = weights * weight_bytes(precision) * load +
                       tokens * k * h * 2.0 * activation_bytes / serving_.expert_parallel;
  double time = joined(law, flops / (law.compute * peak(precision)),
                       bytes / (law.bandwidth * gpu_.bandwidth_bytes_per_s));
  time += gemm(tokens, all, h, NumberFormat::bf16);  // The router.
  if (model_.shared_experts > 0)
    time += feed_forward(tokens, static_cast<double>(model_.shared_experts) * model_.expert_ffn);
  return time;
}

double Operators::all_reduce(double tokens) const {
  return all_reduce_s(gpu_.all_reduce, serving_.tensor_parallel, tokens * model_.hidden);
}

double Operators::small_kernels(double tokens) const {
  const double width = model_.experts > 0
                           ? static_cast<double>(model_.experts_per_token) * model_.expert_ffn
                           : model_.ffn;
  const double bytes = tokens * (8.0 * model_.hidden + 3.0 * width / gpus_) * activation_bytes;
  return serving_.engine.kernels_per_layer * serving_.engine.kernel_s +
         bytes / (small_kernel_bandwidth * gpu_.bandwidth_bytes_per_s);
}

double Operators::head(double rows) const {
  if (rows <= 0.0) return 0.0;
  return gemm(rows, model_.vocabulary / gpus_, model_.hidden, NumberFormat::bf16) +
         (serving_.tensor_parallel > 1 ? gather_s : 0.0);
}

double Operators::layers(double tokens) const {
  const double moe = model_.moe_layers(), dense = model_.layers - moe;
  double time =
      model_.layers * (projections(tokens) + small_kernels(tokens) + 2.0 * all_reduce(tokens));
  if (dense > 0.0) time += dense * feed_forward(tokens, model_.ffn);
  if (moe > 0.0) time += moe * experts(tokens);
  return time;
}

}  // namespace tacho
