// Rotary embeddings against the C library's sines in long double, and the geometry they promise.
#include "patchbay/tensor/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/tensor/tensor_testing.h"

namespace patchbay {
namespace {

TEST(RotaryTable, HoldsTheNearestFloatsOfCosinesAndSines) {
  const RunContext ctx({.threads = 2});
  constexpr std::int64_t kPositions = 70000;
  for (const auto& [base, d_head] :
       {std::pair<double, std::int64_t>{10000.0, 8}, {100000.0, 64}, {1.0, 2}, {500000.0, 6}}) {
    const RotaryTable table(ctx, base, kPositions, d_head);
    for (std::int64_t position = 0; position < kPositions; position = position * 5 / 4 + 1) {
      for (std::int64_t i = 0; i < d_head / 2; ++i) {
        const long double angle =
            static_cast<long double>(position) *
            std::pow(static_cast<long double>(base),
                     -2.0L * static_cast<long double>(i) / static_cast<long double>(d_head));
        // Half a unit in the last place of a float near 1, and what the angle's rounding adds.
        const double bound = 0x1p-25 + static_cast<double>(angle) * 0x1p-50;
        EXPECT_NEAR(static_cast<double>(table.cos(position, i)),
                    static_cast<double>(std::cos(angle)), bound)
            << position << ", " << i << ", base " << base;
        EXPECT_NEAR(static_cast<double>(table.sin(position, i)),
                    static_cast<double>(std::sin(angle)), bound)
            << position << ", " << i << ", base " << base;
      }
    }
  }
}

TEST(Rotate, TurnsDimensionPairsHalfAHeadApart) {
  const RunContext ctx({.threads = 1});
  const RotaryTable table(ctx, 10000.0, 10, 4);
  const Tensor before = testing::Values(1).tensor({3, 8});  // two heads of four
  Tensor x = before;
  const std::vector<std::int32_t> positions = {0, 9, 4};
  rotate(ctx, table, positions, 4, x);
  for (std::int64_t row = 0; row < 3; ++row) {
    const std::int64_t position = positions[static_cast<std::size_t>(row)];
    for (const std::int64_t head : {0, 4}) {
      for (std::int64_t i = 0; i < 2; ++i) {
        const float a = before(row, head + i);
        const float b = before(row, head + i + 2);
        const float cos = table.cos(position, i);
        const float sin = table.sin(position, i);
        EXPECT_EQ(x(row, head + i), a * cos - b * sin);
        EXPECT_EQ(x(row, head + i + 2), b * cos + a * sin);
      }
    }
  }
}

TEST(Rotate, OfAdjacentPairsTurnsNeighboursByTheSameAngles) {
  const RunContext ctx({.threads = 1});
  const RotaryTable halves(ctx, 10000.0, 10, 4);
  const RotaryTable table(ctx, 10000.0, 10, 4, RotaryPairs::kAdjacent);
  const Tensor before = testing::Values(4).tensor({2, 10});  // two heads of five
  const std::vector<std::int32_t> positions = {7, 2};
  // The same dimensions, with the partners half a head apart.
  constexpr std::int64_t kApart[] = {0, 2, 1, 3, 4};
  Tensor x = before;
  Tensor apart = Tensor::uninitialized({2, 10});
  for (std::int64_t row = 0; row < 2; ++row) {
    for (std::int64_t i = 0; i < 10; ++i) apart(row, i / 5 * 5 + kApart[i % 5]) = before(row, i);
  }
  rotate(ctx, table, positions, 5, x);
  rotate(ctx, halves, positions, 5, apart);
  for (std::int64_t row = 0; row < 2; ++row) {
    for (std::int64_t i = 0; i < 10; ++i) {
      EXPECT_EQ(x(row, i), apart(row, i / 5 * 5 + kApart[i % 5]));
    }
  }
  EXPECT_NE(x(0, 0), before(0, 0));
}

TEST(Rotate, LeavesDimensionsBeyondTheTablesAsTheyAre) {
  const RunContext ctx({.threads = 1});
  const RotaryTable table(ctx, 10000.0, 10, 4);
  const Tensor before = testing::Values(3).tensor({2, 14});  // two heads of seven
  const std::vector<std::int32_t> positions = {3, 8};
  Tensor x = before;
  rotate(ctx, table, positions, 7, x);
  for (const std::int64_t head : {0, 7}) {
    Tensor turned = Tensor::uninitialized({2, 4});  // what turns of this head alone
    for (std::int64_t row = 0; row < 2; ++row) {
      std::copy_n(before[row].data() + head, 4, turned[row].data());
    }
    rotate(ctx, table, positions, 4, turned);
    for (std::int64_t row = 0; row < 2; ++row) {
      for (std::int64_t i = 0; i < 7; ++i) {
        EXPECT_EQ(x(row, head + i), i < 4 ? turned(row, i) : before(row, head + i));
      }
    }
  }
}

TEST(Rotate, AtPositionZeroChangesNothing) {
  const RunContext ctx({.threads = 1});
  const RotaryTable table(ctx, 10000.0, 1, 6);
  const Tensor before = testing::Values(2).tensor({5, 12}, false);
  Tensor x = before;
  rotate(ctx, table, std::vector<std::int32_t>(5, 0), 6, x);
  EXPECT_EQ(testing::differing(x.flat(), before.flat()), 0);
}

}  // namespace
}  // namespace patchbay
