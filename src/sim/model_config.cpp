// Reads a model's shape from our profiles and from any config.json of Hugging Face: the words are
// the same, and some families have words of their own.
#include <cmath>

#include "base/text.h"
#include "sim/profile.h"

namespace tacho {
namespace {

/// The first of the keys that is there, as a count.
std::uint32_t count(const Json& json, std::initializer_list<const char*> keys,
                    std::uint32_t otherwise = 0) {
  for (const char* key : keys) {
    const double value = json_number(json, key, -1.0);
    if (value >= 0.0 && value <= 4e9) return static_cast<std::uint32_t>(value);
  }
  return otherwise;
}

bool truth(const Json& json, const char* key, bool otherwise) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

void read_experts(const Json& json, ModelProfile& model) {
  model.experts = count(json, {"num_experts", "num_local_experts", "n_routed_experts"});
  if (model.experts == 0) return;
  model.experts_per_token = count(json, {"num_experts_per_tok", "experts_per_token"}, 1);
  model.expert_ffn = count(json, {"moe_intermediate_size"}, model.ffn);
  model.shared_experts = count(json, {"n_shared_experts"});
  model.dense_layers = count(json, {"first_k_dense_replace"});
}

void read_mla(const Json& json, ModelProfile& model) {
  model.kv_lora = count(json, {"kv_lora_rank"});
  if (!model.has_mla()) return;
  model.q_lora = count(json, {"q_lora_rank"});
  model.rope_dim = count(json, {"qk_rope_head_dim"}, 64);
  model.nope_dim = count(json, {"qk_nope_head_dim"}, 128);
  model.v_dim = count(json, {"v_head_dim"}, 128);
}

void read_window(const Json& json, ModelProfile& model) {
  model.window = count(json, {"sliding_window"});
  if (model.window == 0 || !truth(json, "use_sliding_window", true)) {
    model.window = 0;
    return;
  }
  model.window_layers_share = json_number(json, "sliding_layers_share", 1.0);
  if (const auto types = json.find("layer_types"); types != json.end() && types->is_array()) {
    std::size_t sliding = 0;
    for (const Json& type : *types) sliding += type == Json("sliding_attention") ? 1 : 0;
    if (!types->empty()) {
      model.window_layers_share = static_cast<double>(sliding) / static_cast<double>(types->size());
    }
  }
}

Status read_precision(const Json& json, std::string_view what, ModelProfile& model) {
  std::string word = json_string(json, "default_precision");
  model.fp8_blocks = truth(json, "fp8_blocks", false);
  if (const auto quantized = json.find("quantization_config");
      word.empty() && quantized != json.end() && quantized->is_object()) {
    word = json_string(*quantized, "quant_method");
    model.fp8_blocks = quantized->contains("weight_block_size");
    if (word == "compressed-tensors" || word == "bitsandbytes" || word == "modelopt") word.clear();
  }
  if (word.empty()) return Nothing{};
  const auto precision = parse_precision(word);
  if (!precision) return input_error(format("{}: {}", what, precision.error().message));
  model.precision = *precision;
  return Nothing{};
}

Status check(const ModelProfile& m, std::string_view what) {
  const std::pair<const char*, std::uint32_t> needed[] = {
      {"hidden_size", m.hidden},        {"num_hidden_layers", m.layers},
      {"num_attention_heads", m.heads}, {"num_key_value_heads", m.kv_heads},
      {"head_dim", m.head_dim},         {"intermediate_size", m.ffn},
      {"vocab_size", m.vocabulary}};
  for (const auto& [key, value] : needed) {
    if (value == 0 || value > 10'000'000) {
      return input_error(
          format("{}: {} is missing or no sensible number; a model profile is a config.json of "
                 "Hugging Face",
                 what, key));
    }
  }
  if (m.experts_per_token > m.experts || m.dense_layers > m.layers || m.kv_heads > m.heads)
    return input_error(
        format("{}: more active experts, dense layers or KV heads than there are "
               "experts, layers or heads",
               what));
  return Nothing{};
}

}  // namespace

Result<ModelProfile> read_model(const Json& outer, std::string_view what) {
  if (!outer.is_object()) return input_error(format("{}: a model profile is a JSON object", what));
  const auto nested = outer.find("text_config");  // Models that see or hear too.
  const Json& json = nested != outer.end() && nested->is_object() ? *nested : outer;
  ModelProfile model;
  std::string name = json_string(outer, "id", json_string(outer, "_name_or_path", what));
  if (name.empty()) name = std::string(what);
  if (const auto slash = name.rfind('/'); slash != std::string::npos) name.erase(0, slash + 1);
  model.id = lower(name.ends_with(".json") ? name.substr(0, name.size() - 5) : name);
  if (const auto aliases = outer.find("aliases"); aliases != outer.end() && aliases->is_array()) {
    for (const Json& alias : *aliases) {
      if (alias.is_string()) model.aliases.push_back(alias.get<std::string>());
    }
  }
  model.layers = count(json, {"num_hidden_layers", "num_layers", "n_layers", "n_layer"});
  model.hidden = count(json, {"hidden_size", "d_model", "n_embd"});
  model.heads = count(json, {"num_attention_heads", "n_heads", "n_head"});
  model.kv_heads = count(json, {"num_key_value_heads", "multi_query_group_num"}, model.heads);
  model.head_dim =
      count(json, {"head_dim", "kv_channels"}, model.heads > 0 ? model.hidden / model.heads : 0);
  const double ratio = json_number(json, "expansion_ratio", 4.0);
  model.ffn = count(json, {"intermediate_size", "ffn_hidden_size", "n_inner"},
                    static_cast<std::uint32_t>(ratio * model.hidden));
  model.vocabulary = count(json, {"padded_vocab_size", "vocab_size"});
  model.context_max =
      count(json, {"max_position_embeddings", "seq_length", "max_seq_len", "n_positions"}, 4096);
  const std::string type = json_string(json, "model_type");
  const bool is_mpt = type == "mpt";
  const bool is_old = is_mpt || type == "gpt2" || type == "gptj" || type == "gpt_neox" ||
                      type == "opt" || type == "bloom" || type == "falcon" || type == "phi";
  model.is_gated = truth(json, "gated", !is_old);
  model.is_tied = truth(json, "tie_word_embeddings", is_mpt);
  read_experts(json, model);
  read_mla(json, model);
  read_window(json, model);
  if (auto status = read_precision(json, what, model); !status) return status.error();
  if (auto status = check(model, what); !status) return status.error();
  return model;
}

}  // namespace tacho
