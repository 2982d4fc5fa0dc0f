#include "sim/step_time.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/text.h"
#include "sim/operators.h"

namespace tacho {
namespace {

// The tables have an entry for every number of tokens up to this, and from there on so many entries
// for each doubling, up to a million tokens.
constexpr std::uint32_t dense_entries = 256;
constexpr std::uint32_t entries_per_doubling = 32;
constexpr std::uint32_t doublings = 12;

/// The number of tokens of an entry.
double entry_tokens(std::uint32_t entry) {
  if (entry <= dense_entries) return entry;
  const std::uint32_t beyond = entry - dense_entries;
  const double start = std::ldexp(dense_entries, static_cast<int>(beyond / entries_per_doubling));
  return start *
         (1.0 + (beyond % entries_per_doubling) / static_cast<double>(entries_per_doubling));
}

template <class Function>
std::vector<double> tabulate(std::uint32_t last, const Function& function) {
  std::vector<double> table(last + 1);
  for (std::uint32_t i = 0; i <= last; ++i) table[i] = function(entry_tokens(i));
  return table;
}

double look_up(const std::vector<double>& table, std::uint32_t tokens) {
  if (tokens <= dense_entries) return table[tokens];
  const auto doubling = static_cast<std::uint32_t>(std::bit_width(tokens / dense_entries)) - 1;
  const double width = std::ldexp(dense_entries / static_cast<double>(entries_per_doubling),
                                  static_cast<int>(doubling));
  const double position = (tokens - std::ldexp(dense_entries, static_cast<int>(doubling))) / width;
  const auto offset = static_cast<std::uint32_t>(position);
  const std::size_t entry = std::min<std::size_t>(
      dense_entries + doubling * entries_per_doubling + offset, table.size() - 2);
  const double share = (tokens - entry_tokens(static_cast<std::uint32_t>(entry))) / width;
  return table[entry] + share * (table[entry + 1] - table[entry]);
}

}  // namespace

StepTime::StepTime(const GpuProfile& gpu, const ModelProfile& model, std::uint32_t tensor_parallel)
    : StepTime(gpu, model, Serving{.tensor_parallel = tensor_parallel}) {}

StepTime::StepTime(const GpuProfile& peaks, const ModelProfile& model, const Serving& serving) {
  GpuProfile gpu = peaks;
  for (double& flops : gpu.flops) flops *= peaks.efficiency;
  gpu.bandwidth_bytes_per_s *= peaks.efficiency;
  const EngineProfile& engine = serving.engine;
  const Operators operators(gpu, model, serving);
  const std::uint32_t last = dense_entries + doublings * entries_per_doubling;
  layers_s_ = tabulate(last, [&](double tokens) { return operators.layers(tokens); });
  head_s_ = tabulate(last, [&](double rows) { return operators.head(rows); });
  set_attention(gpu, model, serving);
  set_memory(gpu, model, serving);
  prefill_least_s_ = model.moe_layers() * engine.moe_prefill_layer_s;
  host_least_s_ = serving.is_eager ? model.layers * engine.eager_layer_s : 0.0;
  step_s_ = engine.step_s;
  sequence_s_ = engine.sequence_s;
  prefill_step_s_ = engine.prefill_step_s;
  request_s_ = engine.request_s;
  prompt_token_s_ = engine.prompt_token_s;
}

void StepTime::set_attention(const GpuProfile& gpu, const ModelProfile& model,
                             const Serving& serving) {
  const double p = serving.tensor_parallel, heads = model.heads / p;
  const double peak = gpu.flops[0] * gpu.attention_prefill_compute;
  const double windowed = model.layers * model.window_layers_share, full = model.layers - windowed;
  double bandwidth = gpu.bandwidth_bytes_per_s * gpu.attention_decode_bandwidth;
  if (serving.kv_element_bytes < 2.0) bandwidth *= serving.engine.kv8_efficiency;
  double token_s =
      model.kv_elements(serving.tensor_parallel) * serving.kv_element_bytes / bandwidth;
  double pair_s = 4.0 * heads * model.head_dim / peak;
  if (model.has_mla()) {
    // Decoding works on the latent vectors; reading prompts on heads that are unfolded from them.
    token_s = std::max(token_s, 2.0 * heads * (2.0 * model.kv_lora + model.rope_dim) / peak);
    pair_s = 2.0 * heads * (model.nope_dim + model.rope_dim + model.v_dim) / peak;
  }
  decode_attention_s_ = model.layers * gpu.attention_decode_t0_s * serving.engine.launch_share;
  decode_context_s_ = full * token_s;
  window_context_s_ = windowed * token_s;
  window_ = model.window;
  prefill_chunk_s_ = model.layers * serving.engine.prefill_attention_s;
  prefill_pair_s_ = full * pair_s;
  window_pair_s_ = windowed * pair_s;
}

void StepTime::set_memory(const GpuProfile& gpu, const ModelProfile& model,
                          const Serving& serving) {
  const double p = serving.tensor_parallel;
  const double room =
      p * (serving.engine.memory_share * gpu.memory_bytes - serving.engine.reserve_bytes) -
      model.weights_bytes(serving.precision);
  // A layer with a window keeps no more than the window, whatever the context: next to nothing.
  const double token = model.kv_bytes_per_token(serving.tensor_parallel, serving.kv_element_bytes) *
                       (1.0 - model.window_layers_share);
  if (room > 0.0) kv_tokens_ = static_cast<std::uint64_t>(room / std::max(1.0, token));
}

Duration StepTime::of(const StepWork& work) const {
  const std::uint32_t decoded = work.decode_sequences + work.draft_tokens;
  double time = look_up(layers_s_, decoded + work.prefill_tokens) +
                look_up(head_s_, decoded + work.finishing_chunks);
  double host = step_s_ + sequence_s_ * work.decode_sequences;
  if (work.decode_sequences > 0) {
    const auto context = static_cast<double>(work.decode_context) +
                         0.5 * (work.iterations - 1) * work.decode_sequences;
    time += decode_attention_s_ + context * decode_context_s_ +
            std::min(context, work.decode_sequences * window_) * window_context_s_;
  }
  if (work.prefill_chunks > 0) {
    time += work.prefill_chunks * prefill_chunk_s_ + work.prefill_pairs * prefill_pair_s_ +
            std::min(work.prefill_pairs, work.prefill_tokens * window_) * window_pair_s_;
    time = std::max(time, prefill_least_s_);
    host += prefill_step_s_;
  }
  return from_s(work.iterations * std::max(time, host_least_s_) + host);
}

Duration StepTime::request_overhead(std::uint32_t prompt_tokens) const {
  return from_s(request_s_ + prompt_tokens * prompt_token_s_);
}

Status check_fit(const GpuProfile& gpu, const ModelProfile& model, const Serving& serving) {
  if (StepTime(gpu, model, serving).kv_tokens() > 0) return Nothing{};
  const double gpus = serving.tensor_parallel;
  const double each = serving.engine.memory_share * gpu.memory_bytes - serving.engine.reserve_bytes;
  const double weights = model.weights_bytes(serving.precision);
  std::string ways;
  for (std::uint32_t p = 1; p <= 16; p *= 2) {
    if (p > serving.tensor_parallel && p * each > weights * 1.02) {
      ways = format("--tp {} would", p);
      break;
    }
  }
  for (const NumberFormat narrower : {NumberFormat::fp8, NumberFormat::int4}) {
    if (weight_bytes(narrower) >= weight_bytes(serving.precision)) continue;
    if (gpus * each < model.weights_bytes(narrower) * 1.02) continue;
    ways += format("{}--precision {} would", ways.empty() ? "" : ", ", to_text(narrower));
    break;
  }
  return input_error(format(
      "{} does not fit into {} × {}: weights of {:.0f} GB in {}, room for {:.0f} GB, {:.0f} GB are "
      "missing; {}",
      model.id, serving.tensor_parallel, gpu.name, weights / 1e9, to_text(serving.precision),
      std::max(0.0, gpus * each / 1e9), std::max(1.0, (weights - gpus * each) / 1e9),
      ways.empty() ? "no smaller step fits; take another GPU" : ways));
}

}  // namespace tacho
