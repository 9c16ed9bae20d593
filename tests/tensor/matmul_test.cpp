// The matrix product against scalar chains, bit for bit.
#include "patchbay/tensor/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "tests/support/matmul_twin.h"
#include "tests/tensor/tensor_testing.h"

namespace patchbay {
namespace {

using testing::add_bias;
using testing::differing;
using testing::matmul_twin;
using testing::on_every_target;
using testing::Values;

Tensor product(const RunContext& ctx, ConstTensorView x, const PackedMatrix& w,
               std::span<const float> bias) {
  Tensor out({x.shape()[0], w.n()});
  // What is there before must not matter.
  std::ranges::fill(out.flat(), std::numeric_limits<float>::quiet_NaN());
  matmul(ctx, x, w, bias, out);
  return out;
}

// Elements that differ from the chains, with and without bias.
std::int64_t errors(const RunContext& ctx, ConstTensorView x, ConstTensorView w,
                    std::span<const float> bias) {
  const PackedMatrix packed = PackedMatrix::pack(w);
  Tensor expected = matmul_twin(x, w);
  std::int64_t count = differing(product(ctx, x, packed, {}).flat(), expected.flat());
  add_bias(expected, bias);
  count += differing(product(ctx, x, packed, bias).flat(), expected.flat());
  return count;
}

TEST(Matmul, EqualsTheScalarChainsOnTwoThousandShapes) {
  constexpr std::array<std::int64_t, 14> kSizes = {0,  1,  2,  3,  5,  6,   7,
                                                   15, 16, 17, 31, 63, 768, 3072};
  constexpr std::int64_t kMostSteps = std::int64_t{6} << 20;
  // Every shape on the best instruction set, and small ones on another one too, in turn (the
  // reference is slow). The number of threads changes from shape to shape.
  constexpr std::int64_t kMostStepsElsewhere = std::int64_t{1} << 18;
  const std::vector<Target> all = targets();
  std::vector<std::unique_ptr<RunContext>> contexts;
  for (const int threads : {1, 2, 3, 4, 7}) {
    contexts.push_back(std::make_unique<RunContext>(RunOptions{.threads = threads}));
  }
  // One pool of values, of which each shape takes two pieces at places of its own.
  const Tensor pool = Values(1).tensor({10'000'000});
  const Tensor bias = Values(2).tensor({3072});
  const auto piece = [&pool](std::int64_t begin, const Shape& shape) {
    return pool.view().rows(begin, begin + shape.size()).reshaped(shape);
  };
  std::int64_t shapes = 0;
  for (const std::int64_t m : kSizes) {
    for (const std::int64_t k : kSizes) {
      for (const std::int64_t n : kSizes) {
        if (m * k * n > kMostSteps) continue;
        ++shapes;
        const ConstTensorView x = piece(shapes * 37, {m, k});
        const ConstTensorView w = piece(shapes * 101, {k, n});
        const std::span<const float> b = bias.view().rows(0, n).flat();
        const RunContext& ctx = *contexts[static_cast<std::size_t>(shapes) % contexts.size()];
        ASSERT_EQ(errors(ctx, x, w, b), 0) << m << " × " << k << " × " << n;
        if (m * k * n > kMostStepsElsewhere) continue;
        const Target& target = all[static_cast<std::size_t>(shapes / 5) % all.size()];
        const ScopedTarget scope(target);
        ASSERT_EQ(errors(ctx, x, w, b), 0)
            << m << " × " << k << " × " << n << " on " << target.name;
      }
    }
  }
  EXPECT_GE(shapes, 2000);
}

TEST(Matmul, EqualsTheScalarChainsWhereBlocksEnd) {
  const RunContext ctx({.threads = 1});
  for (const std::int64_t m : {13, 14, 29, 143, 144, 145, 289}) {
    for (const std::int64_t k : {255, 256, 257, 513}) {
      for (const std::int64_t n : {33, 64, 65, 130}) {
        const Tensor x = Values(3).tensor({m, k});
        const Tensor w = Values(4).tensor({k, n});
        const Tensor bias = Values(5).tensor({n});
        ASSERT_EQ(errors(ctx, x, w, bias.flat()), 0) << m << " × " << k << " × " << n;
      }
    }
  }
}

TEST(Matmul, GivesTheSameBitsOnEveryTarget) {
  const RunContext ctx({.threads = 1});
  on_every_target([&](const Target&) {
    for (const std::int64_t m : {0, 1, 3, 5, 14, 15, 31, 145}) {
      for (const std::int64_t k : {0, 1, 2, 17, 257}) {
        for (const std::int64_t n : {0, 1, 15, 16, 17, 33, 47, 80}) {
          const Tensor x = Values(6).tensor({m, k});
          const Tensor w = Values(7).tensor({k, n});
          const Tensor bias = Values(8).tensor({n});
          ASSERT_EQ(errors(ctx, x, w, bias.flat()), 0) << m << " × " << k << " × " << n;
        }
      }
    }
  });
}

TEST(Matmul, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const std::int64_t m : {1, 14, 300}) {
    const Tensor x = Values(9).tensor({m, 768});
    const Tensor w = Values(10).tensor({768, 205});
    const Tensor bias = Values(11).tensor({205});
    for (const int threads : {1, 2, 3, 4, 7}) {
      const RunContext ctx({.threads = threads});
      EXPECT_EQ(errors(ctx, x, w, bias.flat()), 0) << m << " rows, " << threads << " threads";
    }
  }
}

TEST(Matmul, GivesTheSameBitsForAnySplitOfTheRows) {
  const RunContext ctx({.threads = 1});
  const std::int64_t rows = 151;
  const Tensor x = Values(12).tensor({rows, 400});
  const PackedMatrix w = PackedMatrix::pack(Values(13).tensor({400, 50}));
  const Tensor bias = Values(14).tensor({50});
  const Tensor whole = product(ctx, x, w, bias.flat());
  for (const std::int64_t piece : {1, 2, 5, 6, 7, 13, 14, 15, 100}) {
    Tensor pieces({rows, 50});
    for (std::int64_t begin = 0; begin < rows; begin += piece) {
      const std::int64_t end = std::min(rows, begin + piece);
      matmul(ctx, x.view().rows(begin, end), w, bias.flat(), pieces.view().rows(begin, end));
    }
    EXPECT_EQ(differing(pieces.flat(), whole.flat()), 0) << piece << " rows at a time";
  }
}

TEST(Matmul, ByHeadAddsTheHeadsInOrderAndThenTheBias) {
  on_every_target([](const Target&) {
    for (const auto& [rows, n_heads, d_head, n] : {std::array<std::int64_t, 4>{14, 12, 64, 100},
                                                   {1, 1, 5, 16},
                                                   {150, 3, 17, 47},
                                                   {7, 4, 1, 1},
                                                   {0, 2, 3, 4},
                                                   {3, 2, 0, 5},
                                                   {5, 2, 400, 33},
                                                   {7, 1, 600, 20},
                                                   {9, 5, 100, 49}}) {
      SCOPED_TRACE(::testing::Message() << rows << ", " << n_heads << ", " << d_head << ", " << n);
      const RunContext ctx({.threads = 2});
      const Tensor z = Values(15).tensor({rows, n_heads * d_head});
      const Tensor w = Values(16).tensor({n_heads * d_head, n});
      const PackedMatrix packed = PackedMatrix::pack(w);
      const Tensor bias = Values(17).tensor({n});

      const Tensor expected = testing::each_head_twin(z, w, n_heads);
      Tensor each({rows, n_heads, n});
      std::ranges::fill(each.flat(), std::numeric_limits<float>::quiet_NaN());
      matmul_each_head(ctx, z, packed, n_heads, each);
      EXPECT_EQ(differing(each.flat(), expected.flat()), 0);

      Tensor sum({rows, n});
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t j = 0; j < n; ++j) {
          float total = expected(row, 0, j);
          for (std::int64_t head = 1; head < n_heads; ++head) total += expected(row, head, j);
          sum(row, j) = total;
        }
      }
      Tensor out({rows, n});
      std::ranges::fill(out.flat(), std::numeric_limits<float>::quiet_NaN());
      matmul_by_head(ctx, z, packed, n_heads, {}, out);
      EXPECT_EQ(differing(out.flat(), sum.flat()), 0) << "without bias";
      add_bias(sum, bias.flat());
      matmul_by_head(ctx, z, packed, n_heads, bias.flat(), out);
      EXPECT_EQ(differing(out.flat(), sum.flat()), 0) << "with bias";
    }
  });
}

