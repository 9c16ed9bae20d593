#include "patchbay/report/axis_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "patchbay/base/error.h"

namespace patchbay {

AxisScale axis_over(std::span<const double> values, double pixels, bool with_zero) {
  double low = with_zero ? 0.0 : std::numeric_limits<double>::infinity();
  double high = with_zero ? 0.0 : -std::numeric_limits<double>::infinity();
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (!(low <= high)) low = high = 0.0;
  if (low == high) high = low + (low == 0.0 ? 1.0 : std::abs(low));
  // About five steps of 1, 2 or 5 times a power of ten.
  const double rough = (high - low) / 5.0;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double mantissa = rough / power;
  const double step = power * (mantissa < 1.5   ? 1.0
                               : mantissa < 3.5 ? 2.0
                               : mantissa < 7.5 ? 5.0
                                                : 10.0);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  constexpr double kMostTicks = 100.0;
  if (!(step > 0.0) || !std::isfinite(step) || !(last - first < kMostTicks)) {
    throw Error(ErrorKind::kUsage, "axis",
                fmt::format("no axis goes from {} to {}; scale the values", low, high));
  }
  AxisScale scale{.low = first * step, .high = last * step, .ticks = {}, .pixels = pixels};
  const auto ticks = static_cast<int>(last - first) + 1;
  for (int i = 0; i < ticks; ++i) scale.ticks.push_back((first + i) * step);
  return scale;
}

}  // namespace patchbay
