#include "patchbay/model/weights.h"

#include <fmt/format.h>

#include <bit>
#include <map>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

// W is Weights or const Weights, so that all functions here share this one list. Tensors that the
// model does not have are visited empty.
template <class W, class Visit>
void visit_all(W& weights, const Visit& visit) {
  visit("embed.W_E", weights.W_E);
  visit("pos_embed.W_pos", weights.W_pos);
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    auto& block = weights.blocks[layer];
    const auto name = [layer](const char* part) {
      return fmt::format("blocks.{}.{}", layer, part);
    };
    visit(name("ln1.w"), block.ln1.w);
    visit(name("ln1.b"), block.ln1.b);
    visit(name("attn.W_Q"), block.attn.W_Q);
    visit(name("attn.b_Q"), block.attn.b_Q);
    visit(name("attn.W_K"), block.attn.W_K);
    visit(name("attn.b_K"), block.attn.b_K);
    visit(name("attn.W_V"), block.attn.W_V);
    visit(name("attn.b_V"), block.attn.b_V);
    visit(name("attn.W_O"), block.attn.W_O);
    visit(name("attn.b_O"), block.attn.b_O);
    visit(name("attn.q_norm.w"), block.attn.q_norm.w);
    visit(name("attn.q_norm.b"), block.attn.q_norm.b);
    visit(name("attn.k_norm.w"), block.attn.k_norm.w);
    visit(name("attn.k_norm.b"), block.attn.k_norm.b);
    visit(name("ln1_post.w"), block.ln1_post.w);
    visit(name("ln1_post.b"), block.ln1_post.b);
    visit(name("ln2.w"), block.ln2.w);
    visit(name("ln2.b"), block.ln2.b);
    visit(name("mlp.W_gate"), block.mlp.W_gate);
    visit(name("mlp.W_in"), block.mlp.W_in);
    visit(name("mlp.b_in"), block.mlp.b_in);
    visit(name("mlp.W_out"), block.mlp.W_out);
    visit(name("mlp.b_out"), block.mlp.b_out);
    visit(name("ln2_post.w"), block.ln2_post.w);
    visit(name("ln2_post.b"), block.ln2_post.b);
  }
  visit("ln_final.w", weights.ln_final.w);
  visit("ln_final.b", weights.ln_final.b);
  visit("unembed.W_U", weights.W_U);
  visit("unembed.b_U", weights.b_U);
}

std::string_view last_part_of(std::string_view name) { return name.substr(name.rfind('.') + 1); }

bool is_of_head(std::string_view norm) {
  return norm.ends_with("q_norm") || norm.ends_with("k_norm");
}

// Of the norm of this name.
NormKind kind_of(const HookedTransformerConfig& cfg, std::string_view norm) {
  const bool is_of_mlp = norm.find("ln2") != std::string_view::npos;
  const bool is_there = is_of_head(norm)          ? cfg.use_qk_norm
                        : norm.ends_with("_post") ? cfg.use_normalization_before_and_after
                                                  : true;
  if (is_of_mlp && cfg.attn_only) return NormKind::kNone;
  return is_there ? cfg.normalization_type : NormKind::kNone;
}

// Weights of norms alone may be left out.
bool is_of_norm(std::string_view name) {
  return last_part_of(name) == "w" || last_part_of(name) == "b";
}

Shape shape_of_norm(const HookedTransformerConfig& cfg, std::string_view name) {
  const std::string_view norm = name.substr(0, name.rfind('.'));
  const NormKind kind = kind_of(cfg, norm);
  const bool is_there =
      last_part_of(name) == "w" ? kind != NormKind::kNone : kind == NormKind::kLayer;
  return {!is_there ? 0 : is_of_head(norm) ? cfg.d_head : cfg.d_model};
}

// The shape of the tensor of this name, [0] for one that the model does not have.
Shape shape_of(const HookedTransformerConfig& cfg, std::string_view name) {
  if (is_of_norm(name)) return shape_of_norm(cfg, name);
  const Shape absent = {0};
  const auto of_mlp = [&](Shape shape) { return cfg.attn_only ? absent : shape; };
  const Shape key_value = {cfg.key_value_heads(), cfg.d_model, cfg.d_head};
  const Shape key_value_bias = {cfg.key_value_heads(), cfg.d_head};
  const std::map<std::string_view, Shape> shapes = {
      {"W_E", {cfg.d_vocab, cfg.d_model}},
      {"W_pos", cfg.has_position_vectors() ? Shape{cfg.n_ctx, cfg.d_model} : absent},
      {"W_Q", {cfg.n_heads, cfg.d_model, cfg.d_head}},
      {"b_Q", {cfg.n_heads, cfg.d_head}},
      {"W_K", key_value},
      {"b_K", key_value_bias},
      {"W_V", key_value},
      {"b_V", key_value_bias},
      {"W_O", {cfg.n_heads, cfg.d_head, cfg.d_model}},
      {"b_O", {cfg.d_model}},
      {"W_gate", cfg.gated_mlp ? Shape{cfg.d_model, cfg.d_mlp} : absent},
      {"W_in", of_mlp({cfg.d_model, cfg.d_mlp})},
      {"b_in", of_mlp({cfg.d_mlp})},
      {"W_out", of_mlp({cfg.d_mlp, cfg.d_model})},
      {"b_out", of_mlp({cfg.d_model})},
      {"W_U", {cfg.d_model, cfg.d_vocab}},
      {"b_U", {cfg.d_vocab}}};
  return shapes.at(last_part_of(name));
}

