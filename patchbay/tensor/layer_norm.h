// Layer normalisation (Ba et al. 2016) and root-mean-square normalisation (Zhang & Sennrich 2019).
//
// Sums run down sixteen virtual lanes by absolute index and through a written-out tree; divisions
// and square roots are the processor's own, rounded correctly. Each comes in two steps, because the
// scale between them is a hook point. Throw kUsage when the shapes do not fit, eps is negative or
// not finite, or the rows are empty.
#pragma once

#include <span>

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// scale [rows] = √(variance(x) + eps), over d_model, of x [rows, d_model].
void layer_norm_scale(const RunContext& ctx, ConstTensorView x, float eps, TensorView scale);
/// out [rows, d_model] = (x − mean(x)) / scale · w + b; w, b [d_model]. In place allowed.
void layer_norm_apply(const RunContext& ctx, ConstTensorView x, ConstTensorView scale,
                      std::span<const float> w, std::span<const float> b, TensorView out);

/// scale [rows] = √(mean(x²) + eps).
void rms_norm_scale(const RunContext& ctx, ConstTensorView x, float eps, TensorView scale);
/// out [rows, d_model] = x / scale, before the weight (TransformerLens's hook_normalized).
void rms_norm_apply(const RunContext& ctx, ConstTensorView x, ConstTensorView scale,
                    TensorView out);
/// out [rows, d_model] = x · w, the weight [d_model] of a root-mean-square normalisation.
void scale_columns(const RunContext& ctx, ConstTensorView x, std::span<const float> w,
                   TensorView out);

}  // namespace patchbay
