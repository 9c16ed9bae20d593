// Checkpoints of LLaMA's architecture (Touvron et al. 2023), such as SmolLM2: what a
// LlamaForCausalLM saves, and GGUF files.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/families/config_common.h"
#include "patchbay/families/family.h"
#include "patchbay/families/gguf_common.h"
#include "patchbay/io/tensor_reader.h"
#include "patchbay/tensor/transpose.h"

namespace patchbay::families {

const Family& llama();

namespace {

std::optional<std::int32_t> token_id(const JsonValue& config, std::string_view key) {
  const JsonValue* value = config.find(key);
  // A list names several ends of a text; none of them is the one.
  if (value == nullptr || value->is_null() || value->is_array()) return std::nullopt;
  return config.get_or<std::int32_t>(key, 0);
}

// Scaled rotary embeddings, other than the default, turn by other angles than patchbay computes.
void refuse_scaled_positions(const JsonValue& config) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const JsonValue* scaling = config.find(key);
    if (scaling == nullptr || scaling->is_null()) continue;
    const auto old_kind = scaling->get_or<std::string>("type", "default");
    const auto kind = scaling->get_or("rope_type", old_kind);
    if (kind != "default") {
      throw scaling->error(fmt::format(
          "scales rotary embeddings (\"{}\"), which patchbay's llama family does not compute",
          kind));
    }
  }
}

double rotary_base(const JsonValue& config) {
  const JsonValue* parameters = config.find("rope_parameters");  // where transformers 5 writes it
  const bool nested = parameters != nullptr && !parameters->is_null();
  return (nested ? *parameters : config).get_or("rope_theta", 10000.0);
}

HookedTransformerConfig read_config(const JsonValue& config) {
  for (const char* key : {"attention_bias", "mlp_bias"}) {
    if (config.get_or(key, false)) {
      throw config.at(key).error("is true, which patchbay's llama family does not compute");
    }
  }
  refuse_scaled_positions(config);
  HookedTransformerConfig cfg;
  cfg.n_layers = config.at("num_hidden_layers").as_int();
  cfg.n_heads = config.at("num_attention_heads").as_int();
  cfg.n_key_value_heads = config.get_or("num_key_value_heads", cfg.n_heads);
  cfg.d_model = config.at("hidden_size").as_int();
  cfg.d_mlp = config.at("intermediate_size").as_int();
  cfg.d_vocab = config.at("vocab_size").as_int();
  cfg.n_ctx = config.at("max_position_embeddings").as_int();
  const JsonValue* head_dim = config.find("head_dim");
  if (head_dim != nullptr && !head_dim->is_null()) {
    cfg.d_head = head_dim->as_int();
  } else if (cfg.n_heads < 1 || cfg.d_model < 1 || cfg.d_model % cfg.n_heads != 0) {
    throw config.at("num_attention_heads")
        .error(fmt::format("does not divide \"hidden_size\", which is {}", cfg.d_model));
  } else {
    cfg.d_head = cfg.d_model / cfg.n_heads;
  }
  cfg.act_fn = read_activation(config, "hidden_act", "silu");
  cfg.gated_mlp = true;
  cfg.normalization_type = NormKind::kRms;
  cfg.eps = config.get_or("rms_norm_eps", 1e-6F);
  cfg.positional_embedding_type = PositionalEmbeddingType::kRotary;
  cfg.rotary_base = rotary_base(config);
  cfg.attn_scale = std::sqrt(static_cast<float>(cfg.d_head));
  cfg.bos_token_id = token_id(config, "bos_token_id");
  cfg.eos_token_id = token_id(config, "eos_token_id");
  return cfg;
}

