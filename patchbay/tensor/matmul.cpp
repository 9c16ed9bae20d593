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

// A k block of one panel (24 KB) stays in the first-level cache while the rows pass by it; a row
// block's part of x (≤ 216 KB) stays in the second-level cache while the panels pass by it.
constexpr std::int64_t kBlockK = 384;
constexpr std::int64_t kBlockRows = 144;
constexpr std::int64_t kGroupPanels = 4;  // of one thread's piece

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
  std::int64_t rows;      // at most kBlockRows
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
// whole panel row. The reference target takes two panels too, so that this way is tested.
#if HWY_TARGET == HWY_AVX2
constexpr int kTileRows = 6;
constexpr int kTilePanels = 1;
#elif HWY_NATIVE_FMA
constexpr int kTileRows = 14;
constexpr int kTilePanels = kVectorsPer16 == 1 ? 2 : 1;
#else
constexpr int kTileRows = 3;
constexpr int kTilePanels = 2;
#endif

// `Rows` × `Panels`·16 outputs of one block. All partial sums stay in registers along k: that needs
// the loops over them unrolled, which g++ does at -O2 only when told. A function of its own,
// because one with all tiles inside takes a compiler with sanitizers many minutes.
template <int Rows, int Panels>
HWY_NOINLINE void MultiplyTile(const Block& b, const float* prefetch) {
  constexpr int kVectors = Panels * static_cast<int>(kVectorsPer16);
  const float* const x = b.x;
  const float* const w = b.w;
  const std::int64_t x_stride = b.x_stride;
  const std::int64_t w_stride = b.w_stride;
  Vector sum[Rows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(kTag);
  }
  if (b.join == Join::kContinue) {
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = hn::LoadU(kTag, b.out + r * b.out_stride + v * kLanes);
      }
    }
  }
  for (std::int64_t k = 0; k < b.k; ++k) {
    Vector column[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t panel = v / kVectorsPer16;
      column[v] = hn::Load(kTag, w + panel * w_stride + k * kWidth + v % kVectorsPer16 * kLanes);
    }
    hwy::Prefetch(prefetch + k * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Vector xk = Constant(x[r * x_stride + k]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Fma(xk, column[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      float* const to = b.out + r * b.out_stride + v * kLanes;
      Vector result = sum[r][v];
      if (b.join == Join::kAdd) result = hn::Add(hn::LoadU(kTag, to), result);
      if (b.bias != nullptr) result = hn::Add(result, hn::LoadU(kTag, b.bias + v * kLanes));
      hn::StoreU(result, kTag, to);
    }
  }
}

template <int Rows, int Panels>
HWY_INLINE void DispatchRows(const Block& b, const float* prefetch) {
  if constexpr (Rows > 0) {
    if (b.rows == Rows) {
      MultiplyTile<Rows, Panels>(b, prefetch);
    } else {
      DispatchRows<Rows - 1, Panels>(b, prefetch);
    }
  }
}

// All rows of one step of panels, whose columns all exist.
template <int Panels>
HWY_NOINLINE void MultiplyPanels(const Block& b) {
  // Tiles of nearly equal height waste the fewest registers: 14 rows are 5 + 5 + 4, not 6 + 6 + 2.
  const std::int64_t tiles = (b.rows + kTileRows - 1) / kTileRows;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const std::int64_t begin = b.rows * i / tiles;
    Block tile = b;
    tile.rows = b.rows * (i + 1) / tiles - begin;
    tile.x += begin * b.x_stride;
    tile.out += begin * b.out_stride;
    // While the first tile computes, the same k block of the next panels comes from memory. Later
    // tiles ask for what is here already: that costs less than to ask whether to.
    DispatchRows<kTileRows, Panels>(tile, i == 0 ? b.w + Panels * b.w_stride : b.w);
  }
}

// The last panel when some of its columns do not exist: by way of a buffer whose columns all do.
void MultiplyEdge(const Block& b) {
  HWY_ALIGN float out[kBlockRows * kWidth] = {};
  HWY_ALIGN float bias[kWidth] = {};
  Block whole = b;
  whole.out = out;
  whole.out_stride = kWidth;
  if (b.bias != nullptr) {
    std::copy_n(b.bias, b.columns, bias);
    whole.bias = bias;
  }
  if (b.join != Join::kStart) {
    for (std::int64_t r = 0; r < b.rows; ++r) {
      std::copy_n(b.out + r * b.out_stride, b.columns, out + r * kWidth);
    }
  }
  MultiplyPanels<1>(whole);
  for (std::int64_t r = 0; r < b.rows; ++r) {
    std::copy_n(out + r * kWidth, b.columns, b.out + r * b.out_stride);
  }
}

void MatmulBlock(const Block& block) {
  Block b = block;
  while (b.columns > 0) {
    std::int64_t step = 1;
    if (b.columns >= kTilePanels * kWidth) {
      step = kTilePanels;
      MultiplyPanels<kTilePanels>(b);
    } else if (b.columns >= kWidth) {
      MultiplyPanels<1>(b);
    } else {
      MultiplyEdge(b);
    }
    b.w += step * b.w_stride;
    b.out += step * kWidth;
    if (b.bias != nullptr) b.bias += step * kWidth;
    b.columns -= step * kWidth;
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

struct Product {
  ConstTensorView x;  // [rows, k]
  const PackedMatrix& w;
  std::span<const float> bias;
  float* out;               // [rows, out_stride]
  std::int64_t out_stride;  // floats between rows of the output
  std::int64_t blocks;      // of k
  std::int64_t block_k;     // rows of w in one block; the last may have fewer
  std::int64_t block_step;  // floats between the outputs of one block and the next
  Join next;                // how the second and later blocks join
};

// All k blocks of one rows × panels piece of the output.
void multiply_piece(const Product& product, std::int64_t row_begin, std::int64_t row_end,
                    std::int64_t panel_begin, std::int64_t panel_end) {
  const std::int64_t k = product.w.k();
  const std::int64_t column = panel_begin * PackedMatrix::kPanelWidth;
  const std::int64_t column_end = std::min(product.w.n(), panel_end * PackedMatrix::kPanelWidth);
  float* const out = product.out + row_begin * product.out_stride + column;
  for (std::int64_t i = 0; i < product.blocks; ++i) {
    const std::int64_t begin = i * product.block_k;
    const bool last = i + 1 == product.blocks;
    HWY_DYNAMIC_DISPATCH(MatmulBlock)
    ({.x = product.x.data() + row_begin * k + begin,
      .x_stride = k,
      .rows = row_end - row_begin,
      .w = product.w.panel(panel_begin) + begin * PackedMatrix::kPanelWidth,
      .w_stride = k * PackedMatrix::kPanelWidth,
      .k = std::min(product.block_k, k - begin),
      .out = out + i * product.block_step,
      .out_stride = product.out_stride,
      .columns = column_end - column,
      .join = i == 0 ? Join::kStart : product.next,
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

// `copies` is how often the output holds [rows, n].
void check_shapes(ConstTensorView x, const PackedMatrix& w, std::span<const float> bias,
                  ConstTensorView out, std::int64_t copies) {
  const bool fits = x.shape().rank() == 2 && x.shape()[1] == w.k() &&
                    out.size() == x.shape()[0] * w.n() * copies &&
                    (bias.empty() || static_cast<std::int64_t>(bias.size()) == w.n());
  if (fits) return;
  throw Error(ErrorKind::kUsage, "matmul",
              fmt::format("x {} · w [{}, {}] with a bias of {} does not give an output of shape "
                          "{}; check the shapes",
                          x.shape().str(), w.k(), w.n(), bias.size(), out.shape().str()));
}

void check_heads(const PackedMatrix& w, std::int64_t n_heads) {
  if (n_heads > 0 && w.k() % n_heads == 0) return;
  throw Error(ErrorKind::kUsage, "matmul",
              fmt::format("{} rows of w cannot be shared by {} heads", w.k(), n_heads));
}

}  // namespace

void matmul(const RunContext& ctx, ConstTensorView x, const PackedMatrix& w,
            std::span<const float> bias, TensorView out) {
  check_shapes(x, w, bias, out, 1);
  multiply(ctx, {.x = x,
                 .w = w,
                 .bias = bias,
                 .out = out.data(),
                 .out_stride = w.n(),
                 .blocks = std::max<std::int64_t>(1, (w.k() + kBlockK - 1) / kBlockK),
                 .block_k = kBlockK,
                 .block_step = 0,
                 .next = Join::kContinue});
}

void matmul_by_head(const RunContext& ctx, ConstTensorView z, const PackedMatrix& w,
                    std::int64_t n_heads, std::span<const float> bias, TensorView out) {
  check_heads(w, n_heads);
  check_shapes(z, w, bias, out, 1);
  multiply(ctx, {.x = z,
                 .w = w,
                 .bias = bias,
                 .out = out.data(),
                 .out_stride = w.n(),
                 .blocks = n_heads,
                 .block_k = w.k() / n_heads,
                 .block_step = 0,
                 .next = Join::kAdd});
}

void matmul_each_head(const RunContext& ctx, ConstTensorView z, const PackedMatrix& w,
                      std::int64_t n_heads, TensorView out) {
  check_heads(w, n_heads);
  check_shapes(z, w, {}, out, n_heads);
  multiply(ctx, {.x = z,
                 .w = w,
                 .bias = {},
                 .out = out.data(),
                 .out_stride = n_heads * w.n(),
                 .blocks = n_heads,
                 .block_k = w.k() / n_heads,
                 .block_step = w.n(),
                 .next = Join::kStart});
}

}  // namespace patchbay
#endif
