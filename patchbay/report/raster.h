// Pictures for programs that read no SVG, drawn by librsvg.
#pragma once

#include <string>
#include <string_view>

namespace patchbay {

/// The SVG as PNG, `scale` pixels a unit; light colours. Throws kUsage for what is not an SVG and
/// for a scale that is not positive, kInputOutput when there is no memory for so many pixels.
std::string png_of(std::string_view svg, double scale = 2.0);
/// The SVG as a PDF page of its size, text as text; the same bytes for the same SVG and fonts.
/// Throws kUsage for what is not an SVG.
std::string pdf_of(std::string_view svg);

}  // namespace patchbay
