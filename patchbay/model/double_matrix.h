// Matrices in double precision, for analyses of the weights: small, exact enough, not hot.
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "patchbay/tensor/tensor.h"

namespace patchbay {

struct DoubleMatrix {
  /// All elements +0. Throws kUsage for a negative extent.
  DoubleMatrix(std::int64_t row_count, std::int64_t column_count)
      : rows(row_count),
        columns(column_count),
        values(static_cast<std::size_t>(Shape{row_count, column_count}.size()), 0.0) {}

  [[nodiscard]] const double* row(std::int64_t i) const { return values.data() + i * columns; }
  [[nodiscard]] double* row(std::int64_t i) { return values.data() + i * columns; }

  std::int64_t rows;
  std::int64_t columns;
  std::vector<double> values;  // [rows, columns]
};

// The functions throw kUsage for a matrix whose values do not fill its rows and columns.

/// The elements of x [rows, columns]. Throws kUsage for other axes.
DoubleMatrix to_double(ConstTensorView x);
DoubleMatrix transposed(const DoubleMatrix& a);

/// a [m, k] · b [k, n] → [m, n]. Every element is one sum over k in increasing order from +0, so
/// that its bits depend on its row and its column alone. Throws kUsage when the shapes do not fit.
DoubleMatrix product(const DoubleMatrix& a, const DoubleMatrix& b);

/// Σ over all elements of a ∘ b: the trace of a·bᵀ. Throws kUsage when the shapes differ.
double inner_product(const DoubleMatrix& a, const DoubleMatrix& b);

/// All eigenvalues of a square matrix, the largest magnitude first (of equal ones the larger real
/// part, then the larger imaginary part). Throws kUsage when it is not square or holds a NaN or an
/// infinity, kInternal when the iteration does not converge.
std::vector<std::complex<double>> eigenvalues(const DoubleMatrix& a);

}  // namespace patchbay