HookedTransformerConfig read_gguf_config(const GgufMetadata& metadata) {
  const GgufHyperparameters values(metadata, "llama");
  values.require("expert_count", 0, "mixtures of experts");
  const GgufValue* scaling = metadata.find("llama.rope.scaling.type");
  if (scaling != nullptr && scaling->as_string() != "none") {
    throw scaling->error("scales rotary embeddings, which patchbay does not compute");
  }
  HookedTransformerConfig cfg;
  cfg.n_layers = values.integer("block_count");
  cfg.n_heads = values.integer("attention.head_count");
  cfg.n_key_value_heads = values.integer_or("attention.head_count_kv", cfg.n_heads);
  cfg.d_model = values.integer("embedding_length");
  cfg.d_mlp = values.integer("feed_forward_length");
  cfg.n_ctx = values.integer("context_length");
  cfg.d_vocab = values.d_vocab();
  cfg.d_head =
      values.integer_or("attention.key_length", cfg.n_heads < 1 ? 0 : cfg.d_model / cfg.n_heads);
  values.require("attention.value_length", cfg.d_head, "values of another size than keys");
  values.require("rope.dimension_count", cfg.d_head, "rotary embeddings of a part of a head");
  cfg.act_fn = ActivationFunction::kSilu;
  cfg.gated_mlp = true;
  cfg.normalization_type = NormKind::kRms;
  cfg.eps = static_cast<float>(values.number("attention.layer_norm_rms_epsilon"));
  cfg.positional_embedding_type = PositionalEmbeddingType::kRotary;
  cfg.rotary_base = values.number_or("rope.freq_base", 10000.0);
  cfg.attn_scale = std::sqrt(static_cast<float>(cfg.d_head));
  values.read_special_tokens(cfg);
  return cfg;
}

