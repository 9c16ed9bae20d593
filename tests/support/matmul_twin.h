// The slow, obvious twin of the matrix product, which must equal it bit for bit.
#pragma once

#include <cstdint>
#include <span>

#include "patchbay/tensor/tensor.h"

namespace patchbay::testing {

/// [rows, n] of x [rows, k] · w [k, n]: each element one chain of std::fma over k from +0.
Tensor matmul_twin(ConstTensorView x, ConstTensorView w);
/// y [rows, n] plus the bias, in place; an empty bias adds nothing.
void add_bias(Tensor& y, std::span<const float> bias);
/// [rows, n_heads, n]: each head's own product, by matmul_twin on the head's part.
Tensor each_head_twin(ConstTensorView z, ConstTensorView w, std::int64_t n_heads);

}  // namespace patchbay::testing
