#include "patchbay/tensor/transpose.h"

#include <fmt/format.h>

#include <algorithm>

namespace patchbay {
namespace {

constexpr std::int64_t kPiece = 32;

// Columns first … last−1, in square pieces, so that both sides stay in cache.
void transpose_columns(ConstTensorView x, TensorView out, std::int64_t first, std::int64_t last) {
  const std::int64_t rows = x.shape()[0];
  const std::int64_t columns = x.shape()[1];
  for (std::int64_t block = 0; block < rows; block += kPiece) {
    for (std::int64_t column = first; column < last; ++column) {
      for (std::int64_t row = block; row < std::min(rows, block + kPiece); ++row) {
        out.data()[column * rows + row] = x.data()[row * columns + column];
      }
    }
  }
}

void check_matrix(ConstTensorView x, std::int64_t output_size) {
  if (x.shape().rank() == 2 && x.size() == output_size) return;
  throw Error(
      ErrorKind::kUsage, "transpose",
      fmt::format("{} has no transpose of {} elements; give a matrix and an output of its size",
                  x.shape().str(), output_size));
}

}  // namespace

void transpose_into(ConstTensorView x, TensorView out) {
  check_matrix(x, out.size());
  for (std::int64_t first = 0; first < x.shape()[1]; first += kPiece) {
    transpose_columns(x, out, first, std::min(x.shape()[1], first + kPiece));
  }
}

Tensor transposed(const RunContext& ctx, ConstTensorView x) {
  check_matrix(x, x.size());
  Tensor result = Tensor::uninitialized({x.shape()[1], x.shape()[0]});
  ctx.parallel_for(x.shape()[1], kPiece, [&](std::int64_t first, std::int64_t last) {
    transpose_columns(x, result, first, last);
  });
  return result;
}

}  // namespace patchbay
