// A straight axis: from numbers to pixels, with round ticks.
#pragma once

#include <span>
#include <vector>

namespace patchbay {

struct AxisScale {
  double low = 0.0;
  double high = 1.0;
  std::vector<double> ticks;
  double pixels = 100.0;

  [[nodiscard]] double at(double value) const { return (value - low) / (high - low) * pixels; }
};

/// An axis of so many pixels that holds all finite values, and 0 if `with_zero`; its ends are
/// round. Throws kUsage for values that are too large, or too near to each other, for round ticks.
AxisScale axis_over(std::span<const double> values, double pixels, bool with_zero);

}  // namespace patchbay
