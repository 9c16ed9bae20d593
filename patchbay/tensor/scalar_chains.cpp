// The operations once more, one number at a time with std::fma. The constants are those of
// scripts/fit_polynomials.py; every line rounds as the vector code is said to.
#include "patchbay/tensor/scalar_chains.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace patchbay::scalar {
namespace {

constexpr std::int64_t kLanes = 16;
using Lanes = std::array<float, kLanes>;

// Sixteen sums by index modulo sixteen, folded onto each other 8, 4, 2, 1 apart.
float fold(Lanes lanes) {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lanes[i] = lanes[i] + lanes[i + half];
  }
  return lanes[0];
}

float mean(std::span<const float> x) {
  Lanes lanes{};
  for (std::size_t i = 0; i < x.size(); ++i) lanes[i % kLanes] = lanes[i % kLanes] + x[i];
  return fold(lanes) / static_cast<float>(x.size());
}

// c[0] + c[1]·x + …, by Horner's rule.
template <std::size_t N>
float polynomial(float x, const float (&c)[N]) {
  float result = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) result = std::fma(result, x, c[i]);
  return result;
}

float times_logistic(float x, float y) { return x / (1.0F + exp(-y)); }

// (1 + erf(x/√2)) / 2
float normal_cdf(float x) {
  constexpr float kErf[] = {0.1283791671F,   -0.3761263848F,    0.1128378262F,    -0.02686543831F,
                            0.005221053413F, -0.0008484396551F, 0.0001126825389F, -9.673590812e-6F};
  constexpr float kErfc[] = {
      0.2553956763F,   -0.4271858441F,    0.2416581829F,     -0.07897878773F,  0.003733549532F,
      0.007000472328F, -0.0008586659488F, -0.0009894069495F, 0.0001059731758F, 0.0001213551237F};
  const float t = std::min(std::fabs(x * 0.70710678F), 10.5F);
  const float square = t * t;
  if (t < 1.0F) {
    return 0.5F + std::copysign(0.5F * std::fma(polynomial(square, kErf), t, t), x);
  }
  const float lost = std::fma(t, t, -square);
  const float u = (t - 2.0F) / (t + 2.0F);
  const float half_erfc = 0.5F * ((exp(-square) * (1.0F - lost)) * polynomial(u, kErfc));
  return x < 0.0F ? half_erfc : 1.0F - half_erfc;
}

}  // namespace

float chain(const float* x, const float* w, std::int64_t count, std::int64_t stride) {
  float sum = 0.0F;
  for (std::int64_t k = 0; k < count; ++k) sum = std::fma(x[k], w[k * stride], sum);
  return sum;
}

float exp(float x) {
  constexpr float kTail[] = {0.5000000013F, 0.1666657687F, 0.04166646468F, 0.008363197377F,
                             0.001393367623F};
  const float bounded = std::min(std::max(x, -104.0F), 89.0F);
  const float n = std::nearbyint(bounded * 1.44269504F);
  const float r = std::fma(n, 2.12194440e-4F, std::fma(n, -0.693359375F, bounded));
  const float power = std::fma(std::fma(polynomial(r, kTail), r, 1.0F), r, 1.0F);
  const float half = std::nearbyint(n * 0.5F);
  return (power * std::ldexp(1.0F, static_cast<int>(half))) *
         std::ldexp(1.0F, static_cast<int>(n - half));
}

float tanh(float x) {
  constexpr float kSmall[] = {-0.333333291F, 0.1333278188F, -0.05385243848F, 0.02100335937F,
                              -0.00610453575F};
  const float size = std::fabs(x);
  const float square = x * x;
  const float small = std::fma(polynomial(square, kSmall) * square, size, size);
  const float large = 1.0F - 2.0F / (exp(size + size) + 1.0F);
  return std::copysign(size < 0.625F ? small : large, x);
}

float gelu_new(float x) {
  const float inner = std::fma((x * x) * x, 0.044715F, x);
  return times_logistic(x, inner * 1.59576912F);
}
float gelu(float x) { return x * normal_cdf(x); }
float silu(float x) { return times_logistic(x, x); }
float relu(float x) { return x < 0.0F ? 0.0F : x; }

void softmax(std::span<float> x) {
  const float max = *std::ranges::max_element(x);
  Lanes lanes{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = exp(x[i] - max);
    lanes[i % kLanes] = lanes[i % kLanes] + x[i];
  }
  const float sum = fold(lanes);
  for (float& value : x) value = value / sum;
}

float sum_of_squares(std::span<const float> x, float centre) {
  Lanes lanes{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float centred = x[i] - centre;
    lanes[i % kLanes] = std::fma(centred, centred, lanes[i % kLanes]);
  }
  return fold(lanes);
}

float layer_norm_scale(std::span<const float> x, float eps) {
  return std::sqrt(sum_of_squares(x, mean(x)) / static_cast<float>(x.size()) + eps);
}

void layer_norm_apply(std::span<const float> x, float scale, const float* w, const float* b,
                      float* out) {
  const float centre = mean(x);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = std::fma((x[i] - centre) / scale, w[i], b[i]);
}

}  // namespace patchbay::scalar