TEST(Matmul, OfSelectedColumnsIsTheColumnsOfTheWhole) {
  const RunContext ctx({.threads = 1});
  const Tensor x = Values(18).tensor({9, 70});
  const PackedMatrix w = PackedMatrix::pack(Values(19).tensor({70, 45}));
  const Tensor whole = product(ctx, x, w, {});
  const std::vector<std::int32_t> columns = {44, 0, 7, 7, 16, 15, 31, 32, 1,
                                             2,  3, 4, 5, 6,  8,  9,  40};
  const Tensor some = product(ctx, x, w.select_columns(columns), {});
  ASSERT_EQ(some.shape(), Shape({9, 17}));
  for (std::int64_t row = 0; row < 9; ++row) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(some(row, j)),
                std::bit_cast<std::uint32_t>(whole(row, columns[j])));
    }
  }
  EXPECT_TRUE(product(ctx, x, w.select_columns({}), {}).empty());
}

TEST(Matmul, WritesNothingBeyondItsOutput) {
  const RunContext ctx({.threads = 1});
  std::vector<float> memory(7 * 19 + 16, 42.0F);
  const Tensor x = Values(20).tensor({7, 20});
  const PackedMatrix w = PackedMatrix::pack(Values(21).tensor({20, 19}));
  matmul(ctx, x, w, {}, TensorView(memory.data(), {7, 19}));
  EXPECT_TRUE(std::all_of(memory.end() - 16, memory.end(), [](float v) { return v == 42.0F; }));
}

