// The hook points before ln1 that give every head its own copy of the residual stream:
// hook_attn_in, and hook_q_input, hook_k_input, hook_v_input, which start as copies of it.
//
// A head whose copy nobody edited keeps the projection of the shared stream, bit for bit. An edited
// copy goes through ln1 on its own (without ln1's hooks, which show the shared stream) and through
// that head's columns of the projection.
#include <cstring>

#include "patchbay/model/forward.h"
#include "patchbay/tensor/layer_norm.h"

namespace patchbay {

using enum HookPoint;

void Forward::split_inputs(int layer, ConstTensorView resid_pre) {
  split_ = {};
  if (!site_.wants_any(layer, kAttnIn, kVInput)) return;
  const std::int64_t d_model = model_.cfg.d_model;
  Tensor attn_in = Tensor::uninitialized({resid_pre.shape()[0], model_.cfg.n_heads, d_model});
  for (std::int64_t row = 0; row < resid_pre.shape()[0]; ++row) {
    for (std::int64_t head = 0; head < model_.cfg.n_heads; ++head) {
      std::copy_n(resid_pre[row].data(), d_model, &attn_in(row, head, 0));
    }
  }
  touch(kAttnIn, layer, attn_in);
  split_ = {.resid_pre = resid_pre, .q_input = attn_in, .k_input = attn_in, .v_input = attn_in};
  touch(kQInput, layer, split_.q_input);
  touch(kKInput, layer, split_.k_input);
  touch(kVInput, layer, split_.v_input);
}

void Forward::read_edited_inputs(int layer, HookPoint output, const PackedLinear& map,
                                 TensorView projected) {
  if (split_.resid_pre.empty()) return;
  const Tensor& copies = output == kQ   ? split_.q_input
                         : output == kK ? split_.k_input
                                        : split_.v_input;  // [rows, n_heads, d_model]
  const std::int64_t rows = copies.shape()[0];
  const std::int64_t d_model = model_.cfg.d_model;
  const std::int64_t d_head = model_.cfg.d_head;
  const LayerNormWeights& ln1 = block_weights(layer).ln1;
  for (std::int64_t head = 0; head < model_.cfg.n_heads; ++head) {
    Tensor own = Tensor::uninitialized({rows, d_model});
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(&copies(row, head, 0), d_model, own[row].data());
    }
    if (std::memcmp(own.data(), split_.resid_pre.data(),
                    static_cast<std::size_t>(own.size()) * sizeof(float)) == 0) {
      continue;
    }
    Tensor scale = Tensor::uninitialized({rows, 1});
    layer_norm_scale(ctx_, own, model_.cfg.eps, scale);
    layer_norm_apply(ctx_, own, scale, ln1.w.flat(), ln1.b.flat(), own);
    const Tensor all_heads = linear(own, map);  // [rows, n_heads·d_head]
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(&all_heads(row, head * d_head), d_head,
                  projected.data() + row * projected.shape()[1] + head * d_head);
    }
  }
}

}  // namespace patchbay
