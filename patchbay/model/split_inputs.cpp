// The hook points before ln1 that give every head its own copy of the residual stream:
// hook_attn_in, and hook_q_input, hook_k_input, hook_v_input, which start as copies of it. With
// grouped queries, keys and values have fewer heads and there is no hook_attn_in.
//
// Where nobody edited a head's copy of a row, the head keeps the projection of the shared stream,
// bit for bit. An edited copy goes through ln1 on its own (without ln1's hooks, which show the
// shared stream) and through that head's columns of the projection.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

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
  Tensor attn_in;  // [rows, n_heads, d_model]
  if (site_.wants(kAttnIn, layer)) {
    attn_in = copies_of(resid_pre, model_.cfg.n_heads);
    site_.touch(kAttnIn, layer, attn_in);
  }
  const auto input = [&](HookPoint point, std::int64_t heads) {
    Tensor copies = attn_in;
    if (copies.empty() && site_.wants(point, layer)) copies = copies_of(resid_pre, heads);
    if (!copies.empty()) site_.touch(point, layer, copies);
    return copies;
  };
  split_.q_input = input(kQInput, model_.cfg.n_heads);
  split_.k_input = input(kKInput, model_.cfg.key_value_heads());
  split_.v_input = input(kVInput, model_.cfg.key_value_heads());
}

// ln1 of an edited copy; its hooks show the shared stream and do not see this.
Tensor Forward::normalize_unseen(int layer, Tensor x) {
  const LayerNormWeights& ln1 = block_weights(layer).ln1;
  Tensor scale = Tensor::uninitialized({x.shape()[0], 1});
  if (model_.cfg.is_rms()) {
    rms_norm_scale(ctx_, x, model_.cfg.eps, scale);
    rms_norm_apply(ctx_, x, scale, x);
    scale_columns(ctx_, x, ln1.w.flat(), x);
  } else {
    layer_norm_scale(ctx_, x, model_.cfg.eps, scale);
    layer_norm_apply(ctx_, x, scale, ln1.w.flat(), ln1.b.flat(), x);
  }
  return x;
}

void Forward::read_edited_inputs(int layer, HookPoint output, const PackedLinear& map,
                                 TensorView projected) {
  const Tensor& copies = output == kQ   ? split_.q_input
                         : output == kK ? split_.k_input
                                        : split_.v_input;  // [rows, heads, d_model]
  if (copies.empty()) return;
  const std::int64_t d_model = model_.cfg.d_model;
  const std::int64_t d_head = model_.cfg.d_head;
  for (std::int64_t head = 0; head < copies.shape()[1]; ++head) {
    std::vector<std::int64_t> edited;  // rows
    for (std::int64_t row = 0; row < copies.shape()[0]; ++row) {
      const bool same = std::memcmp(&copies(row, head, 0), split_.resid_pre[row].data(),
                                    static_cast<std::size_t>(d_model) * sizeof(float)) == 0;
      if (!same) edited.push_back(row);
    }
    if (edited.empty()) continue;
    Tensor own = Tensor::uninitialized({static_cast<std::int64_t>(edited.size()), d_model});
    for (std::size_t i = 0; i < edited.size(); ++i) {
      std::copy_n(&copies(edited[i], head, 0), d_model, own[static_cast<std::int64_t>(i)].data());
    }
    std::vector<std::int32_t> columns(static_cast<std::size_t>(d_head));
    std::iota(columns.begin(), columns.end(), static_cast<std::int32_t>(head * d_head));
    const auto bias = map.b.subspan(static_cast<std::size_t>(head * d_head), columns.size());
    const PackedMatrix w = map.w.select_columns(columns);
    const Tensor result = linear(normalize_unseen(layer, std::move(own)), {w, bias});
    for (std::size_t i = 0; i < edited.size(); ++i) {
      std::ranges::copy(result.view()[static_cast<std::int64_t>(i)].flat(),
                        projected.data() + edited[i] * projected.shape()[1] + head * d_head);
    }
  }
}

}  // namespace patchbay
