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

// A k block of two panels (32 KB) stays near the first-level cache while the rows pass by it; a row
// block's part of x (≤ 158 KB) stays in the second-level cache while the panels pass by it.
constexpr std::int64_t kBlockK = 256;
constexpr std::int64_t kBlockRows = 144;
// Of one thread's piece:
constexpr std::int64_t kLeastGroupPanels = 4;
constexpr std::int64_t kMostGroupPanels = 16;
constexpr std::int64_t kPiecesPerThread = 4;

// How the first chain of a block joins what the output already holds.
enum class Join {
  kStart,     // the output is not read
  kContinue,  // the chain goes on from the output
  kAdd,       // a chain of its own, added to the output (the next head)
};

// One block of the product: rows × one k block × a group of panels. The k block holds one chain or,
// in a product by head, several of equal length.
struct OperandBlock {
  const float* x;         // [rows, x_stride], at the block's first k
  std::int64_t x_stride;  // floats between rows of x
  std::int64_t rows;      // at most kBlockRows
  const float* w;         // first panel, at the block's first k
  std::int64_t w_stride;  // floats between panels
  std::int64_t chains;
  std::int64_t chain_k;  // length of each chain
  float* out;            // [rows, out_stride], at the first panel's first column
  std::int64_t out_stride;
  std::int64_t chain_step;  // floats between the outputs of one chain and the next
  std::int64_t columns;     // columns left from the first panel on
  Join first;               // how the first chain joins the output
  Join next;                // and the others
  const float* bias;        // at the first panel's first column; null unless this is the last block
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

// What comes from memory meanwhile: the panels that are multiplied next, a share of them by each
// tile.
struct Prefetch {
  const float* from;
  std::int64_t step;  // floats, for every k
};

// `Rows` × `Panels`·16 outputs of one block. All partial sums of a chain stay in registers along k:
// that needs the loops over them unrolled, which g++ does at -O2 only when told. A function of its
// own, because one with all tiles inside takes a compiler with sanitizers many minutes.
template <int Rows, int Panels>
HWY_NOINLINE void MultiplyTile(const OperandBlock& b, Prefetch prefetch) {
  constexpr int kVectors = Panels * static_cast<int>(kVectorsPer16);
  const float* x = b.x;
  const float* w = b.w;
  float* out = b.out;
  const std::int64_t x_stride = b.x_stride;
  const std::int64_t w_stride = b.w_stride;
  for (std::int64_t chain = 0; chain < b.chains; ++chain) {
    const Join join = chain == 0 ? b.first : b.next;
    Vector sum[Rows][kVectors];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(kTag);
    }
    if (join == Join::kContinue) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          sum[r][v] = hn::LoadU(kTag, out + r * b.out_stride + v * kLanes);
        }
      }
    }
    for (std::int64_t k = 0; k < b.chain_k; ++k) {
      Vector column[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        const std::int64_t panel = v / kVectorsPer16;
        column[v] = hn::Load(kTag, w + panel * w_stride + v % kVectorsPer16 * kLanes);
      }
#pragma GCC unroll 16
      for (int panel = 0; panel < Panels; ++panel) hwy::Prefetch(prefetch.from + panel * w_stride);
      w += kWidth;
      prefetch.from += prefetch.step;
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const Vector xk = Constant(x[r * x_stride]);
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) sum[r][v] = Fma(xk, column[v], sum[r][v]);
      }
      ++x;
    }
    const float* const bias = chain + 1 == b.chains ? b.bias : nullptr;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        float* const to = out + r * b.out_stride + v * kLanes;
        Vector result = sum[r][v];
        if (join == Join::kAdd) result = hn::Add(hn::LoadU(kTag, to), result);
        if (bias != nullptr) result = hn::Add(result, hn::LoadU(kTag, bias + v * kLanes));
        hn::StoreU(result, kTag, to);
      }
    }
    out += b.chain_step;
  }
}
template <int Rows, int Panels>
HWY_INLINE void DispatchRows(const OperandBlock& b, const Prefetch& prefetch) {
  if constexpr (Rows > 0) {
    if (b.rows == Rows) {
      MultiplyTile<Rows, Panels>(b, prefetch);
    } else {
      DispatchRows<Rows - 1, Panels>(b, prefetch);
    }
  }
}

