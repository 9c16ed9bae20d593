// Small operations against the loops that define them.
#include "patchbay/tensor/embedding.h"

#include <gtest/gtest.h>

#include <vector>

#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/transpose.h"
#include "tests/tensor/tensor_testing.h"

namespace patchbay {
namespace {

using testing::differing;
using testing::Values;

TEST(Embedding, TakesTheRowsThatTheIdsName) {
  const RunContext ctx({.threads = 2});
  const Tensor table = Values(1).tensor({50, 19});
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 300; ++i) ids.push_back(i * 7 % 50);
  Tensor out({300, 19});
  embedding(ctx, table, ids, out);
  for (std::int64_t row = 0; row < 300; ++row) {
    EXPECT_EQ(differing(out.view()[row].flat(), table.view()[row * 7 % 50].flat()), 0) << row;
  }
}

TEST(Transpose, OfAnyShapeOnAnyNumberOfThreads) {
  for (const Shape& shape : {Shape{1, 1}, Shape{31, 33}, Shape{100, 7}, Shape{0, 5}, Shape{5, 0}}) {
    const Tensor x = Values(2).tensor(shape);
    Tensor into({shape[1], shape[0]});
    transpose_into(x, into);
    const Tensor parallel = transposed(RunContext({.threads = 3}), x);
    EXPECT_EQ(differing(parallel, into), 0);
    for (std::int64_t i = 0; i < shape[0]; ++i) {
      for (std::int64_t j = 0; j < shape[1]; ++j) {
        EXPECT_EQ(differing(into.view()[j].flat().subspan(static_cast<std::size_t>(i), 1),
                            x.view()[i].flat().subspan(static_cast<std::size_t>(j), 1)),
                  0);
      }
    }
  }
}

TEST(Multiply, IsTheProductOfEachPairRoundedOnce) {
  const RunContext ctx({.threads = 2});
  const Tensor x = Values(3).tensor({40000});
  const Tensor y = Values(4).tensor({40000});
  Tensor expected({40000});
  for (std::int64_t i = 0; i < 40000; ++i) expected(i) = x(i) * y(i);
  Tensor in_place = x;
  multiply(ctx, in_place, y, in_place);
  EXPECT_EQ(differing(in_place, expected), 0);
}

}  // namespace
}  // namespace patchbay
