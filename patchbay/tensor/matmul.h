// The matrix product, whose bits depend on its two operands alone.
//
// Each output element is one chain of fused multiply-adds over k in increasing order, from +0, and
// then the bias, each step rounded once. So the result does not depend on the number of threads,
// on which rows are computed together, on the tile, or on the processor's vector width.
#pragma once

#include <cstdint>
#include <span>

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// The right operand of a product, laid out for it once when weights are loaded: panels of sixteen
/// columns, [panel, k, 16], the last one padded with +0.
class PackedMatrix {
 public:
  static constexpr std::int64_t kPanelWidth = 16;

  PackedMatrix() = default;
  // Packing throws kUsage for a tensor of other axes.

  /// Packs `w` [k, n].
  static PackedMatrix pack(ConstTensorView w);
  /// Packs the transpose of `w` [n, k]: a [k, n] operand.
  static PackedMatrix pack_transposed(ConstTensorView w);
  /// Packs `w` [n_heads, k, d_head] as the [k, n_heads·d_head] operand that computes all heads.
  static PackedMatrix pack_heads(ConstTensorView w);
  /// Packs the given columns of this operand, in that order: [k, columns]. Throws kUsage for a
  /// column that is not there.
  [[nodiscard]] PackedMatrix select_columns(std::span<const std::int32_t> columns) const;

  [[nodiscard]] std::int64_t k() const { return k_; }
  [[nodiscard]] std::int64_t n() const { return n_; }
  /// Element (row, column), for 0 ≤ row < k and 0 ≤ column < n; nothing is checked, as in
  /// std::span.
  [[nodiscard]] float at(std::int64_t row, std::int64_t column) const {
    return panels_.data()[(column / kPanelWidth * k_ + row) * kPanelWidth + column % kPanelWidth];
  }
  /// The first element of a panel; nothing is checked, as in std::span.
  [[nodiscard]] const float* panel(std::int64_t index) const {
    return panels_.data() + index * k_ * kPanelWidth;
  }
  [[nodiscard]] std::int64_t panel_count() const { return (n_ + kPanelWidth - 1) / kPanelWidth; }

 private:
  PackedMatrix(std::int64_t k, std::int64_t n);
  Tensor panels_;  // [panel, k, 16]
  std::int64_t k_ = 0;
  std::int64_t n_ = 0;
};

/// out [rows, n] = x [rows, k] · w [k, n] + bias [n]; an empty bias adds nothing.
/// Throws kUsage when the shapes do not fit, kInterrupted when the context was cancelled.
void matmul(const RunContext& ctx, ConstTensorView x, const PackedMatrix& w,
            std::span<const float> bias, TensorView out);

/// out [rows, n] = Σ over heads of z [rows, n_heads·d_head] · w [n_heads·d_head, n], + bias [n].
/// One chain per head over d_head; the heads are added in head order, then the bias: the bits are
/// those of computing every head's result on its own and adding them up. Throws as matmul does, and
/// kUsage when the rows of w cannot be shared by so many heads.
void matmul_by_head(const RunContext& ctx, ConstTensorView z, const PackedMatrix& w,
                    std::int64_t n_heads, std::span<const float> bias, TensorView out);

/// out [rows, n_heads, n] = each head's own product, without bias (TransformerLens's hook_result).
/// Throws as matmul_by_head does.
void matmul_each_head(const RunContext& ctx, ConstTensorView z, const PackedMatrix& w,
                      std::int64_t n_heads, TensorView out);

/// out [rows, n] = the heads of results [rows, n_heads, n] added in head order, + bias [n]: with
/// matmul_each_head's results, the bits of matmul_by_head. Throws kUsage when the shapes do not
/// fit.
void sum_heads(const RunContext& ctx, ConstTensorView results, std::span<const float> bias,
               TensorView out);

}  // namespace patchbay
