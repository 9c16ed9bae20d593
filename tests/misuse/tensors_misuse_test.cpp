// The base and the tensor operations refuse wrong calls.
#include <cmath>
#include <limits>

#include "patchbay/base/check.h"
#include "patchbay/base/run_context.h"
#include "patchbay/base/split_mix.h"
#include "patchbay/base/utf8.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/embedding.h"
#include "patchbay/tensor/kernel_checks.h"
#include "patchbay/tensor/layer_norm.h"
#include "patchbay/tensor/logarithm.h"
#include "patchbay/tensor/matmul.h"
#include "patchbay/tensor/rotary.h"
#include "patchbay/tensor/softmax.h"
#include "patchbay/tensor/target.h"
#include "patchbay/tensor/tensor.h"
#include "patchbay/tensor/transpose.h"
#include "tests/misuse/misuse.h"

namespace patchbay {
namespace {

using testing::expect_refused;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(BaseMisuse, IsRefused) {
  const RunContext one({.threads = 1});
  const RunContext two({.threads = 2});
  const auto nothing = [](std::int64_t, std::int64_t) {};
  const auto nested = [&](const RunContext& ctx) {
    return [&] { ctx.parallel_for(4, 1, [&](auto, auto) { ctx.parallel_for(4, 1, nothing); }); };
  };
  std::string text;
  expect_refused({
      {"check_index", [] { check_index("here", "layer", 3, 3); }, "no layer 3; there are 0 to 2"},
      {"check_index", [] { check_index("here", "layer", -1, 0); }, "there are none"},
      {"RunContext", [] { RunContext({.threads = -1}); }, "threads"},
      {"RunContext", [] { RunContext({.threads = 257}); }, "threads"},
      {"RunContext", [] { RunContext({.max_memory = -1}); }, "max_memory is -1"},
      {"RunContext::parallel_for", [&] { one.parallel_for(-1, 1, nothing); }, "of -1"},
      {"RunContext::parallel_for", [&] { two.parallel_for(1, 0, nothing); }, "pieces of 0"},
      {"RunContext::parallel_for", [&] { two.parallel_for(1, 1, {}); }, "without a function"},
      {"RunContext::parallel_for", nested(one), "at work already"},
      {"RunContext::parallel_for", nested(two), "at work already"},
      {"SplitMix64::below", [] { SplitMix64(0).below(0); }, "below 0"},
      {"append_utf8", [&] { append_utf8(0xD800, text); }, "U+D800"},
      {"append_utf8", [&] { append_utf8(0x110000, text); }, "U+110000"},
      {"visible_text", [] { (void)visible_text("x", 0); }, "0 characters"},
      {"with_escapes", [] { (void)with_escapes("x", {}); }, "no function"},
  });
  EXPECT_EQ(decode_utf8("x", 1).length, 0U);
  EXPECT_EQ(decode_utf8("", 7).length, 0U);
  one.parallel_for(4, 1, nothing);  // a refused call leaves the context as it was
  two.parallel_for(4, 1, nothing);
}

TEST(TensorMisuse, OfShapesAndIndicesIsRefused) {
  Tensor x({2, 3});
  const Tensor& constant = x;
  const Shape none = Shape(std::span<const std::int64_t>());
  expect_refused({
      {"Shape",
       [] {
         Shape({1, -1});
       },
       "negative extent"},
      {"Shape",
       [] {
         Shape({1, 1, 1, 1, 1, 1});
       },
       "6 axes"},
      {"Shape",
       [] {
         Shape({1LL << 40, 1LL << 40});
       },
       "2^62"},
      {"Shape::operator[]", [&] { (void)x.shape()[2]; }, "no axis 2"},
      {"Shape::operator[]", [&] { (void)x.shape()[-3]; }, "no axis -3"},
      {"Shape::tail", [&] { (void)none.tail(); }, "no axis 0"},
      {"TensorView", [] { TensorView(nullptr, {2}); }, "null pointer to 2"},
      {"Tensor::operator[]", [&] { (void)x[2]; }, "slices 2 to 2"},
      {"Tensor::operator[]", [&] { (void)constant[-1]; }, "slices -1 to -1"},
      {"Tensor::at", [&] { (void)x.at(0, 3); }, "no element (0, 3); the shape is [2, 3]"},
      {"Tensor::at", [&] { (void)constant.at(-1, 0); }, "no element (-1, 0)"},
      {"Tensor::at", [&] { (void)x.at(0); }, "no element (0)"},
      {"TensorView::rows", [&] { (void)x.view().rows(1, 3); }, "slices 1 to 2"},
      {"TensorView::rows", [&] { (void)x.view().rows(1, 0); }, "slices 1 to -1"},
      {"TensorView::reshaped", [&] { (void)x.view().reshaped({5}); }, "6 elements do not fill"},
      {"Tensor::reshaped", [] { (void)Tensor({2}).reshaped({3}); }, "2 elements do not fill"},
      {"Tensor", [] { Tensor({1LL << 50}); }, "no memory", ErrorKind::kInputOutput},
  });
  EXPECT_EQ(x.at(1, 2), 0.0F);
  const Tensor moved = std::move(x);
  EXPECT_EQ(x.size(), 0);  // NOLINT: what a moved-from tensor holds is promised
}

TEST(TensorMisuse, OfOperationsIsRefused) {
  const RunContext ctx({.threads = 1});
  Tensor x({2, 4});
  Tensor out({2, 4});
  Tensor small({2, 3});
  Tensor scale({2});
  Tensor cube({2, 2, 2});
  Tensor table({5, 4});
  const std::vector<float> four(4);
  const std::vector<float> three(3);
  const std::vector<std::int32_t> ids = {0, 5};
  const std::vector<std::int32_t> negative = {0, -1};
  const std::vector<std::int32_t> one = {0};
  const PackedMatrix w = PackedMatrix::pack(Tensor({4, 4}));
  const RotaryTable rotary(ctx, 10000.0, 3, 4);
  const auto no_function = static_cast<ActivationFunction>(99);
  expect_refused({
      {"activate", [&] { activate(ctx, ActivationFunction::kRelu, x, small); }, "[2, 4]"},
      {"activate", [&] { activate(ctx, no_function, x, out); }, "no activation function 99"},
      {"exp", [&] { exp(ctx, x, small); }, "[2, 3]"},
      {"tanh", [&] { tanh(ctx, small, out); }, "[2, 3]"},
      {"add", [&] { add(ctx, x, small, out); }, "[2, 3]"},
      {"multiply", [&] { multiply(ctx, x, x, small); }, "[2, 3]"},
      {"embedding", [&] { embedding(ctx, table, ids, out); }, "no row 5; there are 0 to 4"},
      {"embedding", [&] { embedding(ctx, table, negative, out); }, "no row -1"},
      {"embedding", [&] { embedding(ctx, table, one, out); }, "1 ids"},
      {"embedding", [&] { embedding(ctx, cube, one, out); }, "[2, 2, 2]"},
      {"layer_norm_scale", [&] { layer_norm_scale(ctx, x, 1e-5F, out); }, "one scale a row"},
      {"layer_norm_scale", [&] { layer_norm_scale(ctx, x, kNaN, scale); }, "eps is nan"},
      {"layer_norm_scale", [&] { layer_norm_scale(ctx, cube, 1e-5F, scale); }, "[2, 2, 2]"},
      {"rms_norm_scale", [&] { rms_norm_scale(ctx, x, -1.0F, scale); }, "eps is -1"},
      {"rms_norm_scale",
       [&] {
         rms_norm_scale(ctx, Tensor({2, 0}), 0.0F, scale);
       },
       "[2, 0]"},
      {"layer_norm_apply", [&] { layer_norm_apply(ctx, x, scale, four, three, out); }, "3 weights"},
      {"layer_norm_apply", [&] { layer_norm_apply(ctx, x, scale, three, four, out); }, "3 weights"},
      {"layer_norm_apply", [&] { layer_norm_apply(ctx, x, scale, four, four, small); }, "[2, 3]"},
      {"layer_norm_apply", [&] { layer_norm_apply(ctx, x, x, four, four, out); }, "one scale"},
      {"rms_norm_apply", [&] { rms_norm_apply(ctx, x, scale, small); }, "[2, 3]"},
      {"scale_columns", [&] { scale_columns(ctx, x, three, out); }, "3 weights"},
      {"softmax", [&] { softmax(ctx, x, small); }, "[2, 3]"},
      {"softmax", [&] { softmax(ctx, cube, out); }, "[2, 2, 2]"},
      {"log_softmax",
       [&] {
         log_softmax(ctx, Tensor({2, 0}), Tensor({2, 0}));
       },
       "[2, 0]"},
      {"transposed", [&] { (void)transposed(ctx, cube); }, "[2, 2, 2]"},
      {"transpose_into", [&] { transpose_into(x, small); }, "6 elements"},
      {"RotaryTable", [&] { RotaryTable(ctx, 10000.0, 3, 5); }, "5 dimensions"},
      {"RotaryTable", [&] { RotaryTable(ctx, 0.5, 3, 4); }, "base 0.5"},
      {"RotaryTable", [&] { RotaryTable(ctx, 10000.0, -1, 4); }, "-1 positions"},
      {"rotate",
       [&] {
         rotate(ctx, rotary, std::vector<std::int32_t>{0, 3}, 4, x);
       },
       "no position 3; there are 0 to 2"},
      {"rotate", [&] { rotate(ctx, rotary, one, 4, x); }, "at 1 positions"},
      {"rotate",
       [&] {
         rotate(ctx, rotary, std::vector<std::int32_t>{0, 1}, 4, small);
       },
       "[2, 3]"},
      {"rotate", [&] { rotate(ctx, RotaryTable(), one, 4, x); }, "table [0]"},
      {"PackedMatrix::pack", [&] { (void)PackedMatrix::pack(cube); }, "give one of 2 axes"},
      {"PackedMatrix::pack_transposed", [&] { (void)PackedMatrix::pack_transposed(scale); },
       "give one of 2 axes"},
      {"PackedMatrix::pack_heads", [&] { (void)PackedMatrix::pack_heads(x); },
       "give one of 3 axes"},
      {"PackedMatrix::select_columns", [&] { (void)w.select_columns(negative); }, "no column -1"},
      {"matmul", [&] { matmul(ctx, small, w, {}, out); }, "check the shapes"},
      {"matmul", [&] { matmul(ctx, x, w, three, out); }, "a bias of 3"},
      {"matmul", [&] { matmul(ctx, x, PackedMatrix(), {}, out); }, "w [0, 0]"},
      {"matmul_by_head", [&] { matmul_by_head(ctx, x, w, 3, {}, out); }, "by 3 heads"},
      {"matmul_by_head", [&] { matmul_by_head(ctx, x, w, 0, {}, out); }, "by 0 heads"},
      {"matmul_each_head", [&] { matmul_each_head(ctx, x, w, 2, out); }, "check the shapes"},
      {"sum_heads", [&] { sum_heads(ctx, x, four, out); }, "[2, 4]"},
      {"sum_heads", [&] { sum_heads(ctx, cube, four, small); }, "a bias of 4"},
      {"check_kernels",
       [&] { ctx.parallel_for(1, 1, [&](auto, auto) { (void)check_kernels(ctx); }); },
       "at work already"},
      {"find_target", [] { (void)find_target("no such"); }, "no instruction set \"no such\""},
      {"ScopedTarget", [] { ScopedTarget(Target{}); }, "no instruction set"},
  });
}

TEST(TensorMisuse, OfTheLogarithmGivesWhatMathematicsSays) {
  EXPECT_TRUE(std::isnan(natural_logarithm(-1.0)));
  EXPECT_EQ(natural_logarithm(0.0), -std::numeric_limits<double>::infinity());
  EXPECT_NEAR(natural_logarithm(0x1p-1074), -1074 * std::log(2.0), 1e-9);
}

TEST(TensorMisuse, LeavesAnOuterTargetInForce) {
  const std::vector<Target> all = targets();
  const ScopedTarget outer(all.back());
  { const ScopedTarget inner(all.front()); }
  EXPECT_EQ(current_target().name, all.back().name);
}

}  // namespace
}  // namespace patchbay
