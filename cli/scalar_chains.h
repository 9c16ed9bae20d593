// The operations once more, one number at a time with std::fma: what the doctor holds the vector
// kernels against, bit for bit. No Highway here, on purpose.
#pragma once

#include <cstdint>
#include <span>

namespace patchbay::cli::scalar {

/// Σ over k of x[k]·w[k·stride], one chain of fused multiply-adds from +0.
float chain(const float* x, const float* w, std::int64_t count, std::int64_t stride);

float exp(float x);
float tanh(float x);
float gelu_new(float x);
float gelu(float x);
float silu(float x);
float relu(float x);

/// x ← softmax(x)
void softmax(std::span<float> x);
/// √(variance(x) + eps)
float layer_norm_scale(std::span<const float> x, float eps);
/// out = (x − mean(x)) / scale · w + b; b, w and out are as long as x.
void layer_norm_apply(std::span<const float> x, float scale, const float* w, const float* b,
                      float* out);

}  // namespace patchbay::cli::scalar
