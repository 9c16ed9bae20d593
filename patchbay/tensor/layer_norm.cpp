// Layer normalisation and root-mean-square normalisation.
#include "patchbay/tensor/layer_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "patchbay/tensor/layer_norm.cpp"
#include "patchbay/tensor/targets.h"
// targets.h comes first: it chooses what foreach_target.h compiles.
#include <fmt/format.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

#include "patchbay/tensor/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {
namespace {

/// Σ over i of op(sum so far, x[i]), down the sixteen lanes, then through the tree.
template <class Op>
HWY_INLINE float Reduce(const float* x, std::int64_t n, const Op& op) {
  Lanes16 sum = Zero16();
  for (std::int64_t i = 0; i < n; i += kVirtualLanes) {
    const Lanes16 value = Load16(x + i, n - i);
    for (std::int64_t j = 0; j < kVectorsPer16; ++j) {
      const Vector next = op(Vector(sum.v[j]), Vector(value.v[j]));
      sum.v[j] = next;
    }
  }
  return TreeSum16(sum);
}

HWY_INLINE float Mean(const float* x, std::int64_t n) {
  return Reduce(x, n, [](Vector sum, Vector v) HWY_ATTR { return hn::Add(sum, v); }) /
         static_cast<float>(n);
}

float LayerNormScale(const float* x, std::int64_t n, float eps) {
  const float mean = Mean(x, n);
  // Lanes beyond the end hold +0 − mean, which is not +0, so the tail is summed on its own terms:
  // whole blocks first, then the last one with its missing lanes set back to +0.
  Lanes16 sum = Zero16();
  for (std::int64_t i = 0; i < n; i += kVirtualLanes) {
    const std::int64_t count = std::min(kVirtualLanes, n - i);
    Lanes16 centred = Load16(x + i, count);
    for (std::int64_t j = 0; j < kVectorsPer16; ++j) {
      centred.v[j] = hn::Sub(centred.v[j], Constant(mean));
    }
    if (count < kVirtualLanes) {
      HWY_ALIGN float kept[kVirtualLanes];
      Store16(centred, kept, kVirtualLanes);
      centred = Load16(kept, count);
    }
    for (std::int64_t j = 0; j < kVectorsPer16; ++j) {
      sum.v[j] = Fma(centred.v[j], centred.v[j], sum.v[j]);
    }
  }
  return std::sqrt(TreeSum16(sum) / static_cast<float>(n) + eps);
}

float RmsNormScale(const float* x, std::int64_t n, float eps) {
  const float sum = Reduce(x, n, [](Vector s, Vector v) HWY_ATTR { return Fma(v, v, s); });
  return std::sqrt(sum / static_cast<float>(n) + eps);
}

void LayerNormApply(const float* x, std::int64_t n, float scale, const float* w, const float* b,
                    float* out) {
  const Vector mean = Constant(Mean(x, n));
  const Vector divisor = Constant(scale);
  for (std::int64_t i = 0; i < n; i += kVirtualLanes) {
    Lanes16 value = Load16(x + i, n - i);
    const Lanes16 weight = Load16(w + i, n - i);
    const Lanes16 bias = Load16(b + i, n - i);
    for (std::int64_t j = 0; j < kVectorsPer16; ++j) {
      const Vector normalized = hn::Div(hn::Sub(value.v[j], mean), divisor);
      value.v[j] = Fma(normalized, weight.v[j], bias.v[j]);
    }
    Store16(value, out + i, n - i);
  }
}

void Divide(const float* x, std::int64_t n, float divisor, float* out) {
  Map(x, out, n, [divisor](Vector v) HWY_ATTR { return hn::Div(v, Constant(divisor)); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace patchbay {
namespace {

HWY_EXPORT(LayerNormScale);
HWY_EXPORT(RmsNormScale);
HWY_EXPORT(LayerNormApply);
HWY_EXPORT(Divide);

constexpr std::int64_t kPieceRows = 16;

// Calls body(row, n) for each row of x [rows, n].
template <class Body>
void for_each_row(const RunContext& ctx, ConstTensorView x, const Body& body) {
  ctx.parallel_for(x.shape()[0], kPieceRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row, x.shape()[1]);
  });
}

// x [rows, n] with n ≥ 1, and a scale for every row.
void check_rows(ConstTensorView x, ConstTensorView scale) {
  if (x.shape().rank() == 2 && x.shape()[1] > 0 && scale.size() == x.shape()[0]) return;
  throw Error(
      ErrorKind::kUsage, "norm",
      fmt::format("x {} does not have the scales {}; give x [rows, d_model] and one scale a "
                  "row",
                  x.shape().str(), scale.shape().str()));
}

void check_eps(float eps) {
  if (eps >= 0.0F && std::isfinite(eps)) return;
  throw Error(ErrorKind::kUsage, "norm",
              fmt::format("eps is {}; give a finite number of 0 or more", eps));
}

// `count` is how many elements the weights or biases have.
void check_output(ConstTensorView x, std::size_t count, ConstTensorView out) {
  const bool fits = x.shape().rank() == 2 && out.size() == x.size() &&
                    static_cast<std::int64_t>(count) == x.shape()[1];
  if (fits) return;
  throw Error(ErrorKind::kUsage, "norm",
              fmt::format("x {} with {} weights or biases does not give an output {}; check the "
                          "shapes",
                          x.shape().str(), count, out.shape().str()));
}

}  // namespace

void layer_norm_scale(const RunContext& ctx, ConstTensorView x, float eps, TensorView scale) {
  check_rows(x, scale);
  check_eps(eps);
  for_each_row(ctx, x, [&](std::int64_t row, std::int64_t n) {
    scale.data()[row] = HWY_DYNAMIC_DISPATCH(LayerNormScale)(x.data() + row * n, n, eps);
  });
}

void layer_norm_apply(const RunContext& ctx, ConstTensorView x, ConstTensorView scale,
                      std::span<const float> w, std::span<const float> b, TensorView out) {
  check_rows(x, scale);
  check_output(x, w.size(), out);
  check_output(x, b.size(), out);
  for_each_row(ctx, x, [&](std::int64_t row, std::int64_t n) {
    HWY_DYNAMIC_DISPATCH(LayerNormApply)
    (x.data() + row * n, n, scale.data()[row], w.data(), b.data(), out.data() + row * n);
  });
}

void rms_norm_scale(const RunContext& ctx, ConstTensorView x, float eps, TensorView scale) {
  check_rows(x, scale);
  check_eps(eps);
  for_each_row(ctx, x, [&](std::int64_t row, std::int64_t n) {
    scale.data()[row] = HWY_DYNAMIC_DISPATCH(RmsNormScale)(x.data() + row * n, n, eps);
  });
}

void rms_norm_apply(const RunContext& ctx, ConstTensorView x, ConstTensorView scale,
                    TensorView out) {
  check_rows(x, scale);
  check_output(x, static_cast<std::size_t>(x.shape()[1]), out);
  for_each_row(ctx, x, [&](std::int64_t row, std::int64_t n) {
    HWY_DYNAMIC_DISPATCH(Divide)(x.data() + row * n, n, scale.data()[row], out.data() + row * n);
  });
}

void scale_columns(const RunContext& ctx, ConstTensorView x, std::span<const float> w,
                   TensorView out) {
  check_output(x, w.size(), out);
  for_each_row(ctx, x, [&](std::int64_t row, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      out.data()[row * n + i] = x.data()[row * n + i] * w[static_cast<std::size_t>(i)];
    }
  });
}

}  // namespace patchbay
#endif
