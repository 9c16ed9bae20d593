// The blocked, vectorised matrix product. See matmul.h for the contract on its bits.
#include "patchbay/tensor/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "patchbay/tensor/matmul.cpp"
#include "patchbay/tensor/targets.h"
// targets.h comes first: it chooses what foreach_target.h compiles.
#include <fmt/format.h>
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "patchbay/tensor/simd-inl.h"

// Once, before the per-target code.
#ifndef PATCHBAY_TENSOR_MATMUL_ONCE_
#define PATCHBAY_TENSOR_MATMUL_ONCE_
namespace patchbay {

// How a block of k joins what the output already holds.
enum class Join {
  kStart,     // the first block: the output is not read
  kContinue,  // the chain goes on from the output
  kAdd,       // a chain of its own, added to the output (the next head)
};

// One block of the product: rows × one k block × a group of panels.
struct Block {
  const float* x;         // [rows, x_stride], at the block's first k
  std::int64_t x_stride;  // floats between rows of x
  std::int64_t rows;
  const float* w;         // first panel, at the block's first k
  std::int64_t w_stride;  // floats between panels
  std::int64_t k;         // length of the k block
  float* out;             // [rows, out_stride], at the first panel's first column
  std::int64_t out_stride;
  std::int64_t columns;  // columns left from the first panel on
  Join join;
  const float* bias;  // at the first panel's first column; null unless this is the last block
};

}  // namespace patchbay
#endif

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {
namespace {

constexpr std::int64_t kWidth = PackedMatrix::kPanelWidth;

// Registers decide the tile: 16 hold 6 rows × 16 columns, 32 hold 14 × 32 when one vector is a
// whole panel row. The reference target takes the wide tile too, so that its blocking is tested.
#if HWY_TARGET == HWY_AVX2
constexpr int kTileRows = 6;
constexpr int kTilePanels = 1;
#else
constexpr int kTileRows = 14;
constexpr int kTilePanels = kVectorsPer16 == 1 || !HWY_NATIVE_FMA ? 2 : 1;
#endif

// `Rows` × `Panels`·16 outputs of one block. All partial sums stay in registers along k.
template <int Rows, int Panels>
HWY_INLINE void Tile(const Block& b, const float* x, const float* w, float* out,
                     std::int64_t columns, const float* bias, const float* prefetch) {
  constexpr int kVectors = Panels * static_cast<int>(kVectorsPer16);
  Vector sum[Rows][kVectors];
  const bool whole = columns >= Panels * kWidth;
  const auto load = [&](int r, int p) {
    return Load16(out + r * b.out_stride + p * kWidth, whole ? kWidth : columns - p * kWidth);
  };
  if (b.join == Join::kContinue) {
    for (int r = 0; r < Rows; ++r) {
      for (int p = 0; p < Panels; ++p) {
        const Lanes16 old = load(r, p);
        for (int v = 0; v < kVectorsPer16; ++v) sum[r][p * kVectorsPer16 + v] = old.v[v];
      }
    }
  } else {
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(kTag);
    }
  }
#pragma GCC unroll 4
  for (std::int64_t k = 0; k < b.k; ++k) {
    Vector column[kVectors];
    for (int p = 0; p < Panels; ++p) {
      for (int v = 0; v < kVectorsPer16; ++v) {
        column[p * kVectorsPer16 + v] =
            hn::Load(kTag, w + p * b.w_stride + k * kWidth + v * kLanes);
      }
    }
    if (prefetch != nullptr) hwy::Prefetch(prefetch + k * kWidth);
    for (int r = 0; r < Rows; ++r) {
      const Vector xk = Constant(x[r * b.x_stride + k]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Fma(xk, column[v], sum[r][v]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int p = 0; p < Panels; ++p) {
      const std::int64_t n = whole ? kWidth : std::min(kWidth, columns - p * kWidth);
      Lanes16 result;
      for (int v = 0; v < kVectorsPer16; ++v) result.v[v] = sum[r][p * kVectorsPer16 + v];
      if (b.join == Join::kAdd) {
        const Lanes16 old = load(r, p);
        for (int v = 0; v < kVectorsPer16; ++v) result.v[v] = hn::Add(old.v[v], result.v[v]);
      }
      if (bias != nullptr) {
        const Lanes16 add = Load16(bias + p * kWidth, n);
        for (int v = 0; v < kVectorsPer16; ++v) result.v[v] = hn::Add(result.v[v], add.v[v]);
      }
      Store16(result, out + r * b.out_stride + p * kWidth, n);
    }
  }
}

template <int Rows, int Panels>
HWY_INLINE void DispatchRows(std::int64_t rows, const Block& b, const float* x, const float* w,
                             float* out, std::int64_t columns, const float* bias,
                             const float* prefetch) {
  if constexpr (Rows > 0) {
    if (rows == Rows) {
      Tile<Rows, Panels>(b, x, w, out, columns, bias, prefetch);
    } else {
      DispatchRows<Rows - 1, Panels>(rows, b, x, w, out, columns, bias, prefetch);
    }
  }
}

void MatmulBlock(const Block& b) {
  // Tiles of nearly equal height waste the fewest registers: 14 rows are 5 + 5 + 4, not 6 + 6 + 2.
  const std::int64_t tiles = (b.rows + kTileRows - 1) / kTileRows;
  const std::int64_t panels = (b.columns + kWidth - 1) / kWidth;
  for (std::int64_t panel = 0; panel < panels;) {
    const bool wide = kTilePanels > 1 && panel + kTilePanels <= panels;
    const std::int64_t step = wide ? kTilePanels : 1;
    const float* w = b.w + panel * b.w_stride;
    const float* bias = b.bias == nullptr ? nullptr : b.bias + panel * kWidth;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const std::int64_t begin = b.rows * tile / tiles;
      const std::int64_t rows = b.rows * (tile + 1) / tiles - begin;
      const float* x = b.x + begin * b.x_stride;
      float* out = b.out + begin * b.out_stride + panel * kWidth;
      const std::int64_t columns = b.columns - panel * kWidth;
      // While the first tile computes, the same k block of the next panel comes from memory.
      const float* prefetch = tile == 0 ? w + step * b.w_stride : nullptr;
      if (wide) {
        DispatchRows<kTileRows, kTilePanels>(rows, b, x, w, out, columns, bias, prefetch);
      } else {
        DispatchRows<kTileRows, 1>(rows, b, x, w, out, columns, bias, prefetch);
      }
    }
    panel += step;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace patchbay {
namespace {

HWY_EXPORT(MatmulBlock);

// A k block of one panel (16 KB) stays in the first-level cache while the rows pass by it; a row
// block's part of x (≤ 240 KB) stays in the second-level cache while the panels pass by it.
constexpr std::int64_t kBlockK = 256;
constexpr std::int64_t kBlockRows = 240;
constexpr std::int64_t kGroupPanels = 4;

struct Product {
  ConstTensorView x;
  const PackedMatrix& w;
  std::span<const float> bias;
  TensorView out;
  std::int64_t block_k;     // rows of w in one k block
  Join next;                // how the second and later k blocks join
  std::int64_t out_stride;  // floats between rows of the output
  std::int64_t out_step;    // floats between the outputs of two k blocks: 0 when they share one
};

// All k blocks of one rows × panels piece of the output.
void multiply_piece(const Product& product, std::int64_t row_begin, std::int64_t row_end,
                    std::int64_t panel_begin, std::int64_t panel_end) {
  const std::int64_t k = product.w.k();
  const std::int64_t n = product.w.n();
  const std::int64_t column = panel_begin * PackedMatrix::kPanelWidth;
  for (std::int64_t begin = 0; begin == 0 || begin < k; begin += product.block_k) {
    const std::int64_t end = std::min(k, begin + product.block_k);
    const bool last = end == k;
    HWY_DYNAMIC_DISPATCH(MatmulBlock)
    ({.x = product.x.data() + row_begin * k + begin,
      .x_stride = k,
      .rows = row_end - row_begin,
      .w = product.w.panel(panel_begin) + begin * PackedMatrix::kPanelWidth,
      .w_stride = k * PackedMatrix::kPanelWidth,
      .k = end - begin,
      .out = product.out.data() + row_begin * product.out_stride +
             begin / product.block_k * product.out_step + column,
      .out_stride = product.out_stride,
      .columns = std::min(n, panel_end * PackedMatrix::kPanelWidth) - column,
      .join = begin == 0 ? Join::kStart : product.next,
      .bias = last && !product.bias.empty() ? product.bias.data() + column : nullptr});
  }
}

void multiply(const RunContext& ctx, const Product& product) {
  const std::int64_t rows = product.x.shape()[0];
  const std::int64_t panels = product.w.panel_count();
  const std::int64_t row_blocks = (rows + kBlockRows - 1) / kBlockRows;
  const std::int64_t groups = (panels + kGroupPanels - 1) / kGroupPanels;
  ctx.parallel_for(row_blocks * groups, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      const std::int64_t block = piece / groups;
      const std::int64_t group = piece % groups;
      multiply_piece(product, rows * block / row_blocks, rows * (block + 1) / row_blocks,
                     panels * group / groups, panels * (group + 1) / groups);
    }
  });
}

void check_shapes(ConstTensorView x, const PackedMatrix& w, std::span<const float> bias,
                  std::int64_t out_size) {
  const bool fits = x.shape().rank() == 2 && x.shape()[1] == w.k() &&
                    out_size == x.shape()[0] * w.n() &&
                    (bias.empty() || static_cast<std::int64_t>(bias.size()) == w.n());
  if (fits) return;
  throw Error(ErrorKind::kUsage, "matmul",
              fmt::format("x {} · w [{}, {}] with a bias of {} does not give an output of {} "
                          "elements; check the shapes",
                          x.shape().str(), w.k(), w.n(), bias.size(), out_size));
}

void check_heads(const PackedMatrix& w, std::int64_t n_heads) {
  if (n_heads > 0 && w.k() % n_heads == 0) return;
  throw Error(ErrorKind::kUsage, "matmul",
              fmt::format("{} rows of w cannot be shared by {} heads", w.k(), n_heads));
}

std::int64_t rows_per_head(const PackedMatrix& w, std::int64_t n_heads) {
  return std::max<std::int64_t>(1, w.k() / n_heads);
}

}  // namespace

PackedMatrix::PackedMatrix(std::int64_t k, std::int64_t n) : k_(k), n_(n) {
  panels_ = Tensor::uninitialized({panel_count(), k, kPanelWidth});
}

PackedMatrix PackedMatrix::pack(ConstTensorView w) {
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

void matmul(const RunContext& ctx, ConstTensorView x, const PackedMatrix& w,
            std::span<const float> bias, TensorView out) {
  check_shapes(x, w, bias, out.size());
  multiply(ctx, {x, w, bias, out, kBlockK, Join::kContinue, w.n(), 0});
}

void matmul_by_head(const RunContext& ctx, ConstTensorView z, const PackedMatrix& w,
                    std::int64_t n_heads, std::span<const float> bias, TensorView out) {
  check_heads(w, n_heads);
  check_shapes(z, w, bias, out.size());
  multiply(ctx, {z, w, bias, out, rows_per_head(w, n_heads), Join::kAdd, w.n(), 0});
}

void matmul_each_head(const RunContext& ctx, ConstTensorView z, const PackedMatrix& w,
                      std::int64_t n_heads, TensorView out) {
  check_heads(w, n_heads);
  check_shapes(z, w, {}, out.size() / n_heads);
  const std::int64_t row = n_heads * w.n();
  multiply(ctx, {z, w, {}, out, rows_per_head(w, n_heads), Join::kStart, row, w.n()});
}

}  // namespace patchbay
#endif
