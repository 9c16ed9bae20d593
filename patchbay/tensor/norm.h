// One normalisation, wherever it stands in a model: what kind it is, and its weights.
#pragma once

#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/norm_kind.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

struct Norm {
  NormKind kind = NormKind::kNone;
  float eps = 0.0F;  ///< added to the variance, or to the mean square
  Tensor w{};        ///< [n]; absent: ones
  Tensor b{};        ///< [n]; absent: zeros. A root-mean-square norm has none

  [[nodiscard]] bool centres() const { return kind == NormKind::kLayer; }
  [[nodiscard]] float weight(std::int64_t i) const { return w.empty() ? 1.0F : w(i); }
  [[nodiscard]] float bias(std::int64_t i) const { return b.empty() ? 0.0F : b(i); }
};

/// scale [rows, 1] = √(variance(x) + eps) of x [rows, n]; of a root-mean-square norm √(mean(x²) +
/// eps). TransformerLens's hook_scale. For a norm that is one.
void norm_scale(const RunContext& ctx, const Norm& norm, ConstTensorView x, TensorView scale);

/// out [rows, n] = (x − mean(x)) / scale · w + b; of a root-mean-square norm x / scale.
/// TransformerLens's hook_normalized. In place allowed.
void norm_apply(const RunContext& ctx, const Norm& norm, ConstTensorView x, ConstTensorView scale,
                TensorView out);

/// What is left to do to `normalized` [rows, n], in place: the weight of a root-mean-square norm.
void norm_finish(const RunContext& ctx, const Norm& norm, TensorView normalized);

/// All of it, [rows, n].
Tensor normalized(const RunContext& ctx, const Norm& norm, ConstTensorView x);

}  // namespace patchbay
