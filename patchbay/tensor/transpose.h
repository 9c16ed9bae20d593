// Transposition of matrices, for checkpoints that store a map as [outputs, inputs].
#pragma once

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// out [columns, rows] = xᵀ of x [rows, columns], on the calling thread. Throws kUsage when x is
/// not a matrix or out has another size.
void transpose_into(ConstTensorView x, TensorView out);
/// xᵀ [columns, rows], on all threads. Throws kUsage when x is not a matrix.
Tensor transposed(const RunContext& ctx, ConstTensorView x);

}  // namespace patchbay
