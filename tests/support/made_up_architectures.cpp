#include "tests/support/made_up_architectures.h"

#include <fmt/format.h>

#include <cmath>

#include "patchbay/io/json.h"
#include "patchbay/io/safetensors.h"
#include "patchbay/tensor/transpose.h"

namespace patchbay {
namespace {

struct Files {
  JsonDocument config;
  SafetensorsFile tensors;
};

HookedTransformerConfig common_config(const JsonValue& json) {
  HookedTransformerConfig cfg;
  cfg.model_name = json.at("model_type").as_string();
  cfg.n_layers = json.at("num_hidden_layers").as_int();
  cfg.n_heads = json.at("num_attention_heads").as_int();
  cfg.d_model = json.at("hidden_size").as_int();
  cfg.d_mlp = json.at("intermediate_size").as_int();
  cfg.n_ctx = json.at("max_position_embeddings").as_int();
  cfg.d_vocab = json.at("vocab_size").as_int();
  cfg.positional_embedding_type = PositionalEmbeddingType::kRotary;
  cfg.rotary_base = json.at("rope_theta").as_double();
  return cfg;
}

// Stored [out, in] → [in, out].
Tensor map_of(const SafetensorsFile& file, const std::string& name) {
  const Tensor stored = file.read(name);
  Tensor map = Tensor::uninitialized({stored.shape()[1], stored.shape()[0]});
  transpose_into(stored, map);
  return map;
}

// Rows of a stored map, every head's `stride` after the one before, → [heads, in, d_head].
void read_heads(const Tensor& stored, std::int64_t first, std::int64_t stride, Tensor& heads) {
  const std::int64_t d_head = heads.shape()[2];
  for (std::int64_t head = 0; head < heads.shape()[0]; ++head) {
    const std::int64_t row = first + head * stride;
    transpose_into(stored.view().rows(row, row + d_head), heads[head]);
  }
}

HookedTransformer load_neox(const RunContext& ctx, const Files& files) {
  const JsonValue& json = files.config.root();
  HookedTransformerConfig cfg = common_config(json);
  cfg.d_head = cfg.d_model / cfg.n_heads;
  cfg.attn_scale = std::sqrt(static_cast<float>(cfg.d_head));
  cfg.rotary_dim = static_cast<std::int64_t>(static_cast<double>(cfg.d_head) *
                                             json.at("rotary_pct").as_double());
  cfg.act_fn = ActivationFunction::kGelu;
  cfg.eps = static_cast<float>(json.at("layer_norm_eps").as_double());
  cfg.parallel_attn_mlp = json.at("use_parallel_residual").as_bool();

  const SafetensorsFile& file = files.tensors;
  Weights weights = zero_weights(cfg);
  const auto read_norm = [&](const std::string& name, Norm& norm) {
    norm.w = file.read(name + ".weight");
    norm.b = file.read(name + ".bias");
  };
  weights.W_E = file.read("gpt_neox.embed_in.weight");
  for (std::int64_t layer = 0; layer < cfg.n_layers; ++layer) {
    const std::string part = fmt::format("gpt_neox.layers.{}.", layer);
    BlockWeights& block = weights.blocks[static_cast<std::size_t>(layer)];
    AttentionWeights& attn = block.attn;
    read_norm(part + "input_layernorm", block.ln1);
    read_norm(part + "post_attention_layernorm", block.ln2);
    // Head by head: its queries, keys and values.
    const Tensor qkv = file.read(part + "attention.query_key_value.weight");
    const Tensor bias = file.read(part + "attention.query_key_value.bias");
    const std::int64_t stride = 3 * cfg.d_head;
    std::int64_t first = 0;
    for (const auto& [W, b] : {std::pair{&attn.W_Q, &attn.b_Q}, std::pair{&attn.W_K, &attn.b_K},
                               std::pair{&attn.W_V, &attn.b_V}}) {
      read_heads(qkv, first, stride, *W);
      for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
        std::copy_n(bias.data() + first + head * stride, cfg.d_head, (*b)[head].data());
      }
      first += cfg.d_head;
    }
    attn.W_O = map_of(file, part + "attention.dense.weight").reshaped(attn.W_O.shape());
    attn.b_O = file.read(part + "attention.dense.bias");
    block.mlp.W_in = map_of(file, part + "mlp.dense_h_to_4h.weight");
    block.mlp.b_in = file.read(part + "mlp.dense_h_to_4h.bias");
    block.mlp.W_out = map_of(file, part + "mlp.dense_4h_to_h.weight");
    block.mlp.b_out = file.read(part + "mlp.dense_4h_to_h.bias");
  }
  read_norm("gpt_neox.final_layer_norm", weights.ln_final);
  weights.W_U = map_of(file, "embed_out.weight");
  return {ctx, cfg, std::move(weights)};
}

// What Gemma 2 and Qwen 3 have in common with LLaMA.
HookedTransformerConfig decoder_config(const JsonValue& json) {
  HookedTransformerConfig cfg = common_config(json);
  cfg.n_key_value_heads = json.at("num_key_value_heads").as_int();
  cfg.d_head = json.at("head_dim").as_int();
  cfg.attn_scale = std::sqrt(static_cast<float>(cfg.d_head));
  cfg.act_fn = ActivationFunction::kSilu;
  cfg.gated_mlp = true;
  cfg.normalization_type = NormKind::kRms;
  cfg.eps = static_cast<float>(json.at("rms_norm_eps").as_double());
  return cfg;
}

Weights read_decoder(const HookedTransformerConfig& cfg, const SafetensorsFile& file) {
  const bool after = cfg.use_normalization_before_and_after;
  Weights weights = zero_weights(cfg);
  weights.W_E = file.read("model.embed_tokens.weight");
  for (std::int64_t layer = 0; layer < cfg.n_layers; ++layer) {
    const std::string part = fmt::format("model.layers.{}.", layer);
    BlockWeights& block = weights.blocks[static_cast<std::size_t>(layer)];
    AttentionWeights& attn = block.attn;
    block.ln1.w = file.read(part + "input_layernorm.weight");
    const Tensor second = file.read(part + "post_attention_layernorm.weight");
    (after ? block.ln1_post : block.ln2).w = second;
    if (after) {
      block.ln2.w = file.read(part + "pre_feedforward_layernorm.weight");
      block.ln2_post.w = file.read(part + "post_feedforward_layernorm.weight");
    }
    if (cfg.use_qk_norm) {
      attn.q_norm.w = file.read(part + "self_attn.q_norm.weight");
      attn.k_norm.w = file.read(part + "self_attn.k_norm.weight");
    }
    read_heads(file.read(part + "self_attn.q_proj.weight"), 0, cfg.d_head, attn.W_Q);
    read_heads(file.read(part + "self_attn.k_proj.weight"), 0, cfg.d_head, attn.W_K);
    read_heads(file.read(part + "self_attn.v_proj.weight"), 0, cfg.d_head, attn.W_V);
    attn.W_O = map_of(file, part + "self_attn.o_proj.weight").reshaped(attn.W_O.shape());
    block.mlp.W_gate = map_of(file, part + "mlp.gate_proj.weight");
    block.mlp.W_in = map_of(file, part + "mlp.up_proj.weight");
    block.mlp.W_out = map_of(file, part + "mlp.down_proj.weight");
  }
  weights.ln_final.w = file.read("model.norm.weight");
  weights.W_U = map_of(file, "model.embed_tokens.weight");  // tied
  return weights;
}

HookedTransformer load_qwen3(const RunContext& ctx, const Files& files) {
  HookedTransformerConfig cfg = decoder_config(files.config.root());
  cfg.use_qk_norm = true;
  return {ctx, cfg, read_decoder(cfg, files.tensors)};
}

HookedTransformer load_gemma2(const RunContext& ctx, const Files& files) {
  const JsonValue& json = files.config.root();
  HookedTransformerConfig cfg = decoder_config(json);
  cfg.act_fn = ActivationFunction::kGeluNew;
  cfg.use_normalization_before_and_after = true;
  cfg.attn_scale = static_cast<float>(std::sqrt(json.at("query_pre_attn_scalar").as_double()));
  cfg.attn_scores_soft_cap = static_cast<float>(json.at("attn_logit_softcapping").as_double());
  cfg.output_logits_soft_cap = static_cast<float>(json.at("final_logit_softcapping").as_double());
  cfg.window_size = json.at("sliding_window").as_int();
  for (const JsonValue& type : json.at("layer_types").items()) {
    const bool local = type.as_string() == "sliding_attention";
    cfg.attn_types.push_back(local ? AttentionType::kLocal : AttentionType::kGlobal);
  }
  Weights weights = read_decoder(cfg, files.tensors);
  const auto add_one = [](Norm& norm) {
    for (float& w : norm.w.flat()) w += 1.0F;
  };
  for (BlockWeights& block : weights.blocks) {
    for (Norm* norm : {&block.ln1, &block.ln1_post, &block.ln2, &block.ln2_post}) add_one(*norm);
  }
  add_one(weights.ln_final);
  for (float& x : weights.W_E.flat()) x *= std::sqrt(static_cast<float>(cfg.d_model));
  return {ctx, cfg, std::move(weights)};
}

HookedTransformer load_gptj(const RunContext& ctx, const Files& files) {
  const JsonValue& json = files.config.root();
  HookedTransformerConfig cfg;
  cfg.model_name = "gptj";
  cfg.n_layers = json.at("n_layer").as_int();
  cfg.n_heads = json.at("n_head").as_int();
  cfg.d_model = json.at("n_embd").as_int();
  cfg.d_head = cfg.d_model / cfg.n_heads;
  cfg.d_mlp = 4 * cfg.d_model;
  cfg.n_ctx = json.at("n_positions").as_int();
  cfg.d_vocab = json.at("vocab_size").as_int();
  cfg.positional_embedding_type = PositionalEmbeddingType::kRotary;
  cfg.rotary_dim = json.at("rotary_dim").as_int();
  cfg.rotary_adjacent_pairs = true;
  cfg.attn_scale = std::sqrt(static_cast<float>(cfg.d_head));
  cfg.eps = static_cast<float>(json.at("layer_norm_epsilon").as_double());
  cfg.parallel_attn_mlp = true;

  const SafetensorsFile& file = files.tensors;
  Weights weights = zero_weights(cfg);
  weights.W_E = file.read("transformer.wte.weight");
  for (std::int64_t layer = 0; layer < cfg.n_layers; ++layer) {
    const std::string part = fmt::format("transformer.h.{}.", layer);
    BlockWeights& block = weights.blocks[static_cast<std::size_t>(layer)];
    AttentionWeights& attn = block.attn;
    for (Norm* norm : {&block.ln1, &block.ln2}) {  // one norm, for attention and MLP
      norm->w = file.read(part + "ln_1.weight");
      norm->b = file.read(part + "ln_1.bias");
    }
    read_heads(file.read(part + "attn.q_proj.weight"), 0, cfg.d_head, attn.W_Q);
    read_heads(file.read(part + "attn.k_proj.weight"), 0, cfg.d_head, attn.W_K);
    read_heads(file.read(part + "attn.v_proj.weight"), 0, cfg.d_head, attn.W_V);
    attn.W_O = map_of(file, part + "attn.out_proj.weight").reshaped(attn.W_O.shape());
    block.mlp.W_in = map_of(file, part + "mlp.fc_in.weight");
    block.mlp.b_in = file.read(part + "mlp.fc_in.bias");
    block.mlp.W_out = map_of(file, part + "mlp.fc_out.weight");
    block.mlp.b_out = file.read(part + "mlp.fc_out.bias");
  }
  weights.ln_final.w = file.read("transformer.ln_f.weight");
  weights.ln_final.b = file.read("transformer.ln_f.bias");
  weights.W_U = map_of(file, "lm_head.weight");
  weights.b_U = file.read("lm_head.bias");
  return {ctx, cfg, std::move(weights)};
}

// TransformerLens's own names and shapes.
HookedTransformer load_attn_only(const RunContext& ctx, const Files& files) {
  const JsonValue& json = files.config.root();
  HookedTransformerConfig cfg;
  cfg.model_name = "attn-only";
  cfg.n_layers = json.at("n_layers").as_int();
  cfg.n_heads = json.at("n_heads").as_int();
  cfg.d_model = json.at("d_model").as_int();
  cfg.d_head = json.at("d_head").as_int();
  cfg.n_ctx = json.at("n_ctx").as_int();
  cfg.d_vocab = json.at("d_vocab").as_int();
  cfg.attn_only = true;
  cfg.positional_embedding_type = PositionalEmbeddingType::kShortformer;
  cfg.attn_scale = std::sqrt(static_cast<float>(cfg.d_head));
  Weights weights = zero_weights(cfg);
  for_each_weight(
      weights, [&](const std::string& name, Tensor& tensor) { tensor = files.tensors.read(name); });
  return {ctx, cfg, std::move(weights)};
}

}  // namespace

HookedTransformer load_made_up(const RunContext& ctx, const std::filesystem::path& folder) {
  const Files files{read_json_file(folder / "config.json"),
                    SafetensorsFile::open(folder / "model.safetensors")};
  if (files.config->find("attn_only") != nullptr) return load_attn_only(ctx, files);
  const std::string type(files.config->at("model_type").as_string());
  if (type == "gptj") return load_gptj(ctx, files);
  if (type == "gpt_neox") return load_neox(ctx, files);
  if (type == "qwen3") return load_qwen3(ctx, files);
  return load_gemma2(ctx, files);
}

}  // namespace patchbay
