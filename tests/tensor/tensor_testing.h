// What the tests of operations share: reproducible values, comparison by bits, every target.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "patchbay/tensor/target.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay::testing {

/// A small linear congruential generator: the same values with every library.
class Values {
 public:
  explicit Values(std::uint64_t seed) : state_(seed * 2654435761U + 1) {}
  std::uint32_t bits() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  /// In [−1, 1).
  float uniform() { return static_cast<float>(static_cast<std::int32_t>(bits())) * 0x1p-31F; }
  /// Mixed magnitudes (2^−20 … 2^11) and signs, now and then ±0.
  float mixed() {
    const std::uint32_t kind = bits() % 32;
    if (kind == 0) return 0.0F;
    if (kind == 1) return -0.0F;
    const std::uint32_t exponent = 107 + bits() % 32;
    return std::bit_cast<float>((bits() & 0x807FFFFFU) | (exponent << 23));
  }
  Tensor tensor(const Shape& shape, bool mixed_values = true) {
    Tensor result = Tensor::uninitialized(shape);
    for (float& value : result.flat()) value = mixed_values ? mixed() : uniform();
    return result;
  }

 private:
  std::uint64_t state_;
};

inline std::int64_t differing(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  std::int64_t count = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) ++count;
  }
  return count;
}
inline std::int64_t differing(const Tensor& a, const Tensor& b) {
  return differing(a.flat(), b.flat());
}

/// Distance in units of the last place of the expected value (at least the smallest normal's).
inline double ulps(float value, double expected) {
  const auto rounded = static_cast<float>(expected);
  const auto exponent = static_cast<int>(std::bit_cast<std::uint32_t>(rounded) >> 23 & 0xFFU);
  const int power = (exponent < 1 ? 1 : exponent) - 127 - 23;
  const double unit = std::bit_cast<double>(static_cast<std::uint64_t>(power + 1023) << 52);
  const double difference = static_cast<double>(value) - expected;
  return (difference < 0 ? -difference : difference) / unit;
}

/// Runs body once on every instruction set of this machine.
template <class Body>
void on_every_target(const Body& body) {
  for (const Target& target : targets()) {
    const ScopedTarget scope(target);
    SCOPED_TRACE(target.name);
    body(target);
  }
}

}  // namespace patchbay::testing
