// The duration of a step with all that may be in it: the model's own time, that of a draft model
// before it, and that of LoRA adapters beside it.
#pragma once

#include <functional>
#include <optional>

#include "sim/step_time.h"

namespace tacho {

/// The duration of a step.
using StepCost = std::function<Duration(const StepWork&)>;

/// What a step takes beside the model's own time.
struct StepExtras {
  std::optional<ModelProfile> draft_model;  ///< None: drafts are looked up, which costs nothing.
  std::uint32_t drafts = 0;                 ///< Tokens that it drafts for each sequence.
};

/// The cost of steps of this model served so.
StepCost make_step_cost(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving,
                        const StepExtras& extras = {});

/// Bytes of a LoRA adapter for each unit of its rank, at 16 bit, over all matrices of attention and
/// of dense feed-forward layers.
double adapter_bytes_per_rank(const ModelProfile& model);

}  // namespace tacho