TEST(PackedMatrix, HoldsTheSameElementsHoweverItWasPacked) {
  const Tensor w = Values(22).tensor({12, 35});
  Tensor transposed({35, 12});
  Tensor heads({7, 12, 5});
  for (std::int64_t k = 0; k < 12; ++k) {
    for (std::int64_t j = 0; j < 35; ++j) {
      transposed(j, k) = w(k, j);
      heads(j / 5, k, j % 5) = w(k, j);
    }
  }
  for (const PackedMatrix& packed :
       {PackedMatrix::pack(w), PackedMatrix::pack_transposed(transposed),
        PackedMatrix::pack_heads(heads)}) {
    ASSERT_EQ(packed.k(), 12);
    ASSERT_EQ(packed.n(), 35);
    ASSERT_EQ(packed.panel_count(), 3);
    for (std::int64_t k = 0; k < 12; ++k) {
      for (std::int64_t j = 0; j < 48; ++j) {  // the padding of the last panel is +0
        const float expected = j < 35 ? w(k, j) : 0.0F;
        EXPECT_EQ(std::bit_cast<std::uint32_t>(packed.at(k, j)),
                  std::bit_cast<std::uint32_t>(expected))
            << k << ", " << j;
      }
    }
  }
}

TEST(Matmul, RefusesShapesThatDoNotFit) {
  const RunContext ctx({.threads = 1});
  const PackedMatrix w = PackedMatrix::pack(Tensor({6, 5}));
  const Tensor x({4, 6});
  const std::vector<float> bias(5);
  Tensor out({4, 5});
  const auto kind_of = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_NO_THROW(matmul(ctx, x, w, bias, out));
  EXPECT_EQ(kind_of([&] { matmul(ctx, Tensor({4, 5}), w, bias, out); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([&] { matmul(ctx, Tensor({24}), w, bias, out); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([&] { matmul(ctx, Tensor({3, 6}), w, bias, out); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([&] { matmul(ctx, x, w, std::vector<float>(4), out); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([&] { matmul_by_head(ctx, x, w, 4, bias, out); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([&] { matmul_by_head(ctx, x, w, 0, bias, out); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([&] { matmul_each_head(ctx, x, w, 2, out); }), ErrorKind::kUsage);
}

#if defined(__x86_64__)
TEST(Matmul, KeepsDenormalsWhateverTheHostsMode) {
  Tensor x = Values(23).tensor({150, 40}, false);
  Tensor w = Values(24).tensor({40, 150}, false);
  for (float& value : x.flat()) value *= 1e-20F;
  for (float& value : w.flat()) value *= 1e-20F;
  const PackedMatrix packed = PackedMatrix::pack(w);
  const Tensor expected = matmul_twin(x, w);
  ASSERT_TRUE(std::ranges::any_of(
      expected.flat(), [](float value) { return std::fpclassify(value) == FP_SUBNORMAL; }));
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040U);  // flush to zero, denormals are zero
  for (const int threads : {1, 2}) {
    EXPECT_EQ(differing(product(RunContext({.threads = threads}), x, packed, {}), expected), 0);
  }
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(after, before | 0x8040U);
}
#endif

TEST(Matmul, StopsWhenTheRunIsCancelled) {
  RunContext ctx({.threads = 1});
  ctx.cancel();
  Tensor out({4, 5});
  EXPECT_THROW(matmul(ctx, Tensor({4, 6}), PackedMatrix::pack(Tensor({6, 5})), {}, out), Error);
}

}  // namespace
}  // namespace patchbay
