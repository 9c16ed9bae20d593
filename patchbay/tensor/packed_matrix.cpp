// The layouts that the right operand of a product can be packed from. See matmul.h.
#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/check.h"
#include "patchbay/tensor/matmul.h"

namespace patchbay {
namespace {

void check_rank(ConstTensorView w, int rank) {
  if (w.shape().rank() == rank) return;
  throw Error(ErrorKind::kUsage, "matmul",
              fmt::format("an operand of shape {} cannot be packed; give one of {} axes",
                          w.shape().str(), rank));
}

}  // namespace

PackedMatrix::PackedMatrix(std::int64_t k, std::int64_t n) : k_(k), n_(n) {
  panels_ = Tensor::uninitialized({panel_count(), k, kPanelWidth});
}

PackedMatrix PackedMatrix::pack(ConstTensorView w) {
  check_rank(w, 2);
  PackedMatrix packed(w.shape()[0], w.shape()[1]);
  float* to = packed.panels_.data();
  for (std::int64_t panel = 0; panel < packed.panel_count(); ++panel) {
    const std::int64_t first = panel * kPanelWidth;
    const std::int64_t count = std::min(kPanelWidth, packed.n_ - first);
    for (std::int64_t k = 0; k < packed.k_; ++k, to += kPanelWidth) {
      std::copy_n(w.data() + k * packed.n_ + first, count, to);
      std::fill(to + count, to + kPanelWidth, 0.0F);
    }
  }
  return packed;
}

PackedMatrix PackedMatrix::pack_transposed(ConstTensorView w) {
  check_rank(w, 2);
  PackedMatrix packed(w.shape()[1], w.shape()[0]);
  const std::int64_t k_count = packed.k_;
  for (std::int64_t panel = 0; panel < packed.panel_count(); ++panel) {
    float* to = packed.panels_.data() + panel * k_count * kPanelWidth;
    const std::int64_t first = panel * kPanelWidth;
    const std::int64_t count = std::min(kPanelWidth, packed.n_ - first);
    for (std::int64_t k = 0; k < k_count; ++k, to += kPanelWidth) {
      for (std::int64_t j = 0; j < count; ++j) to[j] = w.data()[(first + j) * k_count + k];
      std::fill(to + count, to + kPanelWidth, 0.0F);
    }
  }
  return packed;
}

PackedMatrix PackedMatrix::pack_heads(ConstTensorView w) {
  check_rank(w, 3);
  const std::int64_t d_head = w.shape()[2];
  PackedMatrix packed(w.shape()[1], w.shape()[0] * d_head);
  for (std::int64_t panel = 0; panel < packed.panel_count(); ++panel) {
    float* to = packed.panels_.data() + panel * packed.k_ * kPanelWidth;
    for (std::int64_t j = 0; j < kPanelWidth; ++j) {
      const std::int64_t column = panel * kPanelWidth + j;
      for (std::int64_t k = 0; k < packed.k_; ++k) {
        to[k * kPanelWidth + j] =
            column < packed.n_ ? w(column / d_head, k, column % d_head) : 0.0F;
      }
    }
  }
  return packed;
}

PackedMatrix PackedMatrix::select_columns(std::span<const std::int32_t> columns) const {
  for (const std::int32_t column : columns) check_index("matmul", "column", column, n_);
  PackedMatrix packed(k_, static_cast<std::int64_t>(columns.size()));
  for (std::int64_t panel = 0; panel < packed.panel_count(); ++panel) {
    float* to = packed.panels_.data() + panel * k_ * kPanelWidth;
    for (std::int64_t k = 0; k < k_; ++k) {
      for (std::int64_t j = 0; j < kPanelWidth; ++j) {
        const std::int64_t column = panel * kPanelWidth + j;
        to[k * kPanelWidth + j] =
            column < packed.n_ ? at(k, columns[static_cast<std::size_t>(column)]) : 0.0F;
      }
    }
  }
  return packed;
}

}  // namespace patchbay
