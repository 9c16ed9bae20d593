// binary16 is 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits; binary32 is 1, 8 (bias
// 127), 23.
#include "patchbay/io/half.h"

#include <bit>

namespace patchbay {

float half_to_float(std::uint16_t code) {
  const std::uint32_t sign = (code & 0x8000U) << 16;
  const std::uint32_t exponent = (code >> 10) & 0x1FU;
  const std::uint32_t fraction = code & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13);
  if (exponent != 0) {
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  }
  if (fraction == 0) return std::bit_cast<float>(sign);
  // fraction · 2^-24 is a normal number of 32 bits: its leading one becomes the hidden bit.
  const int top = std::bit_width(fraction) - 1;
  const std::uint32_t normal = (fraction << (23 - top)) & 0x7FFFFFU;
  return std::bit_cast<float>(sign | static_cast<std::uint32_t>(top + 103) << 23 | normal);
}

float bfloat16_to_float(std::uint16_t code) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(code) << 16);
}

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // 65520
  if (magnitude < 0x33000000U) return static_cast<std::uint16_t>(sign);             // 2^-25

  const std::uint32_t exponent = magnitude >> 23;
  const std::uint32_t significand = (magnitude & 0x7FFFFFU) | 0x800000U;
  // Normal results drop 13 bits; subnormal ones drop more, until the exponent is 2^-24's.
  const bool subnormal = exponent < 113;
  const std::uint32_t dropped = subnormal ? 126 - exponent : 13;
  const std::uint32_t kept = significand >> dropped;
  const std::uint32_t rest = significand & ((1U << dropped) - 1);
  const std::uint32_t halfway = 1U << (dropped - 1);
  const std::uint32_t up = rest > halfway || (rest == halfway && (kept & 1U) != 0) ? 1 : 0;
  // `kept` of a normal number holds the hidden bit, which adds one to the exponent; so does a
  // carry.
  const std::uint32_t base = subnormal ? 0 : (exponent - 113) << 10;
  return static_cast<std::uint16_t>(sign | (base + kept + up));
}

}  // namespace patchbay
