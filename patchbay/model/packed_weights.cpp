#include "patchbay/model/packed_weights.h"

#include <functional>

namespace patchbay {

namespace {

Block block_of(const HookedTransformerConfig& cfg, const BlockWeights& weights) {
  using enum HookPoint;
  const AttentionWeights& attn = weights.attn;
  const MlpWeights& mlp = weights.mlp;
  const Shape& o = attn.W_O.shape();  // [n_heads, d_head, d_model]
  return {
      .ln1 = {&weights.ln1, kLn1Scale, kLn1Normalized},
      .Q = {PackedMatrix::pack_heads(attn.W_Q), attn.b_Q.flat()},
      .K = {PackedMatrix::pack_heads(attn.W_K), attn.b_K.flat()},
      .V = {PackedMatrix::pack_heads(attn.W_V), attn.b_V.flat()},
      .q_norm = {&attn.q_norm, kQNormScale, kQNormNormalized, cfg.n_heads},
      .k_norm = {&attn.k_norm, kKNormScale, kKNormNormalized, cfg.key_value_heads()},
      .O = {PackedMatrix::pack(attn.W_O.view().reshaped({o[0] * o[1], o[2]})), attn.b_O.flat()},
      .ln1_post = {&weights.ln1_post, kLn1PostScale, kLn1PostNormalized},
      .has_mlp = !cfg.attn_only,
      .parallel = cfg.parallel_attn_mlp,
      .ln2 = {&weights.ln2, kLn2Scale, kLn2Normalized},
      .gate = cfg.gated_mlp ? PackedLinear{PackedMatrix::pack(mlp.W_gate), {}} : PackedLinear{},
      .in = cfg.attn_only ? PackedLinear{}
                          : PackedLinear{PackedMatrix::pack(mlp.W_in), mlp.b_in.flat()},
      .out = cfg.attn_only ? PackedLinear{}
                           : PackedLinear{PackedMatrix::pack(mlp.W_out), mlp.b_out.flat()},
      .ln2_post = {&weights.ln2_post, kLn2PostScale, kLn2PostNormalized},
  };
}

}  // namespace

PackedWeights pack_weights(const RunContext& ctx, const HookedTransformerConfig& cfg,
                           const Weights& weights) {
  PackedWeights packed;
  if (cfg.is_rotary()) {
    packed.rotary =
        RotaryTable(ctx, cfg.rotary_base, cfg.n_ctx, cfg.rotary_dims(),
                    cfg.rotary_adjacent_pairs ? RotaryPairs::kAdjacent : RotaryPairs::kHalves);
  }
  packed.blocks.resize(weights.blocks.size());
  packed.ln_final = {&weights.ln_final, HookPoint::kLnFinalScale, HookPoint::kLnFinalNormalized};
  packed.unembed.b = weights.b_U.flat();
  std::vector<std::function<void()>> jobs;
  jobs.emplace_back([&] { packed.unembed.w = PackedMatrix::pack(weights.W_U); });
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    jobs.emplace_back([&, layer] { packed.blocks[layer] = block_of(cfg, weights.blocks[layer]); });
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
