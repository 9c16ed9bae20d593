// Checkpoints of GPT-2 (Radford et al. 2019) in Hugging Face's naming: gpt2, -medium, -large, -xl,
// distilgpt2, and anything else that a GPT2LMHeadModel saves; and GGUF files.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/families/config_common.h"
#include "patchbay/families/family.h"
#include "patchbay/families/gguf_common.h"
#include "patchbay/io/tensor_reader.h"
#include "patchbay/tensor/transpose.h"

namespace patchbay::families {

const Family& gpt2();

namespace {

std::optional<std::int32_t> token_id(const JsonValue& config, std::string_view key) {
  const JsonValue* value = config.find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return config.get_or<std::int32_t>(key, 0);
}

HookedTransformerConfig read_config(const JsonValue& config) {
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"}) {
    if (config.get_or(key, false)) {
      throw config.at(key).error("is true, which patchbay's gpt2 family does not compute");
    }
  }
  HookedTransformerConfig cfg;
  cfg.n_layers = config.at("n_layer").as_int();
  cfg.n_heads = config.at("n_head").as_int();
  cfg.d_model = config.at("n_embd").as_int();
  cfg.d_vocab = config.at("vocab_size").as_int();
  cfg.n_ctx = config.at("n_positions").as_int();
  if (config.get_or("n_ctx", cfg.n_ctx) != cfg.n_ctx) {
    throw config.at("n_ctx").error(
        fmt::format("contradicts \"n_positions\", which is {}", cfg.n_ctx));
  }
  if (cfg.n_heads < 1 || cfg.d_model < 1 || cfg.d_model % cfg.n_heads != 0) {
    throw config.at("n_head").error(
        fmt::format("does not divide \"n_embd\", which is {}", cfg.d_model));
  }
  cfg.d_head = cfg.d_model / cfg.n_heads;
  cfg.d_mlp = config.get_or("n_inner", 4 * std::min(cfg.d_model, std::int64_t{1} << 40));
  cfg.act_fn = read_activation(config, "activation_function", "gelu_new");
  cfg.eps = config.get_or("layer_norm_epsilon", 1e-5F);
  const bool scaled = config.get_or("scale_attn_weights", true);
  cfg.attn_scale = scaled ? std::sqrt(static_cast<float>(cfg.d_head)) : 1.0F;
  cfg.bos_token_id = token_id(config, "bos_token_id");
  cfg.eos_token_id = token_id(config, "eos_token_id");
  return cfg;
}

HookedTransformerConfig read_gguf_config(const GgufMetadata& metadata) {
  const GgufHyperparameters values(metadata, "gpt2");
  HookedTransformerConfig cfg;
  cfg.n_layers = values.integer("block_count");
  cfg.n_heads = values.integer("attention.head_count");
  cfg.d_model = values.integer("embedding_length");
  cfg.d_mlp = values.integer("feed_forward_length");
  cfg.n_ctx = values.integer("context_length");
  cfg.d_vocab = values.d_vocab();
  if (cfg.n_heads < 1 || cfg.d_model < 1 || cfg.d_model % cfg.n_heads != 0) {
    throw metadata.at("gpt2.attention.head_count")
        .error(fmt::format("does not divide the embedding length, which is {}", cfg.d_model));
  }
  cfg.d_head = cfg.d_model / cfg.n_heads;
  cfg.eps = static_cast<float>(values.number("attention.layer_norm_epsilon"));
  cfg.attn_scale = std::sqrt(static_cast<float>(cfg.d_head));
  values.read_special_tokens(cfg);
  return cfg;
}

constexpr std::pair<std::string_view, std::string_view> kInBlock[] = {
    {"ln_1", "attn_norm"}, {"attn.c_attn", "attn_qkv"}, {"attn.c_proj", "attn_output"},
    {"ln_2", "ffn_norm"},  {"mlp.c_fc", "ffn_up"},      {"mlp.c_proj", "ffn_down"}};
constexpr std::pair<std::string_view, std::string_view> kOutside[] = {{"wte", "token_embd"},
                                                                      {"wpe", "position_embd"},
                                                                      {"ln_f", "output_norm"},
                                                                      {"lm_head", "output"}};
constexpr GgufNames kGgufNames = {"h.", kInBlock, kOutside};

// Every layer carries its causal mask as if it were a weight.
bool is_mask(const std::string& name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
}

// Names as GPT2Model has them; GPT2LMHeadModel puts "transformer." before all but the head.
TensorReader reader_of(const TensorStore& store) {
  const bool is_gguf = store.convention == TensorStore::Convention::kLlamaCpp;
  const bool prefixed = store.find("transformer.wte.weight").has_value();
  return {store,
          {.name = "gpt2",
           .contents = "has wte, wpe, ln_f and, for every layer i, h.i.ln_1, attn.c_attn, "
                       "attn.c_proj, ln_2, mlp.c_fc and mlp.c_proj, each with weight and bias; the "
                       "biases of one of these may be absent from all layers",
           .stored_name =
               [is_gguf, prefixed](const std::string& name) {
                 if (is_gguf) return gguf_name(kGgufNames, name);
                 return prefixed && name != "lm_head.weight" ? "transformer." + name : name;
               },
           .is_ignored = &is_mask}};
}

constexpr const char* kParts[] = {"ln_1", "attn.c_attn", "attn.c_proj",
                                  "ln_2", "mlp.c_fc",    "mlp.c_proj"};
constexpr const char* kFinalNorm = "ln_f";

// The parts, and ln_f, without a bias in any layer: nanoGPT's models have none at all. One that is
// missing in some layers is damage.
std::vector<std::string> without_bias(const TensorReader& tensors,
                                      const HookedTransformerConfig& cfg) {
  std::vector<std::string> parts;
  for (const char* part : kParts) {
    bool any = false;
    for (std::int64_t layer = 0; layer < cfg.n_layers && !any; ++layer) {
      any = tensors.has(fmt::format("h.{}.{}.bias", layer, part));
    }
    if (!any) parts.emplace_back(part);
  }
  if (!tensors.has("ln_f.bias")) parts.emplace_back(kFinalNorm);
  return parts;
}

std::vector<std::string> lacking_biases(const HookedTransformerConfig& cfg,
                                        const TensorStore& store) {
  return without_bias(reader_of(store), cfg);
}

// Reads biases; those of the parts that have none are 0.
class BiasReader {
 public:
  BiasReader(const TensorReader& tensors, const HookedTransformerConfig& cfg)
      : tensors_(tensors), without_(without_bias(tensors, cfg)) {}

