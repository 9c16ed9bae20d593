// Activation functions of MLPs, element by element.
#include "patchbay/tensor/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "patchbay/tensor/activation.cpp"
#include "patchbay/tensor/targets.h"
// targets.h comes first: it chooses what foreach_target.h compiles.
#include <fmt/format.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cstdint>

#include "patchbay/tensor/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {
namespace {

/// x / (1 + e^(−y)): x weighted by the logistic function of y.
HWY_INLINE Vector TimesLogistic(Vector x, Vector y) {
  return hn::Div(x, hn::Add(Constant(1.0F), Exp(hn::Neg(y))));
}

void GeluNew(const float* from, float* to, std::int64_t count) {
  Map(from, to, count, [](Vector x) HWY_ATTR {
    const Vector cube = hn::Mul(hn::Mul(x, x), x);
    const Vector inner = Fma(cube, Constant(0.044715F), x);
    return TimesLogistic(x, hn::Mul(inner, Constant(1.59576912F)));  // 2·√(2/π)
  });
}
void Gelu(const float* from, float* to, std::int64_t count) {
  Map(from, to, count, [](Vector x) HWY_ATTR { return hn::Mul(x, NormalCdf(x)); });
}
void Silu(const float* from, float* to, std::int64_t count) {
  Map(from, to, count, [](Vector x) HWY_ATTR { return TimesLogistic(x, x); });
}
void Relu(const float* from, float* to, std::int64_t count) {
  Map(from, to, count, [](Vector x) HWY_ATTR {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(kTag)), hn::Zero(kTag), x);
  });
}
void ExpAll(const float* from, float* to, std::int64_t count) {
  Map(from, to, count, [](Vector x) HWY_ATTR { return Exp(x); });
}
void TanhAll(const float* from, float* to, std::int64_t count) {
  Map(from, to, count, [](Vector x) HWY_ATTR { return Tanh(x); });
}
void SoftCap(float cap, float* x, std::int64_t count) {
  Map(x, x, count,
      [cap](Vector v) HWY_ATTR { return hn::Mul(Tanh(hn::Div(v, Constant(cap))), Constant(cap)); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace patchbay {
namespace {

HWY_EXPORT(GeluNew);
HWY_EXPORT(Gelu);
HWY_EXPORT(Silu);
HWY_EXPORT(Relu);
HWY_EXPORT(ExpAll);
HWY_EXPORT(TanhAll);
HWY_EXPORT(SoftCap);

constexpr std::int64_t kPiece = 8192;  // floats

void check_sizes(ConstTensorView x, ConstTensorView y, ConstTensorView out) {
  if (x.size() == out.size() && y.size() == out.size()) return;
  throw Error(ErrorKind::kUsage, "activation",
              fmt::format("operands {} and {} do not give an output {}; make them equally large",
                          x.shape().str(), y.shape().str(), out.shape().str()));
}

using MapFunction = void (*)(const float*, float*, std::int64_t);

void map(const RunContext& ctx, MapFunction function, ConstTensorView x, TensorView out) {
  check_sizes(x, x, out);
  ctx.parallel_for(x.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    function(x.data() + begin, out.data() + begin, end - begin);
  });
}

}  // namespace

std::string_view name_of(ActivationFunction function) {
  switch (function) {
    case ActivationFunction::kGeluNew:
      return "gelu_new";
    case ActivationFunction::kGelu:
      return "gelu";
    case ActivationFunction::kSilu:
      return "silu";
    case ActivationFunction::kRelu:
      return "relu";
  }
  return "";
}

void activate(const RunContext& ctx, ActivationFunction function, ConstTensorView x,
              TensorView out) {
  switch (function) {
    case ActivationFunction::kGeluNew:
      return map(ctx, HWY_DYNAMIC_DISPATCH(GeluNew), x, out);
    case ActivationFunction::kGelu:
      return map(ctx, HWY_DYNAMIC_DISPATCH(Gelu), x, out);
    case ActivationFunction::kSilu:
      return map(ctx, HWY_DYNAMIC_DISPATCH(Silu), x, out);
    case ActivationFunction::kRelu:
      return map(ctx, HWY_DYNAMIC_DISPATCH(Relu), x, out);
  }
  throw Error(ErrorKind::kUsage, "activation",
              fmt::format("there is no activation function {}", static_cast<int>(function)));
}

void exp(const RunContext& ctx, ConstTensorView x, TensorView out) {
  map(ctx, HWY_DYNAMIC_DISPATCH(ExpAll), x, out);
}
void tanh(const RunContext& ctx, ConstTensorView x, TensorView out) {
  map(ctx, HWY_DYNAMIC_DISPATCH(TanhAll), x, out);
}

void soft_cap_row(float cap, float* x, std::int64_t n) { HWY_DYNAMIC_DISPATCH(SoftCap)(cap, x, n); }
void soft_cap(const RunContext& ctx, float cap, TensorView x) {
  ctx.parallel_for(x.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    soft_cap_row(cap, x.data() + begin, end - begin);
  });
}

void add(const RunContext& ctx, ConstTensorView x, ConstTensorView y, TensorView out) {
  check_sizes(x, y, out);
  ctx.parallel_for(x.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out.data()[i] = x.data()[i] + y.data()[i];
  });
}

void multiply(const RunContext& ctx, ConstTensorView x, ConstTensorView y, TensorView out) {
  check_sizes(x, y, out);
  ctx.parallel_for(x.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out.data()[i] = x.data()[i] * y.data()[i];
  });
}

}  // namespace patchbay
#endif
