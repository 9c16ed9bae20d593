// Colours of numbers: one scale with a middle for signed values, one from nothing to much for
// others.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace patchbay {

struct Rgb {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  bool operator==(const Rgb&) const = default;
};

/// "#b2182b"
std::string hex(Rgb colour);
/// Whether white is easier to read on it than black (relative luminance, WCAG 2.1).
bool is_dark(Rgb colour);

/// Which colour stands for which number. Both scales are ColorBrewer's (Brewer 2002), safe for
/// colour-blind readers and monotone in lightness on either side of 0.
struct ColourScale {
  bool is_signed =
      false;           ///< blue below 0, white at 0, red above (RdBu, reversed); else white to blue
  double limit = 1.0;  ///< the end of the scale: -limit … limit, or 0 … limit

  /// Values beyond the ends have the ends' colour; grey where there is no number. Throws kUsage
  /// when the limit is not a positive number.
  [[nodiscard]] Rgb of(double value) const;
};

/// The scale whose end is the largest magnitude. Signed when `is_effect`, or when a value is
/// negative; a NaN or an infinity is left out.
ColourScale scale_of(std::span<const double> values, bool is_effect);

/// Eight colours to tell things apart (Okabe and Ito 2008), again from the start after the last.
Rgb distinct_colour(std::size_t index);

}  // namespace patchbay
