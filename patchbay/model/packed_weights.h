// The weights of a model as the forward pass reads them: every right operand packed for matmul.
#pragma once

#include <vector>

#include "patchbay/model/block.h"
#include "patchbay/model/weights.h"
#include "patchbay/tensor/rotary.h"

namespace patchbay {

struct PackedWeights {
  std::vector<Block> blocks;
  NormPlace ln_final;
  PackedLinear unembed;  // [d_model, d_vocab]
  RotaryTable rotary;    // of a model with rotary embeddings
};

/// Packs on all threads of the context. `weights` must fit the config and outlive the result.
PackedWeights pack_weights(const RunContext& ctx, const HookedTransformerConfig& cfg,
                           const Weights& weights);

}  // namespace patchbay
