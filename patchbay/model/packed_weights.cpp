#include "patchbay/model/packed_weights.h"

#include <functional>

namespace patchbay {

PackedWeights pack_weights(const RunContext& ctx, const HookedTransformerConfig& cfg,
                           const Weights& weights) {
  PackedWeights packed;
  if (cfg.is_rotary()) packed.rotary = RotaryTable(ctx, cfg.rotary_base, cfg.n_ctx, cfg.d_head);
  packed.blocks.resize(weights.blocks.size());
  packed.unembed.b = weights.b_U.flat();
  std::vector<std::function<void()>> jobs;
  jobs.emplace_back([&] { packed.unembed.w = PackedMatrix::pack(weights.W_U); });
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    jobs.emplace_back([&, layer] {
      const AttentionWeights& attn = weights.blocks[layer].attn;
      const MlpWeights& mlp = weights.blocks[layer].mlp;
      const Shape& o = attn.W_O.shape();  // [n_heads, d_head, d_model]
      packed.blocks[layer] = {
          .Q = {PackedMatrix::pack_heads(attn.W_Q), attn.b_Q.flat()},
          .K = {PackedMatrix::pack_heads(attn.W_K), attn.b_K.flat()},
          .V = {PackedMatrix::pack_heads(attn.W_V), attn.b_V.flat()},
          .O = {PackedMatrix::pack(attn.W_O.view().reshaped({o[0] * o[1], o[2]})), attn.b_O.flat()},
          .in = {PackedMatrix::pack(mlp.W_in), mlp.b_in.flat()},
          .out = {PackedMatrix::pack(mlp.W_out), mlp.b_out.flat()},
      };
      if (cfg.gated_mlp) packed.blocks[layer].gate = {PackedMatrix::pack(mlp.W_gate), {}};
    });
  }
  ctx.parallel_for(static_cast<std::int64_t>(jobs.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t job = begin; job < end; ++job) {
                       jobs[static_cast<std::size_t>(job)]();
                     }
                   });
  return packed;
}

}  // namespace patchbay
