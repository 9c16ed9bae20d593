// Softmax and log-softmax of rows, in two passes: the largest value first, then the sum.
#pragma once

#include <cstdint>

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// x[i] ← e^(x[i] − max) / Σ e^(x[j] − max), over n values in place. −inf weighs nothing; a row of
/// −inf alone becomes all 0, as TransformerLens's attention makes it; one NaN makes the row NaN.
/// This is what attention's inner loop calls: the pointer and n are not checked.
void softmax_row(float* x, std::int64_t n);

/// out [rows, n] = softmax of each row of x [rows, n]. In place allowed. Throws kUsage when the
/// shapes do not fit.
void softmax(const RunContext& ctx, ConstTensorView x, TensorView out);

/// ln Σ e^x[j] over n ≥ 1 values, in double precision from a sum in single precision. The pointer
/// and n are not checked.
double log_sum_exp_row(const float* x, std::int64_t n);

/// out [rows, n] = x − max − ln Σ e^(x − max), of each row of x [rows, n]. In place allowed. Throws
/// kUsage when the shapes do not fit.
void log_softmax(const RunContext& ctx, ConstTensorView x, TensorView out);

}  // namespace patchbay
