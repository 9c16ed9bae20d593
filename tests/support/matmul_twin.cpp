#include "tests/support/matmul_twin.h"

#include <algorithm>
#include <cmath>

namespace patchbay::testing {
namespace {

constexpr std::int64_t kColumns = 16;

// Sixteen columns of the product at a time, only so that a compiler can keep them in vectors.
__attribute__((always_inline)) inline void multiply_columns(const float* x, std::int64_t rows,
                                                            std::int64_t k_count, const float* w,
                                                            float* out) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float sum[kColumns] = {};
    for (std::int64_t k = 0; k < k_count; ++k) {
      for (std::int64_t j = 0; j < kColumns; ++j) {
        sum[j] = std::fma(x[row * k_count + k], w[k * kColumns + j], sum[j]);
      }
    }
    std::copy_n(sum, kColumns, out + row * kColumns);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void multiply_columns_fast(const float* x, std::int64_t rows,
                                                               std::int64_t k_count, const float* w,
                                                               float* out) {
  multiply_columns(x, rows, k_count, w, out);
}
bool is_fast_possible() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#else
void multiply_columns_fast(const float* x, std::int64_t rows, std::int64_t k_count, const float* w,
                           float* out) {
  multiply_columns(x, rows, k_count, w, out);
}
bool is_fast_possible() { return true; }
#endif

}  // namespace

Tensor matmul_twin(ConstTensorView x, ConstTensorView w) {
  const std::int64_t rows = x.shape()[0];
  const std::int64_t k_count = x.shape()[1];
  const std::int64_t n = w.shape()[1];
  const bool is_fast = is_fast_possible();
  Tensor out({rows, n});
  Tensor columns({k_count, kColumns});
  Tensor part({rows, kColumns});
  for (std::int64_t first = 0; first < n; first += kColumns) {
    const std::int64_t count = std::min(kColumns, n - first);
    for (std::int64_t k = 0; k < k_count; ++k) {
      std::copy_n(w.data() + k * n + first, count, columns.data() + k * kColumns);
    }
    (is_fast ? multiply_columns_fast : multiply_columns)(x.data(), rows, k_count, columns.data(),
                                                         part.data());
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(part.data() + row * kColumns, count, out.data() + row * n + first);
    }
  }
  return out;
}

void add_bias(Tensor& y, std::span<const float> bias) {
  if (bias.empty()) return;
  for (std::size_t i = 0; i < y.flat().size(); ++i) y.flat()[i] += bias[i % bias.size()];
}

Tensor each_head_twin(ConstTensorView z, ConstTensorView w, std::int64_t n_heads) {
  const std::int64_t rows = z.shape()[0];
  const std::int64_t k_count = z.shape()[1];
  const std::int64_t d_head = k_count / n_heads;
  const std::int64_t n = w.shape()[1];
  Tensor result({rows, n_heads, n});
  Tensor part({rows, d_head});
  for (std::int64_t head = 0; head < n_heads; ++head) {
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(z.data() + row * k_count + head * d_head, d_head, part.data() + row * d_head);
    }
    const Tensor product = matmul_twin(part, w.rows(head * d_head, (head + 1) * d_head));
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(product.data() + row * n, n, result.data() + (row * n_heads + head) * n);
    }
  }
  return result;
}

}  // namespace patchbay::testing
