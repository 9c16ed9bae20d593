#include "patchbay/tensor/logarithm.h"

#include <bit>
#include <cstdint>
#include <limits>

namespace patchbay {

// ln x = e·ln 2 + 2·atanh((m − 1)/(m + 1)) with x = m·2^e.
double natural_logarithm(double x) {
  using Limits = std::numeric_limits<double>;
  if (!(x < Limits::infinity())) return x;  // NaN stays NaN
  if (x < Limits::min()) {
    if (x < 0.0) return Limits::quiet_NaN();
    if (x == 0.0) return -Limits::infinity();
    return natural_logarithm(x * 0x1p54) - 54 * 0.6931471805599453;  // below the normal numbers
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFULL) | (1023ULL << 52));
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    ++exponent;
  }
  const double ratio = (mantissa - 1.0) / (mantissa + 1.0);
  const double square = ratio * ratio;
  double series = 0.0;
  for (int power = 23; power >= 1; power -= 2) series = series * square + 1.0 / power;
  return exponent * 0.6931471805599453 + 2.0 * ratio * series;
}

}  // namespace patchbay
