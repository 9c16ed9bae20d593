// A large matrix of low rank, kept as the product of two thin ones (TransformerLens's
// FactoredMatrix): what a head reads and writes is of rank d_head.
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// The matrix A·B [m, n]. No method but product() ever forms it; all compute in double precision,
/// through r × r matrices. Every method throws kUsage when A and B do not fit.
struct FactoredMatrix {
  Tensor A;  // [m, r]
  Tensor B;  // [r, n]

  /// A·B [m, n], each element rounded to float once.
  [[nodiscard]] Tensor product() const;
  /// (A·B)ᵀ = Bᵀ·Aᵀ [n, m]
  [[nodiscard]] FactoredMatrix transposed() const;
  /// The Frobenius norm √Σ(A·B)², by √trace(AᵀA·BBᵀ): good to about 1e-8 of ‖A‖·‖B‖.
  [[nodiscard]] double norm() const;
  /// Σ of the diagonal of A·B, which is that of B·A. Throws kUsage unless m = n.
  [[nodiscard]] double trace() const;
  /// The eigenvalues of A·B that can differ from 0: those of B·A [r, r], the largest magnitude
  /// first. Throws kUsage unless m = n.
  [[nodiscard]] std::vector<std::complex<double>> eigenvalues() const;
};

}  // namespace patchbay
