// The weights of a model as the forward pass reads them: every right operand packed for matmul.
#pragma once

#include <span>
#include <vector>

#include "patchbay/model/weights.h"
#include "patchbay/tensor/matmul.h"
#include "patchbay/tensor/rotary.h"

namespace patchbay {

/// A linear map x·w + b. The bias stays in the plain Weights.
struct PackedLinear {
  PackedMatrix w;
  std::span<const float> b;
};

struct PackedBlock {
  PackedLinear Q;       // [d_model, n_heads·d_head]
  PackedLinear K;       // [d_model, n_key_value_heads·d_head]
  PackedLinear V;       // [d_model, n_key_value_heads·d_head]
  PackedLinear O;       // [n_heads·d_head, d_model]
  PackedLinear in;      // [d_model, d_mlp]
  PackedLinear out;     // [d_mlp, d_model]
  PackedLinear gate{};  // [d_model, d_mlp], of a gated MLP
};

struct PackedWeights {
  std::vector<PackedBlock> blocks;
  PackedLinear unembed;  // [d_model, d_vocab]
  RotaryTable rotary;    // of a model with rotary embeddings
};

/// Packs on all threads of the context. `weights` must fit the config and outlive the result.
PackedWeights pack_weights(const RunContext& ctx, const HookedTransformerConfig& cfg,
                           const Weights& weights);

}  // namespace patchbay
