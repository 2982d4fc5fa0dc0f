// How long one step of the engine takes: a fixed cost for reading the weights, and costs per token
// and per sequence. A first model, honest about its shape: a single roofline, no collectives, no
// kernels of their own.
#pragma once

#include <cstdint>

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

/// The costs of one GPU, model and tensor-parallel degree, in seconds.
class StepTime {
 public:
  StepTime(const GpuProfile& gpu, const ModelProfile& model, std::uint32_t tensor_parallel);

  /// The duration of a step: the larger of compute and memory time, plus the host's overhead.
  Duration of(const StepWork& work) const;

  /// Tokens that fit into the cache, with 10 % of the memory and the weights set aside; 0 when the
  /// weights do not fit.
  std::uint64_t kv_tokens() const { return kv_tokens_; }

 private:
  double weights_s_ = 0.0;
  double compute_s_per_token_ = 0.0;
  double kv_s_per_token_ = 0.0;
  std::uint64_t kv_tokens_ = 0;
};

}  // namespace tacho