// All rows of one step of panels, whose columns all exist; `next` is what will be multiplied next.
template <int Panels>
HWY_NOINLINE void MultiplyPanels(const OperandBlock& b, const float* next) {
  // Tiles of nearly equal height waste the fewest registers: 14 rows are 5 + 5 + 4, not 6 + 6 + 2.
  const std::int64_t tiles = (b.rows + kTileRows - 1) / kTileRows;
  const std::int64_t k = b.chains * b.chain_k;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const std::int64_t begin = b.rows * i / tiles;
    OperandBlock tile = b;
    tile.rows = b.rows * (i + 1) / tiles - begin;
    tile.x += begin * b.x_stride;
    tile.out += begin * b.out_stride;
    DispatchRows<kTileRows, Panels>(
        tile, {.from = next + k * i / tiles * kWidth, .step = (kWidth + tiles - 1) / tiles});
  }
}

// The last panel when some of its columns do not exist: by way of a buffer whose columns all do.
void MultiplyEdge(const OperandBlock& b) {
  HWY_ALIGN float out[kBlockRows * kWidth] = {};
  HWY_ALIGN float bias[kWidth] = {};
  OperandBlock whole = b;
  whole.out = out;
  whole.out_stride = kWidth;
  if (b.bias != nullptr) std::copy_n(b.bias, b.columns, bias);
  // One chain at a time, since the buffer holds one output.
  whole.chains = 1;
  for (std::int64_t chain = 0; chain < b.chains; ++chain) {
    float* const to = b.out + chain * b.chain_step;
    if (whole.first != Join::kStart) {
      for (std::int64_t r = 0; r < b.rows; ++r) {
        std::copy_n(to + r * b.out_stride, b.columns, out + r * kWidth);
      }
    }
    whole.bias = chain + 1 == b.chains && b.bias != nullptr ? bias : nullptr;
    MultiplyPanels<1>(whole, whole.w);
    for (std::int64_t r = 0; r < b.rows; ++r) {
      std::copy_n(out + r * kWidth, b.columns, to + r * b.out_stride);
    }
    whole.x += b.chain_k;
    whole.w += b.chain_k * kWidth;
    whole.first = b.next;
  }
}

void MatmulBlock(const OperandBlock& block) {
  OperandBlock b = block;
  while (b.columns > 0) {
    const std::int64_t step = b.columns >= kTilePanels * kWidth ? kTilePanels : 1;
    // After the last panels, the first ones of the next k block.
    const float* const next = b.columns > step * kWidth
                                  ? b.w + step * b.w_stride
                                  : block.w + block.chains * block.chain_k * kWidth;
    if (b.columns < kWidth) {
      MultiplyEdge(b);
    } else if (step == kTilePanels) {
      MultiplyPanels<kTilePanels>(b, next);
    } else {
      MultiplyPanels<1>(b, next);
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
  std::int64_t chains;      // of equal length, along k: one, or one per head
  std::int64_t chain_step;  // floats between the outputs of one chain and the next
  Join next;                // how a second chain, or a second block of the only one, joins
};

// Rows of the copied x lie an odd number of cache lines apart, so that the rows of a tile do not
// compete for the same few places of a cache, as rows of 3,072 floats would.
std::int64_t copied_stride(std::int64_t k) {
  constexpr std::int64_t kCacheLine = 16;  // floats
  const std::int64_t lines = (k + kCacheLine - 1) / kCacheLine;
  return (lines + (lines + 1) % 2) * kCacheLine;
}

// All k blocks of one rows × panels piece of the output.
void multiply_piece(const Product& product, std::int64_t row_begin, std::int64_t row_end,
                    std::int64_t panel_begin, std::int64_t panel_end) {
  const std::int64_t k = product.w.k();
  const std::int64_t column = panel_begin * PackedMatrix::kPanelWidth;
  const std::int64_t column_end = std::min(product.w.n(), panel_end * PackedMatrix::kPanelWidth);
  const std::int64_t rows = row_end - row_begin;
  float* const out = product.out + row_begin * product.out_stride + column;
  // The only chain is cut into blocks of k; of several chains, whole ones share a block.
  const bool is_cut = product.chains == 1;
  const std::int64_t chain_k = k / product.chains;
  const std::int64_t block_chains =
      is_cut ? 1 : std::max<std::int64_t>(1, kBlockK / std::max<std::int64_t>(1, chain_k));
  const std::int64_t block_k = is_cut ? kBlockK : block_chains * chain_k;
  const std::int64_t blocks = is_cut ? std::max<std::int64_t>(1, (k + block_k - 1) / block_k)
                                     : (product.chains + block_chains - 1) / block_chains;
  const std::int64_t stride = copied_stride(std::min(block_k, k));
  Tensor copy = Tensor::uninitialized({rows, stride});
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t begin = block * block_k;
    const std::int64_t length = std::min(block_k, k - begin);
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(product.x.data() + (row_begin + row) * k + begin, length,
                  copy.data() + row * stride);
    }
    const bool is_last = block + 1 == blocks;
    const std::int64_t chain = block * block_chains;
    HWY_DYNAMIC_DISPATCH(MatmulBlock)
    ({.x = copy.data(),
      .x_stride = stride,
      .rows = rows,
      .w = product.w.panel(panel_begin) + begin * PackedMatrix::kPanelWidth,
      .w_stride = k * PackedMatrix::kPanelWidth,
      .chains = is_cut ? 1 : std::min(block_chains, product.chains - chain),
      .chain_k = is_cut ? length : chain_k,
      .out = is_cut ? out : out + chain * product.chain_step,
      .out_stride = product.out_stride,
      .chain_step = product.chain_step,
      .columns = column_end - column,
      .first = block == 0 ? Join::kStart : product.next,
      .next = product.next,
      .bias = is_last && !product.bias.empty() ? product.bias.data() + column : nullptr});
  }
}