constexpr std::pair<std::string_view, std::string_view> kInBlock[] = {
    {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"}};
constexpr std::pair<std::string_view, std::string_view> kOutside[] = {
    {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};
constexpr GgufNames kGgufNames = {"model.layers.", kInBlock, kOutside};

// Older files carry the angles of rotary embeddings.
bool is_angles(const std::string& name) { return name.ends_with(".rotary_emb.inv_freq"); }

TensorReader reader_of(const TensorStore& store) {
  const bool is_gguf = store.convention == TensorStore::Convention::kLlamaCpp;
  return {store,
          {.name = "llama",
           .contents = "has model.embed_tokens, model.norm and, for every layer i, "
                       "model.layers.i.input_layernorm, self_attn.q_proj, k_proj, v_proj and "
                       "o_proj, post_attention_layernorm, mlp.gate_proj, up_proj and down_proj, "
                       "each with a weight and no bias",
           .stored_name =
               [is_gguf](const std::string& name) {
                 return is_gguf ? gguf_name(kGgufNames, name) : name;
               },
           .is_ignored = &is_angles}};
}

// Stored [heads·d_head, d_model], each head after the other → [heads, d_model, d_head].
Tensor read_heads(const TensorReader& tensors, const std::string& name, const Shape& shape) {
  const Tensor stored = tensors.read(name, {shape[0] * shape[2], shape[1]});
  Tensor w = Tensor::uninitialized(shape);
  for (std::int64_t head = 0; head < shape[0]; ++head) {
    transpose_into(stored.view().rows(head * shape[2], (head + 1) * shape[2]), w[head]);
  }
  return w;
}

// Queries and keys. llama.cpp turns neighbours, so it stores dimension i + half·d_head/2 of a head
// as 2·i + half.
Tensor read_turned_heads(const TensorReader& tensors, const std::string& name, const Shape& shape) {
  Tensor w = read_heads(tensors, name, shape);
  if (!tensors.is_llama_cpp()) return w;
  const std::int64_t pairs = shape[2] / 2;
  std::vector<float> neighbours(static_cast<std::size_t>(shape[2]));
  for (std::int64_t row = 0; row < shape[0] * shape[1]; ++row) {
    float* const dimensions = w.data() + row * shape[2];
    std::copy_n(dimensions, shape[2], neighbours.begin());
    for (std::int64_t i = 0; i < pairs; ++i) {
      dimensions[i] = neighbours[static_cast<std::size_t>(2 * i)];
      dimensions[i + pairs] = neighbours[static_cast<std::size_t>(2 * i + 1)];
    }
  }
  return w;
}

BlockWeights read_block(const TensorReader& tensors, const HookedTransformerConfig& cfg,
                        std::int64_t layer) {
  const std::string part = fmt::format("model.layers.{}.", layer);
  const Shape query = {cfg.n_heads, cfg.d_model, cfg.d_head};
  const Shape key_value = {cfg.key_value_heads(), cfg.d_model, cfg.d_head};
  BlockWeights block;
  block.ln1 = {cfg.normalization_type, cfg.eps,
               tensors.read(part + "input_layernorm.weight", {cfg.d_model})};
  block.attn = {.W_Q = read_turned_heads(tensors, part + "self_attn.q_proj.weight", query),
                .b_Q = Tensor({cfg.n_heads, cfg.d_head}),
                .W_K = read_turned_heads(tensors, part + "self_attn.k_proj.weight", key_value),
                .b_K = Tensor({cfg.key_value_heads(), cfg.d_head}),
                .W_V = read_heads(tensors, part + "self_attn.v_proj.weight", key_value),
                .b_V = Tensor({cfg.key_value_heads(), cfg.d_head}),
                .W_O = tensors
                           .read_transposed(part + "self_attn.o_proj.weight",
                                            {cfg.n_heads * cfg.d_head, cfg.d_model})
                           .reshaped({cfg.n_heads, cfg.d_head, cfg.d_model}),
                .b_O = Tensor({cfg.d_model})};
  block.ln2 = {cfg.normalization_type, cfg.eps,
               tensors.read(part + "post_attention_layernorm.weight", {cfg.d_model})};
  const Shape in = {cfg.d_model, cfg.d_mlp};
  block.mlp = {
      .W_in = tensors.read_transposed(part + "mlp.up_proj.weight", in),
      .b_in = Tensor({cfg.d_mlp}),
      .W_out = tensors.read_transposed(part + "mlp.down_proj.weight", {cfg.d_mlp, cfg.d_model}),
      .b_out = Tensor({cfg.d_model}),
      .W_gate = tensors.read_transposed(part + "mlp.gate_proj.weight", in)};
  return block;
}

std::set<std::string> expected_names(const HookedTransformerConfig& cfg) {
  std::set<std::string> names = {"model.embed_tokens.weight", "model.norm.weight"};
  for (std::int64_t layer = 0; layer < cfg.n_layers; ++layer) {
    for (const char* part : {"input_layernorm", "self_attn.q_proj", "self_attn.k_proj",
                             "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm",
                             "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
      names.insert(fmt::format("model.layers.{}.{}.weight", layer, part));
    }
  }
  return names;
}

Weights read_weights(const RunContext& ctx, const HookedTransformerConfig& cfg,
                     const TensorStore& store, bool tied) {
  const TensorReader tensors = reader_of(store);
  tensors.refuse_others(expected_names(cfg), cfg.n_layers);
  Weights weights;
  weights.W_E = tensors.read("model.embed_tokens.weight", {cfg.d_vocab, cfg.d_model});
  weights.blocks.resize(static_cast<std::size_t>(cfg.n_layers));
  ctx.parallel_for(cfg.n_layers, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t layer = begin; layer < end; ++layer) {
      weights.blocks[static_cast<std::size_t>(layer)] = read_block(tensors, cfg, layer);
    }
  });
  weights.ln_final = {cfg.normalization_type, cfg.eps,
                      tensors.read("model.norm.weight", {cfg.d_model})};
  const Tensor lm_head = tensors.read_unembedding("model.embed_tokens", weights.W_E, tied);
  weights.W_U = transposed(ctx, lm_head.empty() ? weights.W_E : lm_head);
  weights.b_U = Tensor({cfg.d_vocab});
  return weights;
}

}  // namespace

const Family& llama() {
  static constexpr Family kFamily = {.name = "llama",
                                     .tied_by_default = false,
                                     .config = &read_config,
                                     .is_ignored = &is_angles,
                                     .lacking_biases = nullptr,
                                     .gguf_config = &read_gguf_config,
                                     .weights = &read_weights};
  return kFamily;
}

}  // namespace patchbay::families
