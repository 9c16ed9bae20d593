// The weights of a model, as plain tensors under TransformerLens's names and shapes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/tensor/norm.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

struct AttentionWeights {
  Tensor W_Q;     // [n_heads, d_model, d_head]
  Tensor b_Q;     // [n_heads, d_head]
  Tensor W_K;     // [n_key_value_heads, d_model, d_head]
  Tensor b_K;     // [n_key_value_heads, d_head]
  Tensor W_V;     // [n_key_value_heads, d_model, d_head]
  Tensor b_V;     // [n_key_value_heads, d_head]
  Tensor W_O;     // [n_heads, d_head, d_model]
  Tensor b_O;     // [d_model]
  Norm q_norm{};  // of every head's queries, w [d_head]
  Norm k_norm{};  // of every head's keys, w [d_head]
};

/// Absent in a model of attention alone.
struct MlpWeights {
  Tensor W_in;      // [d_model, d_mlp]
  Tensor b_in;      // [d_mlp]
  Tensor W_out;     // [d_mlp, d_model]
  Tensor b_out;     // [d_model]
  Tensor W_gate{};  // [d_model, d_mlp]; absent in an MLP without a gate
};

struct BlockWeights {
  Norm ln1;
  AttentionWeights attn;
  Norm ln2;  // of what the MLP reads
  MlpWeights mlp;
  Norm ln1_post{};  // of what attention gives, in a model with norms before and after
  Norm ln2_post{};  // of what the MLP gives
};

/// Which functions of weight_processing.h these weights have been through; results record it.
struct WeightProcessing {
  bool fold_layer_norm = false;
  bool center_writing_weights = false;
  bool center_unembed = false;
  bool fold_value_biases = false;
  friend bool operator==(const WeightProcessing&, const WeightProcessing&) = default;
};

struct Weights {
  Tensor W_E;    // [d_vocab, d_model]
  Tensor W_pos;  // [n_ctx, d_model]; absent in a model with rotary embeddings
  std::vector<BlockWeights> blocks;
  Norm ln_final;
  Tensor W_U;  // [d_model, d_vocab]
  Tensor b_U;  // [d_vocab]
  WeightProcessing processing;
};

/// Calls visit(name, tensor) for every tensor that the model has, with TransformerLens's state_dict
/// names
/// ("blocks.0.attn.W_Q", "unembed.W_U"), in forward order.
void for_each_weight(Weights& weights,
                     const std::function<void(const std::string& name, Tensor& tensor)>& visit);
void for_each_weight(
    const Weights& weights,
    const std::function<void(const std::string& name, const Tensor& tensor)>& visit);

/// All tensors that a model of this config has, with their shapes, set to +0. (A model without
/// biases has biases of +0, as in TransformerLens; root-mean-square norms alone have none. A norm
/// may lack its weight, which is ones then, and a layer norm its bias.)
Weights zero_weights(const HookedTransformerConfig& cfg);

/// Throws kUsage, naming `where`, for a model that normalises what attention and MLPs give: what
/// single heads and neurons write does not add up there to what the stream gets.
void check_outputs_add_up(const HookedTransformerConfig& cfg, std::string_view where);

/// Throws Error(kBadData) naming the first norm whose kind, or tensor whose shape, does not fit the
/// config, or the first tensor that holds a NaN or an infinity.
void check_weights(const HookedTransformerConfig& cfg, const Weights& weights);

}  // namespace patchbay
