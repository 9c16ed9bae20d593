#include "patchbay/model/factored_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/error.h"
#include "patchbay/model/double_matrix.h"

namespace patchbay {
namespace {

[[noreturn]] void fail(const FactoredMatrix& matrix, const char* what) {
  throw Error(
      ErrorKind::kUsage, "FactoredMatrix",
      fmt::format("A {} and B {} {}", matrix.A.shape().str(), matrix.B.shape().str(), what));
}

void check(const FactoredMatrix& matrix) {
  const Shape& a = matrix.A.shape();
  const Shape& b = matrix.B.shape();
  if (a.rank() != 2 || b.rank() != 2 || a[1] != b[0]) {
    fail(matrix, "do not multiply; give A [m, r] and B [r, n]");
  }
}

void check_square(const FactoredMatrix& matrix) {
  check(matrix);
  if (matrix.A.shape()[0] != matrix.B.shape()[1]) {
    fail(matrix, "do not make a square matrix; only a square one has a trace and eigenvalues");
  }
}

Tensor transpose(ConstTensorView x) {  // [m, n] → [n, m]
  Tensor out = Tensor::uninitialized({x.shape()[1], x.shape()[0]});
  for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
    for (std::int64_t j = 0; j < x.shape()[1]; ++j) out(j, i) = x(i, j);
  }
  return out;
}

}  // namespace

Tensor FactoredMatrix::product() const {
  check(*this);
  const DoubleMatrix whole = patchbay::product(to_double(A), to_double(B));
  Tensor out = Tensor::uninitialized({whole.rows, whole.columns});
  std::ranges::transform(whole.values, out.flat().begin(),
                         [](double value) { return static_cast<float>(value); });
  return out;
}

FactoredMatrix FactoredMatrix::transposed() const {
  check(*this);
  return {.A = transpose(B), .B = transpose(A)};
}

double FactoredMatrix::norm() const {
  check(*this);
  const DoubleMatrix a = to_double(A);
  const DoubleMatrix b = to_double(B);
  const DoubleMatrix gram_a = patchbay::product(patchbay::transposed(a), a);  // AᵀA [r, r]
  const DoubleMatrix gram_b = patchbay::product(b, patchbay::transposed(b));  // BBᵀ [r, r]
  // Rounding may leave the square of a zero norm just below zero.
  return std::sqrt(std::max(0.0, inner_product(gram_a, gram_b)));
}

double FactoredMatrix::trace() const {
  check_square(*this);
  return inner_product(to_double(A), patchbay::transposed(to_double(B)));
}

std::vector<std::complex<double>> FactoredMatrix::eigenvalues() const {
  check_square(*this);
  return patchbay::eigenvalues(patchbay::product(to_double(B), to_double(A)));
}

}  // namespace patchbay
