// 16-bit floats convert exactly one way and to the nearest the other way.
#include "patchbay/io/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace patchbay {
namespace {

// The definition: (1.f or 0.f) · 2^e, by the C library.
double value_of(std::uint16_t code) {
  const int sign = (code >> 15) != 0 ? -1 : 1;
  const int exponent = (code >> 10) & 0x1F;
  const int fraction = code & 0x3FF;
  if (exponent == 31) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  if (exponent == 0) return std::copysign(std::ldexp(fraction, -24), sign);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Half, ConvertsAll65536CodesToTheirValues) {
  for (std::uint32_t code = 0; code < 65536; ++code) {
    const auto half = static_cast<std::uint16_t>(code);
    const float converted = half_to_float(half);
    const double expected = value_of(half);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(converted)) << code;
    } else {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(static_cast<double>(converted)),
                std::bit_cast<std::uint64_t>(expected))
          << code;
    }
    ASSERT_EQ(std::signbit(converted), code >= 32768) << code;
  }
}

TEST(Half, ConvertsAllCodesBackToThemselves) {
  for (std::uint32_t code = 0; code < 65536; ++code) {
    const auto half = static_cast<std::uint16_t>(code);
    const float value = half_to_float(half);
    const std::uint16_t expected =
        std::isnan(value) ? static_cast<std::uint16_t>((half & 0x8000U) | 0x7E00U) : half;
    ASSERT_EQ(float_to_half(value), expected) << code;
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  // Between every two neighbours: the middle, and one float to either side of it.
  for (std::uint16_t low = 0; low < 0x7BFF; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const auto middle = static_cast<float>((value_of(low) + value_of(high)) / 2);
    const float below = std::nextafter(middle, 0.0F);
    const float above = std::nextafter(middle, 1e9F);
    ASSERT_EQ(float_to_half(middle), low % 2 == 0 ? low : high) << low;
    ASSERT_EQ(float_to_half(below), low) << low;
    ASSERT_EQ(float_to_half(above), high) << low;
    ASSERT_EQ(float_to_half(-below), low | 0x8000U) << low;
  }
}

TEST(Half, OverflowsFromTheMiddleAboveItsLargestNumber) {
  EXPECT_EQ(float_to_half(65504.0F), 0x7BFF);
  EXPECT_EQ(float_to_half(std::nextafter(65520.0F, 0.0F)), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0F), 0x7C00);
  EXPECT_EQ(float_to_half(-1e30F), 0xFC00);
  EXPECT_EQ(float_to_half(std::ldexp(1.0F, -25)), 0);
  EXPECT_EQ(float_to_half(std::nextafter(std::ldexp(1.0F, -25), 1.0F)), 1);
  EXPECT_EQ(float_to_half(-std::numeric_limits<float>::denorm_min()), 0x8000);
}

TEST(Bfloat16, IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(bfloat16_to_float(0x3F80), 1.0F);
  EXPECT_EQ(bfloat16_to_float(0xC049), -3.140625F);
  EXPECT_EQ(bfloat16_to_float(0x0001), std::ldexp(1.0F, -133));
  EXPECT_EQ(bfloat16_to_float(0xFF80), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(bfloat16_to_float(0x7FC0)));
}

}  // namespace
}  // namespace patchbay
