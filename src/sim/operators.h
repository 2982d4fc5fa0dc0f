// The time of single operators on a GPU: matrix products, experts, all-reduces. Slow to evaluate
// and called only when a StepTime is made.
#pragma once

#include "sim/step_time.h"

namespace tacho {

/// Times of the operators of one GPU, model and way of serving, in seconds, for `tokens` tokens in
/// a step.
class Operators {
 public:
  Operators(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving);

  /// A matrix product of `tokens` rows with weights of n × k.
  double gemm(double tokens, double n, double k, NumberFormat precision) const;
  /// The projections of one attention layer, without the attention itself.
  double projections(double tokens) const;
  /// One dense feed-forward layer of that width.
  double feed_forward(double tokens, double width) const;
  /// One layer of experts, with the shared ones and the router.
  double experts(double tokens) const;
  /// One all-reduce of the hidden states; 0 on one GPU.
  double all_reduce(double tokens) const;
  /// The small kernels of one layer.
  double small_kernels(double tokens) const;
  /// The output matrix for that many rows.
  double head(double rows) const;
  /// Everything in all layers that depends on the number of tokens alone.
  double layers(double tokens) const;

 private:
  double peak(NumberFormat precision) const;
  bool has_blocks(NumberFormat precision) const;
  double mla_projections(double tokens) const;
  const GpuProfile& gpu_;
  const ModelProfile& model_;
  const Serving& serving_;
  NumberFormat dense_;  ///< Of what is no expert.
  double gpus_;
};

/// (compute^q + memory^q)^(1/q), plus t0.
double joined(const OperatorLaw& law, double compute_s, double memory_s);

/// The all-reduce of so many 16-bit elements over the GPUs.
double all_reduce_s(const AllReduce& table, std::uint32_t gpus, double elements);

}  // namespace tacho
