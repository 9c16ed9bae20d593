#include "patchbay/model/double_matrix.h"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

constexpr std::int64_t kTileRows = 4;
constexpr std::int64_t kTileColumns = 8;

// Up to kTileRows × kTileColumns elements of a product. Their sums stay in registers along k.
void tile(const DoubleMatrix& a, const std::vector<double>& strip, std::int64_t first_row,
          std::int64_t first_column, DoubleMatrix& out) {
  double sum[kTileRows][kTileColumns] = {};
  const std::int64_t row_count = std::min(kTileRows, a.rows - first_row);
  const double* rows[kTileRows];
  // Rows beyond the end compute the last one again, and nobody reads it.
  for (std::int64_t i = 0; i < kTileRows; ++i) {
    rows[i] = a.row(first_row + std::min(i, row_count - 1));
  }
  for (std::int64_t k = 0; k < a.columns; ++k) {
    const double* b = strip.data() + k * kTileColumns;
    for (std::int64_t i = 0; i < kTileRows; ++i) {
      for (std::int64_t j = 0; j < kTileColumns; ++j) sum[i][j] += rows[i][k] * b[j];
    }
  }
  const std::int64_t column_count = std::min(kTileColumns, out.columns - first_column);
  for (std::int64_t i = 0; i < row_count; ++i) {
    std::copy_n(sum[i], column_count, out.row(first_row + i) + first_column);
  }
}

void check_filled(const DoubleMatrix& a) {
  if (a.rows >= 0 && a.columns >= 0 && std::ssize(a.values) == a.rows * a.columns) return;
  throw Error(
      ErrorKind::kUsage, "matrix",
      fmt::format("{} values do not fill a matrix [{}, {}]", a.values.size(), a.rows, a.columns));
}

}  // namespace

DoubleMatrix to_double(ConstTensorView x) {
  if (x.shape().rank() != 2) {
    throw Error(ErrorKind::kUsage, "matrix",
                fmt::format("a tensor {} is not a matrix; give one of two axes", x.shape().str()));
  }
  DoubleMatrix out(x.shape()[0], x.shape()[1]);
  std::ranges::copy(x.flat(), out.values.begin());
  return out;
}

DoubleMatrix transposed(const DoubleMatrix& a) {
  check_filled(a);
  DoubleMatrix out(a.columns, a.rows);
  for (std::int64_t i = 0; i < a.rows; ++i) {
    for (std::int64_t j = 0; j < a.columns; ++j) out.row(j)[i] = a.row(i)[j];
  }
  return out;
}

DoubleMatrix product(const DoubleMatrix& a, const DoubleMatrix& b) {
  check_filled(a);
  check_filled(b);
  if (a.columns != b.rows) {
    throw Error(ErrorKind::kUsage, "product",
                fmt::format("[{}, {}] · [{}, {}]: the inner extents differ", a.rows, a.columns,
                            b.rows, b.columns));
  }
  DoubleMatrix out(a.rows, b.columns);
  // One strip of columns at a time, copied together: its rows would else share few cache sets.
  std::vector<double> strip(static_cast<std::size_t>(b.rows * kTileColumns), 0.0);
  for (std::int64_t column = 0; column < b.columns; column += kTileColumns) {
    const std::int64_t width = std::min(kTileColumns, b.columns - column);
    for (std::int64_t k = 0; k < b.rows; ++k) {
      std::copy_n(b.row(k) + column, width, strip.data() + k * kTileColumns);
    }
    for (std::int64_t row = 0; row < a.rows; row += kTileRows) tile(a, strip, row, column, out);
  }
  return out;
}

double inner_product(const DoubleMatrix& a, const DoubleMatrix& b) {
  check_filled(a);
  check_filled(b);
  if (a.rows != b.rows || a.columns != b.columns) {
    throw Error(ErrorKind::kUsage, "inner_product",
                fmt::format("[{}, {}] and [{}, {}] are not of one shape", a.rows, a.columns, b.rows,
                            b.columns));
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

std::vector<std::complex<double>> eigenvalues(const DoubleMatrix& a) {
  if (a.rows != a.columns) {
    throw Error(ErrorKind::kUsage, "eigenvalues",
                fmt::format("a [{}, {}] matrix is not square; only square ones have eigenvalues",
                            a.rows, a.columns));
  }
  check_filled(a);
  if (!std::ranges::all_of(a.values, [](double value) { return std::isfinite(value); })) {
    throw Error(ErrorKind::kUsage, "eigenvalues",
                "the matrix holds a NaN or an infinity; only finite ones have eigenvalues");
  }
  if (a.rows == 0) return {};
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor> matrix(a.values.data(), a.rows, a.columns);
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(matrix, /*computeEigenvectors=*/false);
  if (solver.info() != Eigen::Success) {
    throw Error(ErrorKind::kInternal, "eigenvalues",
                "the iteration did not converge; the matrix may hold values that are not finite");
  }
  std::vector<std::complex<double>> values(solver.eigenvalues().begin(),
                                           solver.eigenvalues().end());
  // The solver's order says nothing; this one is easy to read and to compare.
  std::ranges::sort(values, [](const auto& x, const auto& y) {
    return std::tuple(std::norm(x), x.real(), x.imag()) >
           std::tuple(std::norm(y), y.real(), y.imag());
  });
  return values;
}

}  // namespace patchbay