// Visits every norm, as visit_all visits tensors.
template <class W, class Visit>
void visit_norms(W& weights, const Visit& visit) {
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    auto& block = weights.blocks[layer];
    visit(fmt::format("blocks.{}.ln1", layer), block.ln1);
    visit(fmt::format("blocks.{}.attn.q_norm", layer), block.attn.q_norm);
    visit(fmt::format("blocks.{}.attn.k_norm", layer), block.attn.k_norm);
    visit(fmt::format("blocks.{}.ln1_post", layer), block.ln1_post);
    visit(fmt::format("blocks.{}.ln2", layer), block.ln2);
    visit(fmt::format("blocks.{}.ln2_post", layer), block.ln2_post);
  }
  visit(std::string("ln_final"), weights.ln_final);
}

// All exponent bits set is NaN or infinity. Written on bits so that the loop runs over whole
// vectors.
bool all_finite(std::span<const float> values) {
  std::uint32_t worst = 0;
  for (const float value : values) {
    const std::uint32_t exponent = std::bit_cast<std::uint32_t>(value) & 0x7F800000U;
    worst = worst > exponent ? worst : exponent;
  }
  return worst != 0x7F800000U;
}

}  // namespace

void for_each_weight(Weights& weights,
                     const std::function<void(const std::string&, Tensor&)>& visit) {
  visit_all(weights, [&](const std::string& name, Tensor& tensor) {
    if (!tensor.empty()) visit(name, tensor);
  });
}
void for_each_weight(const Weights& weights,
                     const std::function<void(const std::string&, const Tensor&)>& visit) {
  visit_all(weights, [&](const std::string& name, const Tensor& tensor) {
    if (!tensor.empty()) visit(name, tensor);
  });
}

Weights zero_weights(const HookedTransformerConfig& cfg) {
  cfg.check();
  Weights weights;
  weights.blocks.resize(static_cast<std::size_t>(cfg.n_layers));
  visit_all(weights,
            [&](const std::string& name, Tensor& tensor) { tensor = Tensor(shape_of(cfg, name)); });
  visit_norms(weights, [&](const std::string& name, Norm& norm) {
    norm.kind = kind_of(cfg, name);
    norm.eps = cfg.eps;
  });
  return weights;
}

void check_outputs_add_up(const HookedTransformerConfig& cfg, std::string_view where) {
  if (!cfg.use_normalization_before_and_after) return;
  throw Error(ErrorKind::kUsage, where,
              "this model normalises what attention and MLPs give before it is added to the stream "
              "(ln1_post, ln2_post), so single heads and neurons do not add up; take whole outputs "
              "(attn_out, mlp_out), or patch runs instead");
}

void check_weights(const HookedTransformerConfig& cfg, const Weights& weights) {
  cfg.check();
  const auto fail = [](const std::string& what) {
    throw Error(ErrorKind::kBadData, "weights", what);
  };
  if (static_cast<std::int64_t>(weights.blocks.size()) != cfg.n_layers) {
    fail(fmt::format("{} blocks for a config of {} layers", weights.blocks.size(), cfg.n_layers));
  }
  visit_norms(weights, [&](const std::string& name, const Norm& norm) {
    const NormKind kind = kind_of(cfg, name);
    if (norm.kind == kind && (kind == NormKind::kNone || norm.eps == cfg.eps)) return;
    fail(fmt::format("\"{}\" is of another kind, or has another eps, than the config says", name));
  });
  visit_all(weights, [&](const std::string& name, const Tensor& tensor) {
    const Shape shape = shape_of(cfg, name);
    if (tensor.empty() && is_of_norm(name)) return;
    if (!(tensor.shape() == shape)) {
      fail(fmt::format("\"{}\" has shape {}; this config needs {}", name, tensor.shape().str(),
                       shape.size() == 0 ? "none" : shape.str()));
    }
    if (!all_finite(tensor.flat())) {
      fail(
          fmt::format("\"{}\" holds a NaN or an infinity; the checkpoint is damaged or was "
                      "trained to nothing",
                      name));
    }
  });
}

}  // namespace patchbay
