// Exponential, hyperbolic tangent and error function, as polynomials with one rounding a step;
// compiled once per dispatch target.
//
// Coefficients: scripts/fit_polynomials.py. Accuracy is stated and tested in
// tests/tensor/activation_test.cpp. No function of the C library is called, so the bits are the
// same with every compiler, library and instruction set.

#if defined(PATCHBAY_TENSOR_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PATCHBAY_TENSOR_EXP_INL_H_
#undef PATCHBAY_TENSOR_EXP_INL_H_
#else
#define PATCHBAY_TENSOR_EXP_INL_H_
#endif

#include "patchbay/tensor/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {

/// c0 + c1·x + c2·x² + …, by Horner's rule.
template <int N>
HWY_INLINE Vector Polynomial(Vector x, const float (&c)[N]) {
  Vector result = Constant(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) result = Fma(result, x, Constant(c[i]));
  return result;
}

/// 2^n for −126 ≤ n ≤ 127, n an integer in floating point.
HWY_INLINE Vector PowerOfTwo(Vector n) {
  constexpr hn::RebindToSigned<VectorTag> kInt;
  return hn::BitCast(kTag, hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(kInt, n), hn::Set(kInt, 127))));
}

/// e^x. Overflows to +inf, underflows gradually to +0; NaN stays NaN.
HWY_INLINE Vector Exp(Vector x) {
  constexpr float kTail[] = {0.5000000013F, 0.1666657687F, 0.04166646468F, 0.008363197377F,
                             0.001393367623F};
  // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts, so that r is nearly exact.
  const Vector bounded = hn::Min(hn::Max(x, Constant(-104.0F)), Constant(89.0F));
  const Vector n = hn::Round(hn::Mul(bounded, Constant(1.44269504F)));
  Vector r = Fma(n, Constant(-0.693359375F), bounded);
  r = Fma(n, Constant(2.12194440e-4F), r);
  const Vector one = Constant(1.0F);
  const Vector power = Fma(Fma(Polynomial(r, kTail), r, one), r, one);
  // In two steps, since 2^n alone may be out of range where e^x is not.
  const Vector half = hn::Round(hn::Mul(n, Constant(0.5F)));
  const Vector result = hn::Mul(hn::Mul(power, PowerOfTwo(half)), PowerOfTwo(hn::Sub(n, half)));
  return hn::IfThenElse(hn::Eq(x, x), result, x);
}

/// tanh x.
HWY_INLINE Vector Tanh(Vector x) {
  constexpr float kSmall[] = {-0.333333291F, 0.1333278188F, -0.05385243848F, 0.02100335937F,
                              -0.00610453575F};
  const Vector size = hn::Abs(x);
  const Vector square = hn::Mul(x, x);
  const Vector small = Fma(hn::Mul(Polynomial(square, kSmall), square), size, size);
  const Vector one = Constant(1.0F);
  const Vector tail = hn::Div(Constant(2.0F), hn::Add(Exp(hn::Add(size, size)), one));
  const Vector large = hn::Sub(one, tail);
  return hn::CopySign(hn::IfThenElse(hn::Lt(size, Constant(0.625F)), small, large), x);
}

/// Φ(x) = (1 + erf(x/√2)) / 2, the normal distribution function.
HWY_INLINE Vector NormalCdf(Vector x) {
  constexpr float kErf[] = {0.1283791671F,   -0.3761263848F,    0.1128378262F,    -0.02686543831F,
                            0.005221053413F, -0.0008484396551F, 0.0001126825389F, -9.673590812e-6F};
  constexpr float kErfc[] = {
      0.2553956763F,   -0.4271858441F,    0.2416581829F,     -0.07897878773F,  0.003733549532F,
      0.007000472328F, -0.0008586659488F, -0.0009894069495F, 0.0001059731758F, 0.0001213551237F};
  const Vector half = Constant(0.5F);
  const Vector one = Constant(1.0F);
  const Vector t = hn::Min(hn::Abs(hn::Mul(x, Constant(0.70710678F))), Constant(10.5F));
  const Vector square = hn::Mul(t, t);
  // Near 0: ½ ± ½·erf(t).
  const Vector half_erf = hn::Mul(half, Fma(Polynomial(square, kErf), t, t));
  const Vector near = hn::Add(half, hn::CopySign(half_erf, x));
  // Far out: ½·erfc(t), with what rounding t² lost put back.
  const Vector lost = Fma(t, t, hn::Neg(square));
  const Vector two = Constant(2.0F);
  const Vector u = hn::Div(hn::Sub(t, two), hn::Add(t, two));
  const Vector decay = hn::Mul(Exp(hn::Neg(square)), hn::Sub(one, lost));
  const Vector half_erfc = hn::Mul(half, hn::Mul(decay, Polynomial(u, kErfc)));
  const Vector far = hn::IfThenElse(hn::Lt(x, hn::Zero(kTag)), half_erfc, hn::Sub(one, half_erfc));
  const Vector result = hn::IfThenElse(hn::Lt(t, one), near, far);
  return hn::IfThenElse(hn::Eq(x, x), result, x);
}

}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
