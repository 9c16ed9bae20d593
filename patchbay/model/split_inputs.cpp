// The hook points before ln1 that give every head its own copy of the residual stream:
// hook_attn_in, and hook_q_input, hook_k_input, hook_v_input, which start as copies of it. With
// grouped queries, keys and values have fewer heads and there is no hook_attn_in.
//
// A head whose copy nobody edited keeps the projection of the shared stream, bit for bit. An edited
// copy goes through ln1 on its own (without ln1's hooks, which show the shared stream) and through
// that head's columns of the projection.
#include <cstring>

#include "patchbay/model/forward.h"
#include "patchbay/tensor/layer_norm.h"

namespace patchbay {

using enum HookPoint;

namespace {

// A copy of every row for each of some heads, [rows, heads, d_model].
Tensor copies_of(ConstTensorView x, std::int64_t heads) {
  const std::int64_t rows = x.shape()[0];
  const std::int64_t d_model = x.shape()[1];
  Tensor copies = Tensor::uninitialized({rows, heads, d_model});
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t head = 0; head < heads; ++head) {
      std::copy_n(x[row].data(), d_model, &copies(row, head, 0));
    }
  }
  return copies;
}

}  // namespace

void Forward::split_inputs(int layer, ConstTensorView resid_pre) {
  split_ = {};
  if (!site_.wants_any(layer, kAttnIn, kVInput)) return;
  split_.resid_pre = resid_pre;
  split_.q_input = copies_of(resid_pre, model_.cfg.n_heads);
  if (model_.cfg.grouped_queries()) {  // hook_attn_in has no meaning there
    split_.k_input = copies_of(resid_pre, model_.cfg.key_value_heads());
    split_.v_input = split_.k_input;
  } else {
    touch(kAttnIn, layer, split_.q_input);
    split_.k_input = split_.q_input;
    split_.v_input = split_.q_input;
  }
  touch(kQInput, layer, split_.q_input);
  touch(kKInput, layer, split_.k_input);
  touch(kVInput, layer, split_.v_input);
}

void Forward::read_edited_inputs(int layer, HookPoint output, const PackedLinear& map,
                                 TensorView projected) {
  if (split_.resid_pre.empty()) return;
  const Tensor& copies = output == kQ   ? split_.q_input
                         : output == kK ? split_.k_input
                                        : split_.v_input;  // [rows, heads, d_model]
  const std::int64_t rows = copies.shape()[0];
  const std::int64_t d_model = model_.cfg.d_model;
  const std::int64_t d_head = model_.cfg.d_head;
  const LayerNormWeights& ln1 = block_weights(layer).ln1;
  for (std::int64_t head = 0; head < copies.shape()[1]; ++head) {
    Tensor own = Tensor::uninitialized({rows, d_model});
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(&copies(row, head, 0), d_model, own[row].data());
    }
    if (std::memcmp(own.data(), split_.resid_pre.data(),
                    static_cast<std::size_t>(own.size()) * sizeof(float)) == 0) {
      continue;
    }
    Tensor scale = Tensor::uninitialized({rows, 1});
    if (model_.cfg.is_rms()) {
      rms_norm_scale(ctx_, own, model_.cfg.eps, scale);
      rms_norm_apply(ctx_, own, scale, own);
      scale_columns(ctx_, own, ln1.w.flat(), own);
    } else {
      layer_norm_scale(ctx_, own, model_.cfg.eps, scale);
      layer_norm_apply(ctx_, own, scale, ln1.w.flat(), ln1.b.flat(), own);
    }
    const Tensor all_heads = linear(own, map);  // [rows, heads·d_head]
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(&all_heads(row, head * d_head), d_head,
                  projected.data() + row * projected.shape()[1] + head * d_head);
    }
  }
}

}  // namespace patchbay
