// How long one step of the engine takes, operator by operator: matrix products, attention, experts,
// collectives, small kernels, the host. docs/engine-model.md has the formulas and where they come
// from.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "sim/profile.h"

namespace tacho {

/// What one step processes. A chunk is a piece of one prompt, of c tokens after S that are in the
/// cache already.
struct StepWork {
  std::uint32_t decode_sequences = 0;
  std::uint64_t decode_context = 0;  ///< Cached tokens that the decoding sequences attend to.
  std::uint32_t prefill_chunks = 0;
  std::uint32_t prefill_tokens = 0;
  double prefill_pairs = 0.0;  ///< Pairs that causal attention looks at: c (S + c/2), summed.
  std::uint32_t finishing_chunks = 0;  ///< Chunks that end their prompt, and so yield a token.
  std::uint32_t draft_tokens = 0;      ///< Drafted tokens that the decodes verify beside their own.
  std::uint32_t iterations = 1;        ///< Decodes in a row before the host hears of them.
  std::uint32_t adapters = 0;          ///< Different LoRA adapters, the sum of their ranks, ...
  std::uint32_t adapter_ranks = 0;
  std::uint32_t adapter_loads = 0;  ///< ... those that must be brought to the GPU first, ...
  std::uint32_t loaded_ranks = 0;
  std::uint32_t adapter_tokens = 0;  ///< ... and the tokens that they are applied to.

  /// Adds sequences that decode one token each, of so much context in all.
  StepWork& add_decodes(std::uint32_t sequences, std::uint64_t context) {
    decode_sequences += sequences;
    decode_context += context;
    return *this;
  }
  /// Adds a chunk of `tokens` after `before` tokens that are in the cache.
  StepWork& add_chunk(std::uint32_t tokens, std::uint32_t before = 0, bool ends_prompt = true) {
    ++prefill_chunks;
    prefill_tokens += tokens;
    prefill_pairs += tokens * (before + tokens / 2.0);
    finishing_chunks += ends_prompt ? 1 : 0;
    return *this;
  }
};

/// How a model is served: what its times depend on beside the GPU and the model.
struct Serving {
  std::uint32_t tensor_parallel = 1;
  std::uint32_t expert_parallel = 1;  ///< Of the tensor-parallel GPUs, how many share the experts.
  NumberFormat precision = NumberFormat::bf16;
  double kv_element_bytes = 2.0;  ///< 1: an 8-bit cache.
  bool is_eager = false;          ///< Kernels are launched one by one, not as recorded graphs.
  EngineProfile engine = {};
};

/// The step times of one GPU, model and way of serving. Whatever depends on the number of tokens
/// alone is tabulated when this is made (about a millisecond), and the rest is affine in the work,
/// so that asking costs some ten nanoseconds.
class StepTime {
 public:
  StepTime(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving);
  /// On vLLM, at 16 bit.
  StepTime(const GpuProfile& gpu, const ModelProfile& model, std::uint32_t tensor_parallel);

  /// The duration of a step: the GPU's operators one after the other, or the host where it is
  /// slower, and the host's overhead.
  Duration of(const StepWork& work) const;

  /// What a request costs outside of any step: HTTP, tokenizer, hand-overs.
  Duration request_overhead(std::uint32_t prompt_tokens) const;

  /// Tokens that fit into the cache, with the engine's share of the memory, its reserve and the
  /// weights set aside; 0 when the weights do not fit.
  std::uint64_t kv_tokens() const { return kv_tokens_; }

 private:
  void set_attention(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving);
  void set_memory(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving);

  std::vector<double> layers_s_;     ///< All layers by number of tokens, on a grid.
  std::vector<double> head_s_;       ///< The output matrix by number of rows.
  double decode_attention_s_ = 0.0;  ///< Once a step that decodes.
  double decode_context_s_ = 0.0;    ///< For each token of context, full layers.
  double window_context_s_ = 0.0;    ///< The same in layers with a window.
  double window_ = 0.0;              ///< Tokens; 0: no layer has one.
  double prefill_chunk_s_ = 0.0;
  double prefill_pair_s_ = 0.0;
  double window_pair_s_ = 0.0;
  double prefill_least_s_ = 0.0;  ///< A step with prompts takes at least this.
  double host_least_s_ = 0.0;     ///< Any step takes at least this (eager mode).
  double step_s_ = 0.0, sequence_s_ = 0.0, prefill_step_s_ = 0.0;
  double request_s_ = 0.0, prompt_token_s_ = 0.0;
  std::uint64_t kv_tokens_ = 0;
};

/// Why a model does not fit, or nothing when it does: what is missing, and what would fit.
Status check_fit(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving);

}  // namespace tacho
