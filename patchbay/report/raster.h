// Pictures for programs that read no SVG, drawn by librsvg.
#pragma once

#include <string>
#include <string_view>

namespace patchbay {

/// The SVG as PNG, `scale` pixels a unit; light colours. Throws kInternal for what is no SVG and
/// kInputOutput when there is no memory for so many pixels.
std::string png_of(std::string_view svg, double scale = 2.0);
/// The SVG as a PDF page of its size, text as text; the same bytes for the same SVG and fonts.
std::string pdf_of(std::string_view svg);

}  // namespace patchbay