void multiply(const RunContext& ctx, const Product& product) {
  const std::int64_t rows = product.x.shape()[0];
  const std::int64_t panels = product.w.panel_count();
  ctx.count_flops(2 * rows * product.w.k() * product.w.n());
  const std::int64_t row_blocks = (rows + kBlockRows - 1) / kBlockRows;
  // Wide groups read x least often; several pieces a thread keep all threads at work to the end.
  const std::int64_t pieces = ctx.threads() == 1 ? 1 : kPiecesPerThread * ctx.threads();
  const std::int64_t groups = std::max(
      (panels + kMostGroupPanels - 1) / kMostGroupPanels,
      std::min(panels / kLeastGroupPanels, pieces / std::max<std::int64_t>(1, row_blocks)));
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
                 .chains = 1,
                 .chain_step = 0,
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
                 .chains = n_heads,
                 .chain_step = 0,
                 .next = n_heads == 1 ? Join::kContinue : Join::kAdd});
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
                 .chains = n_heads,
                 .chain_step = w.n(),
                 .next = n_heads == 1 ? Join::kContinue : Join::kStart});
}

void sum_heads(const RunContext& ctx, ConstTensorView results, std::span<const float> bias,
               TensorView out) {
  const Shape& shape = results.shape();
  if (shape.rank() != 3 || shape[1] < 1 || out.size() != shape[0] * shape[2] ||
      static_cast<std::int64_t>(bias.size()) != shape[2]) {
    throw Error(
        ErrorKind::kUsage, "matmul",
        fmt::format("the heads of {} and a bias of {} do not add up to {}; check the shapes",
                    shape.str(), bias.size(), out.shape().str()));
  }
  const std::int64_t n_heads = results.shape()[1];
  const std::int64_t n = results.shape()[2];
  ctx.parallel_for(results.shape()[0], 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float* head = results[row].data();
      float* const sum = out.data() + row * n;
      std::copy_n(head, n, sum);
      for (std::int64_t h = 1; h < n_heads; ++h) {
        head += n;
        for (std::int64_t i = 0; i < n; ++i) sum[i] = sum[i] + head[i];
      }
      for (std::int64_t i = 0; i < n; ++i) sum[i] = sum[i] + bias[static_cast<std::size_t>(i)];
    }
  });
}

}  // namespace patchbay
#endif
