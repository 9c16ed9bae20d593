#include "patchbay/tensor/norm.h"

#include "patchbay/tensor/layer_norm.h"

namespace patchbay {
namespace {

// The weights, or as many times what stands for absent ones; `stand_in` holds those.
std::span<const float> given_or(float value, const Tensor& weights, std::int64_t n,
                                std::vector<float>& stand_in) {
  if (!weights.empty()) return weights.flat();
  stand_in.assign(static_cast<std::size_t>(n), value);
  return stand_in;
}

}  // namespace

void norm_scale(const RunContext& ctx, const Norm& norm, ConstTensorView x, TensorView scale) {
  PATCHBAY_ASSERT(norm.kind != NormKind::kNone);
  if (norm.centres()) {
    layer_norm_scale(ctx, x, norm.eps, scale);
  } else {
    rms_norm_scale(ctx, x, norm.eps, scale);
  }
}

void norm_apply(const RunContext& ctx, const Norm& norm, ConstTensorView x, ConstTensorView scale,
                TensorView out) {
  PATCHBAY_ASSERT(norm.kind != NormKind::kNone);
  if (!norm.centres()) {
    rms_norm_apply(ctx, x, scale, out);
    return;
  }
  std::vector<float> ones;
  std::vector<float> zeros;
  const std::int64_t n = x.shape()[1];
  layer_norm_apply(ctx, x, scale, given_or(1.0F, norm.w, n, ones), given_or(0.0F, norm.b, n, zeros),
                   out);
}

void norm_finish(const RunContext& ctx, const Norm& norm, TensorView normalized) {
  if (norm.kind != NormKind::kRms || norm.w.empty()) return;
  scale_columns(ctx, normalized, norm.w.flat(), normalized);
}

Tensor normalized(const RunContext& ctx, const Norm& norm, ConstTensorView x) {
  Tensor out = Tensor::copy_of(x);
  if (norm.kind == NormKind::kNone) return out;
  Tensor scale = Tensor::uninitialized({x.shape()[0], 1});  // [rows, 1]
  norm_scale(ctx, norm, x, scale);
  norm_apply(ctx, norm, x, scale, out);
  norm_finish(ctx, norm, out);
  return out;
}

}  // namespace patchbay