  // `before` is "h.0." or nothing.
  [[nodiscard]] Tensor read(const std::string& before, std::string_view part,
                            std::int64_t size) const {
    const bool is_zero = std::ranges::find(without_, part) != without_.end();
    return is_zero ? Tensor({size}) : tensors_.read(fmt::format("{}{}.bias", before, part), {size});
  }

 private:
  const TensorReader& tensors_;
  std::vector<std::string> without_;
};

// The weight of a linear map, [inputs, outputs] as GPT-2 stores it; llama.cpp stores the transpose.
Tensor read_map(const TensorReader& tensors, const std::string& name, const Shape& shape) {
  return tensors.is_llama_cpp() ? tensors.read_transposed(name, shape) : tensors.read(name, shape);
}

// c_attn holds queries, keys and values side by side: columns q|k|v, each head after head.
Tensor heads_of(ConstTensorView c_attn, const HookedTransformerConfig& cfg, int part) {
  Tensor w = Tensor::uninitialized({cfg.n_heads, cfg.d_model, cfg.d_head});
  for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
    for (std::int64_t i = 0; i < cfg.d_model; ++i) {
      const std::int64_t column = part * cfg.d_model + head * cfg.d_head;
      std::copy_n(&c_attn(i, column), cfg.d_head, &w(head, i, 0));
    }
  }
  return w;
}

Tensor head_biases_of(ConstTensorView c_attn, const HookedTransformerConfig& cfg, int part) {
  Tensor b = Tensor::uninitialized({cfg.n_heads, cfg.d_head});
  std::copy_n(c_attn.data() + part * cfg.d_model, cfg.d_model, b.data());
  return b;
}

