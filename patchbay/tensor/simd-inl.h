// Vector helpers shared by the operations; compiled once per dispatch target.
//
// Every operation sees sixteen virtual lanes, whatever the target's vectors hold: a Lanes16 is one,
// two or four of them. Sums run down the sixteen lanes and then through one written-out tree, so
// their bits do not depend on the target. Fma is one rounding everywhere: on a target without the
// instruction it calls std::fma lane by lane, which makes that target the slow reference.

// Toggles between inclusions, as Highway's per-target headers do.
#if defined(PATCHBAY_TENSOR_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PATCHBAY_TENSOR_SIMD_INL_H_
#undef PATCHBAY_TENSOR_SIMD_INL_H_
#else
#define PATCHBAY_TENSOR_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr std::int64_t kVirtualLanes = 16;
using VectorTag = hn::CappedTag<float, kVirtualLanes>;
using Vector = hn::Vec<VectorTag>;
inline constexpr VectorTag kTag;
inline constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(VectorTag()));
inline constexpr std::int64_t kVectorsPer16 = kVirtualLanes / kLanes;

/// a·b + c with one rounding.
HWY_INLINE Vector Fma(Vector a, Vector b, Vector c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#else
  HWY_ALIGN float as[kLanes];
  HWY_ALIGN float bs[kLanes];
  HWY_ALIGN float cs[kLanes];
  hn::Store(a, kTag, as);
  hn::Store(b, kTag, bs);
  hn::Store(c, kTag, cs);
  for (std::int64_t i = 0; i < kLanes; ++i) cs[i] = std::fma(as[i], bs[i], cs[i]);
  return hn::Load(kTag, cs);
#endif
}

HWY_INLINE Vector Constant(float value) { return hn::Set(kTag, value); }

/// Sixteen floats, absolute index 16·block + lane.
struct Lanes16 {
  Vector v[kVectorsPer16];
};

HWY_INLINE Lanes16 Zero16() {
  Lanes16 result;
  for (std::int64_t i = 0; i < kVectorsPer16; ++i) result.v[i] = hn::Zero(kTag);
  return result;
}

/// `count` of sixteen floats from memory; the rest are +0.
HWY_INLINE Lanes16 Load16(const float* from, std::int64_t count) {
  Lanes16 result;
  if (count >= kVirtualLanes) {
    for (std::int64_t i = 0; i < kVectorsPer16; ++i) {
      result.v[i] = hn::LoadU(kTag, from + i * kLanes);
    }
    return result;
  }
  HWY_ALIGN float padded[kVirtualLanes] = {};
  std::copy_n(from, count, padded);
  for (std::int64_t i = 0; i < kVectorsPer16; ++i)
    result.v[i] = hn::Load(kTag, padded + i * kLanes);
  return result;
}

/// The first `count` of sixteen floats to memory.
HWY_INLINE void Store16(const Lanes16& values, float* to, std::int64_t count) {
  if (count >= kVirtualLanes) {
    for (std::int64_t i = 0; i < kVectorsPer16; ++i) hn::StoreU(values.v[i], kTag, to + i * kLanes);
    return;
  }
  HWY_ALIGN float padded[kVirtualLanes];
  for (std::int64_t i = 0; i < kVectorsPer16; ++i)
    hn::Store(values.v[i], kTag, padded + i * kLanes);
  std::copy_n(padded, count, to);
}

/// The sum of sixteen lanes as the tree ((l0+l8)+(l4+l12))+((l2+l10)+(l6+l14)) + … : halves are
/// folded onto each other, 8 then 4 then 2 then 1 apart.
HWY_INLINE float TreeSum16(const Lanes16& values) {
  HWY_ALIGN float lanes[kVirtualLanes];
  for (std::int64_t i = 0; i < kVectorsPer16; ++i) hn::Store(values.v[i], kTag, lanes + i * kLanes);
  for (std::int64_t half = kVirtualLanes / 2; half > 0; half /= 2) {
    for (std::int64_t i = 0; i < half; ++i) lanes[i] = lanes[i] + lanes[i + half];
  }
  return lanes[0];
}

/// Applies `op(Vector) -> Vector` to `count` floats; tails go through the same vector code, padded
/// with +0.
template <class Op>
HWY_INLINE void Map(const float* from, float* to, std::int64_t count, const Op& op) {
  for (std::int64_t i = 0; i < count; i += kVirtualLanes) {
    const std::int64_t n = std::min(kVirtualLanes, count - i);
    const Lanes16 x = Load16(from + i, n);
    Lanes16 result;
    for (std::int64_t j = 0; j < kVectorsPer16; ++j) {
      const Vector value = x.v[j];  // a copy of its own: g++ 12 fails on op(x.v[j]) for AVX-512
      const Vector mapped = op(value);
      result.v[j] = mapped;
    }
    Store16(result, to + i, n);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
