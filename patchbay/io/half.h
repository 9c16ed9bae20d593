// 16-bit floating-point numbers, to and from 32 bits, by integer arithmetic on their codes.
#pragma once

#include <cstdint>

namespace patchbay {

/// The value of an IEEE 754 binary16 code. Exact, subnormal numbers included; infinities and NaN
/// keep their sign and payload. No setting of the processor changes the result.
float half_to_float(std::uint16_t code);

/// The value of a bfloat16 code: the upper half of a binary32 code. Exact.
float bfloat16_to_float(std::uint16_t code);

/// The nearest binary16 code, ties to even. Magnitudes of 65520 and more become infinities; a NaN
/// becomes a quiet NaN.
std::uint16_t float_to_half(float value);

}  // namespace patchbay