BlockWeights read_block(const TensorReader& tensors, const BiasReader& biases,
                        const HookedTransformerConfig& cfg, std::int64_t layer) {
  const std::string h = fmt::format("h.{}.", layer);
  const Shape d_model = {cfg.d_model};
  const Tensor c_attn = read_map(tensors, h + "attn.c_attn.weight", {cfg.d_model, 3 * cfg.d_model});
  const Tensor c_attn_bias = biases.read(h, "attn.c_attn", 3 * cfg.d_model);
  BlockWeights block;
  block.ln1 = {cfg.normalization_type, cfg.eps, tensors.read(h + "ln_1.weight", d_model),
               biases.read(h, "ln_1", cfg.d_model)};
  block.attn = {.W_Q = heads_of(c_attn, cfg, 0),
                .b_Q = head_biases_of(c_attn_bias, cfg, 0),
                .W_K = heads_of(c_attn, cfg, 1),
                .b_K = head_biases_of(c_attn_bias, cfg, 1),
                .W_V = heads_of(c_attn, cfg, 2),
                .b_V = head_biases_of(c_attn_bias, cfg, 2),
                .W_O = read_map(tensors, h + "attn.c_proj.weight", {cfg.d_model, cfg.d_model})
                           .reshaped({cfg.n_heads, cfg.d_head, cfg.d_model}),
                .b_O = biases.read(h, "attn.c_proj", cfg.d_model)};
  block.ln2 = {cfg.normalization_type, cfg.eps, tensors.read(h + "ln_2.weight", d_model),
               biases.read(h, "ln_2", cfg.d_model)};
  block.mlp = {.W_in = read_map(tensors, h + "mlp.c_fc.weight", {cfg.d_model, cfg.d_mlp}),
               .b_in = biases.read(h, "mlp.c_fc", cfg.d_mlp),
               .W_out = read_map(tensors, h + "mlp.c_proj.weight", {cfg.d_mlp, cfg.d_model}),
               .b_out = biases.read(h, "mlp.c_proj", cfg.d_model)};
  return block;
}

std::set<std::string> expected_names(const HookedTransformerConfig& cfg) {
  std::set<std::string> names = {"wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"};
  for (std::int64_t layer = 0; layer < cfg.n_layers; ++layer) {
    for (const char* part : kParts) {
      names.insert(fmt::format("h.{}.{}.weight", layer, part));
      names.insert(fmt::format("h.{}.{}.bias", layer, part));
    }
  }
  return names;
}

Weights read_weights(const RunContext& ctx, const HookedTransformerConfig& cfg,
                     const TensorStore& store, bool tied) {
  const TensorReader tensors = reader_of(store);
  tensors.refuse_others(expected_names(cfg), cfg.n_layers);
  const BiasReader biases(tensors, cfg);
  Weights weights;
  weights.W_E = tensors.read("wte.weight", {cfg.d_vocab, cfg.d_model});
  weights.W_pos = tensors.read("wpe.weight", {cfg.n_ctx, cfg.d_model});
  weights.blocks.resize(static_cast<std::size_t>(cfg.n_layers));
  ctx.parallel_for(cfg.n_layers, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t layer = begin; layer < end; ++layer) {
      weights.blocks[static_cast<std::size_t>(layer)] = read_block(tensors, biases, cfg, layer);
    }
  });
  weights.ln_final = {cfg.normalization_type, cfg.eps, tensors.read("ln_f.weight", {cfg.d_model}),
                      biases.read("", kFinalNorm, cfg.d_model)};
  const Tensor lm_head = tensors.read_unembedding("wte", weights.W_E, tied);
  weights.W_U = transposed(ctx, lm_head.empty() ? weights.W_E : lm_head);
  weights.b_U = Tensor({cfg.d_vocab});
  return weights;
}

}  // namespace

const Family& gpt2() {
  static constexpr Family kFamily = {.name = "gpt2",
                                     .tied_by_default = true,
                                     .config = &read_config,
                                     .is_ignored = &is_mask,
                                     .lacking_biases = &lacking_biases,
                                     .gguf_config = &read_gguf_config,
                                     .weights = &read_weights};
  return kFamily;
}

}  // namespace patchbay::families
