// Shapes, tensors and views.
#include "patchbay/tensor/tensor.h"

#include <gtest/gtest.h>

#include <utility>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

TEST(Shape, KnowsItsExtentsFromBothEnds) {
  const Shape shape = {5, 12, 32};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape[0], 5);
  EXPECT_EQ(shape[-1], 32);
  EXPECT_EQ(shape.size(), 5 * 12 * 32);
  EXPECT_EQ(shape.tail(), (Shape{12, 32}));
  EXPECT_EQ(shape.str(), "[5, 12, 32]");
  EXPECT_EQ(Shape().size(), 1);
  EXPECT_FALSE((Shape{2, 3}) == (Shape{3, 2}));
}

TEST(Shape, RefusesWhatNoMemoryHolds) {
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1}), Error);
  EXPECT_THROW((Shape{-1}), Error);
  EXPECT_THROW((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}), Error);
  EXPECT_THROW((Shape{(std::int64_t{1} << 62) + 1}), Error);
  EXPECT_EQ((Shape{std::int64_t{1} << 62, 0}).size(), 0);
}

TEST(Tensor, SaysWhenThereIsNoMemory) {
  // The last one's bytes do not fit in 64 bits: their number wraps round to 0.
  for (const int power : {50, 61, 62}) {
    try {
      Tensor::uninitialized({std::int64_t{1} << power});
      FAIL() << power;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInputOutput);
      EXPECT_NE(std::string(error.what()).find("no memory for a tensor of shape"),
                std::string::npos);
    }
  }
}

TEST(Tensor, BeginsWithZerosOnWholeCacheLines) {
  for (const std::int64_t size : {1, 17, 1 << 20}) {
    const Tensor tensor({size});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0U);
    for (const float value : tensor.flat()) ASSERT_EQ(value, 0.0F);
  }
}

TEST(Tensor, CopiesCopyAndMovesLeaveNothing) {
  Tensor a({2, 3});
  a(1, 2) = 7;
  Tensor b = a;
  b(1, 2) = 8;
  EXPECT_EQ(a(1, 2), 7);
  const Tensor c = std::move(b);
  EXPECT_EQ(c(1, 2), 8);
  EXPECT_TRUE(b.empty());  // NOLINT: the state after a move is what is tested
  a = c;
  EXPECT_EQ(a(1, 2), 8);
}

TEST(TensorView, SlicesWithoutCopying) {
  Tensor tensor({4, 3, 2});
  float next = 0;
  for (float& value : tensor.flat()) value = next++;
  const TensorView middle = tensor.view().rows(1, 3);
  EXPECT_EQ(middle.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(middle(0, 0, 0), 6);
  EXPECT_EQ(tensor[3][2](1), 23);
  middle(1, 2, 1) = -1;
  EXPECT_EQ(tensor(2, 2, 1), -1);
  EXPECT_EQ(tensor.view().reshaped({6, 4})(5, 3), 23);
  EXPECT_TRUE(tensor.view().rows(2, 2).empty());
}

}  // namespace
}  // namespace patchbay
