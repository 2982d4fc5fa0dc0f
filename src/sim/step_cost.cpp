#include "sim/step_cost.h"

namespace tacho {
namespace {

// Each of four groups of matrices a layer gets two small kernels more, one into the adapter's rank
// and one out of it (Chen et al. 2024, Punica). The shares of the peaks are ours: ranks are narrow.
constexpr double kernels_per_layer = 8.0;
constexpr double bandwidth_share = 0.6;
constexpr double compute_share = 0.2;
// An adapter comes from the host's memory over PCIe.
constexpr double load_s = 1.5e-3;
constexpr double load_bytes_per_s = 25e9;

/// The time of adapters, without the model's.
struct AdapterTime {
  AdapterTime(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving) {
    const double p = serving.tensor_parallel, bytes = adapter_bytes_per_rank(model);
    launch_s = kernels_per_layer * model.layers * serving.engine.kernel_s;
    rank_s = bytes / p / (bandwidth_share * gpu.bandwidth_bytes_per_s);
    // Two operations for each element, of two bytes.
    token_rank_s = bytes / p / (compute_share * gpu.flops[0]);
    loaded_rank_s = bytes / load_bytes_per_s;
  }
  Duration of(const StepWork& work) const {
    const double rank = static_cast<double>(work.adapter_ranks) / work.adapters;
    const double step =
        launch_s + work.adapter_ranks * rank_s + work.adapter_tokens * rank * token_rank_s;
    return from_s(work.iterations * step + work.adapter_loads * load_s +
                  work.loaded_ranks * loaded_rank_s);
  }
  double launch_s = 0.0, rank_s = 0.0, token_rank_s = 0.0, loaded_rank_s = 0.0;
};

}  // namespace

double adapter_bytes_per_rank(const ModelProfile& model) {
  const double h = model.hidden, q = model.heads * model.head_dim,
               kv = model.kv_heads * model.head_dim;
  const double attention = model.layers * (3.0 * h + q + 2.0 * kv + q + h);
  const double matrices = model.is_gated ? 3.0 : 2.0;
  const double ffn = (model.layers - model.moe_layers()) * matrices * (h + model.ffn);
  return 2.0 * (attention + ffn);
}

StepCost make_step_cost(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving,
                        const StepExtras& extras) {
  std::optional<StepTime> draft;
  if (extras.draft_model) draft.emplace(gpu, *extras.draft_model, serving);
  return [time = StepTime(gpu, model, serving), adapters = AdapterTime(gpu, model, serving), draft,
          drafts = extras.drafts](const StepWork& work) {
    Duration step = time.of(work);
    if (draft && work.draft_tokens > 0) {
      // One token after the other, all sequences together, and the host hears of them at the end.
      StepWork drafting = StepWork{}.add_decodes(work.decode_sequences, work.decode_context);
      drafting.iterations = drafts;
      step += draft->of(drafting);
    }
    if (work.adapters > 0) step += adapters.of(work);
    return step;
  };
}

}  // namespace tacho
