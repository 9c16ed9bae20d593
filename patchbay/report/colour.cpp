#include "patchbay/report/colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

// RdBu with eleven classes, from blue to red.
constexpr Rgb kSigned[] = {{5, 48, 97},     {33, 102, 172},  {67, 147, 195},  {146, 197, 222},
                           {209, 229, 240}, {247, 247, 247}, {253, 219, 199}, {244, 165, 130},
                           {214, 96, 77},   {178, 24, 43},   {103, 0, 31}};
// Blues with nine classes.
constexpr Rgb kUnsigned[] = {{247, 251, 255}, {222, 235, 247}, {198, 219, 239},
                             {158, 202, 225}, {107, 174, 214}, {66, 146, 198},
                             {33, 113, 181},  {8, 81, 156},    {8, 48, 107}};
constexpr Rgb kNothing = {217, 217, 217};
constexpr Rgb kDistinct[] = {{230, 159, 0}, {0, 114, 178},  {0, 158, 115}, {204, 121, 167},
                             {213, 94, 0},  {86, 180, 233}, {148, 133, 0}, {64, 64, 64}};

// The colour at `place`, 0 … 1, between the anchors.
Rgb between(std::span<const Rgb> anchors, double place) {
  const double at = std::clamp(place, 0.0, 1.0) * static_cast<double>(anchors.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(at), anchors.size() - 2);
  const double share = at - static_cast<double>(low);
  const auto mixed = [&](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(std::lround(a + share * (b - a)));
  };
  const Rgb& from = anchors[low];
  const Rgb& to = anchors[low + 1];
  return {mixed(from.red, to.red), mixed(from.green, to.green), mixed(from.blue, to.blue)};
}

double linear(std::uint8_t channel) {
  const double c = channel / 255.0;
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

}  // namespace

std::string hex(Rgb colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

bool is_dark(Rgb colour) {
  // At this luminance black and white have the same contrast, √(1.05 · 0.05) − 0.05.
  return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) +
             0.0722 * linear(colour.blue) <
         0.179;
}

Rgb ColourScale::of(double value) const {
  if (!(limit > 0.0) || !std::isfinite(limit)) {
    throw Error(ErrorKind::kUsage, "colour",
                fmt::format("a scale cannot end at {}; give a positive number", limit));
  }
  if (std::isnan(value)) return kNothing;
  if (!is_signed) return between(kUnsigned, value / limit);
  return between(kSigned, 0.5 + 0.5 * value / limit);
}

ColourScale scale_of(std::span<const double> values, bool is_effect) {
  ColourScale scale{.is_signed = is_effect, .limit = 0.0};
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    scale.limit = std::max(scale.limit, std::abs(value));
    if (value < 0.0) scale.is_signed = true;
  }
  if (scale.limit == 0.0) scale.limit = 1.0;
  return scale;
}

Rgb distinct_colour(std::size_t index) { return kDistinct[index % std::size(kDistinct)]; }

}  // namespace patchbay
