// Softmax and log-softmax of rows.
#include "patchbay/tensor/softmax.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "patchbay/tensor/softmax.cpp"
#include "patchbay/tensor/targets.h"
// targets.h comes first: it chooses what foreach_target.h compiles.
#include <fmt/format.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "patchbay/tensor/exp-inl.h"
#include "patchbay/tensor/logarithm.h"

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {
namespace {

/// Σ e^(x[i] − max); the terms go to `terms` unless it is null.
float SumOfExponentials(const float* x, std::int64_t n, float max, float* terms) {
  Lanes16 sum = Zero16();
  for (std::int64_t i = 0; i < n; i += kVirtualLanes) {
    const std::int64_t count = std::min(kVirtualLanes, n - i);
    Lanes16 term = Load16(x + i, count);
    for (std::int64_t j = 0; j < kVectorsPer16; ++j) {
      term.v[j] = Exp(hn::Sub(term.v[j], Constant(max)));
    }
    if (count < kVirtualLanes) {  // lanes beyond the end back to +0
      HWY_ALIGN float kept[kVirtualLanes];
      Store16(term, kept, kVirtualLanes);
      term = Load16(kept, count);
    }
    if (terms != nullptr) Store16(term, terms + i, count);
    for (std::int64_t j = 0; j < kVectorsPer16; ++j) sum.v[j] = hn::Add(sum.v[j], term.v[j]);
  }
  return TreeSum16(sum);
}

void DivideAll(float* x, std::int64_t n, float divisor) {
  Map(x, x, n, [divisor](Vector v) HWY_ATTR { return hn::Div(v, Constant(divisor)); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace patchbay {
namespace {

HWY_EXPORT(SumOfExponentials);
HWY_EXPORT(DivideAll);

float largest(const float* x, std::int64_t n) {
  float max = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < n; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

void check_shapes(ConstTensorView x, ConstTensorView out) {
  if (x.shape().rank() == 2 && x.shape()[1] > 0 && out.size() == x.size()) return;
  throw Error(
      ErrorKind::kUsage, "softmax",
      fmt::format("rows of {} do not give an output {}; give x [rows, n] and as many outputs",
                  x.shape().str(), out.shape().str()));
}

}  // namespace

void softmax_row(float* x, std::int64_t n) {
  const float max = largest(x, n);
  if (max ==
      -std::numeric_limits<float>::infinity()) {  // nothing is greater: −inf, or not a number
    const bool masked = std::all_of(x, x + n, [&](float value) { return value == max; });
    std::fill(x, x + n, masked ? 0.0F : std::numeric_limits<float>::quiet_NaN());
    return;
  }
  const float sum = HWY_DYNAMIC_DISPATCH(SumOfExponentials)(x, n, max, x);
  HWY_DYNAMIC_DISPATCH(DivideAll)(x, n, sum);
}

void softmax(const RunContext& ctx, ConstTensorView x, TensorView out) {
  check_shapes(x, out);
  const std::int64_t n = x.shape()[1];
  ctx.parallel_for(x.shape()[0], 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      if (out.data() != x.data()) std::copy_n(x.data() + row * n, n, out.data() + row * n);
      softmax_row(out.data() + row * n, n);
    }
  });
}

double log_sum_exp_row(const float* x, std::int64_t n) {
  const float max = largest(x, n);
  const float sum = HWY_DYNAMIC_DISPATCH(SumOfExponentials)(x, n, max, nullptr);
  return static_cast<double>(max) + natural_logarithm(static_cast<double>(sum));
}

void log_softmax(const RunContext& ctx, ConstTensorView x, TensorView out) {
  check_shapes(x, out);
  const std::int64_t n = x.shape()[1];
  ctx.parallel_for(x.shape()[0], 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float* from = x.data() + row * n;
      float* to = out.data() + row * n;
      const float max = largest(from, n);
      const float sum = HWY_DYNAMIC_DISPATCH(SumOfExponentials)(from, n, max, nullptr);
      const double shift = natural_logarithm(static_cast<double>(sum));
      for (std::int64_t i = 0; i < n; ++i) {
        to[i] = static_cast<float>(static_cast<double>(from[i]) - static_cast<double>(max) - shift);
      }
    }
  });
}

}  // namespace patchbay
#endif
