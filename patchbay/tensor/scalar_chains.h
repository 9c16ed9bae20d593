// The operations once more, one number at a time with std::fma: what check_kernels and the tests
// hold the vector kernels against, bit for bit. No Highway here, on purpose. Pointers and sizes are
// not checked.
#pragma once

#include <cstdint>
#include <span>

namespace patchbay::scalar {

/// Σ over k of x[k]·w[k·stride], one chain of fused multiply-adds from +0.
float chain(const float* x, const float* w, std::int64_t count, std::int64_t stride);

float exp(float x);
float tanh(float x);
float gelu_new(float x);
float gelu(float x);
float silu(float x);
float relu(float x);

/// x ← softmax(x), of one value or more.
void softmax(std::span<float> x);
/// Σ (x − centre)², down sixteen lanes by index and then through the tree.
float sum_of_squares(std::span<const float> x, float centre);
/// √(variance(x) + eps)
float layer_norm_scale(std::span<const float> x, float eps);
/// out = (x − mean(x)) / scale · w + b; b, w and out are as long as x.
void layer_norm_apply(std::span<const float> x, float scale, const float* w, const float* b,
                      float* out);

}  // namespace patchbay::scalar
