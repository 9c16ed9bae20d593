// The one way to draw: shapes and text as SVG, the same bytes for the same calls.
//
// Data have colours of their own; everything else has a class ("ink", "muted", …), so that a page
// can be dark. Texts may be hostile: they are escaped here and nowhere else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patchbay {

/// Size of letters in a picture, in pixels.
inline constexpr double kFontSize = 12.0;

/// An attribute "data-NAME".
using SvgData = std::vector<std::pair<std::string, std::string>>;

/// How a shape looks.
struct SvgShape {
  std::string_view name{};  ///< its class
  std::string fill{};       ///< empty: the class's
  std::string stroke{};
  double stroke_width = 0.0;
  std::string_view dashes{};  ///< "4 2"
  std::string title{};        ///< what a pointer that rests on it is told
  SvgData data{};
};

enum class SvgAnchor { kStart, kMiddle, kEnd };

/// How a text looks.
struct SvgText {
  std::string_view name = "ink";
  double size = kFontSize;
  SvgAnchor anchor = SvgAnchor::kStart;
  bool bold = false;
  double turned = 0.0;  ///< degrees, clockwise
  std::string fill{};   ///< empty: the class's
};

/// Shapes in the order in which they are drawn. Lengths are pixels, y grows downwards. What is not
/// a finite number cannot be drawn: kUsage.
class Svg {
 public:
  void rect(double x, double y, double width, double height, const SvgShape& shape);
  void circle(double x, double y, double radius, const SvgShape& shape);
  void line(double x1, double y1, double x2, double y2, const SvgShape& shape);
  /// `path` in SVG's own language of coordinates.
  void path(std::string_view path, const SvgShape& shape);
  /// `text` as visible_text shows it, on one line whose baseline is y.
  void text(double x, double y, std::string_view text, const SvgText& look = {});
  /// Texts until end_group() look like this where they do not say otherwise: text() with inherited
  /// look keeps many short texts small.
  void begin_texts(const SvgText& look);
  void inherited_text(double x, double y, std::string_view text);
  /// What is drawn until end_group() is moved by (x, y).
  void begin_group(double x, double y, std::string_view name = {}, const SvgData& data = {});
  /// Ends the last group or texts that began. Throws kUsage when there are none.
  void end_group();

  /// All that was drawn. Throws kUsage while a group is open.
  [[nodiscard]] const std::string& markup() const;

 private:
  void attributes(const SvgShape& shape);
  void close(std::string_view tag, const SvgShape& shape);

  std::string markup_;
  int open_groups_ = 0;
};

/// Parts of a picture side by side, and those that do not fit below them. Functions throw kUsage
/// when `across` is 0.
struct Tiling {
  std::size_t across;  ///< how many parts are in one row, 1 at least
  double width;        ///< from one part to the next
  double height;

  [[nodiscard]] double x(std::size_t part) const {
    return static_cast<double>(part % in_a_row()) * width;
  }
  [[nodiscard]] double y(std::size_t part) const {
    const std::size_t row = part / in_a_row();
    return static_cast<double>(row) * height;
  }
  /// The width of so many parts in all.
  [[nodiscard]] double total_width(std::size_t parts) const {
    return static_cast<double>(parts < in_a_row() ? parts : across) * width;
  }
  [[nodiscard]] double total_height(std::size_t parts) const {
    return parts == 0 ? 0.0 : y(parts - 1) + height;
  }

 private:
  [[nodiscard]] std::size_t in_a_row() const;
};

/// How many of these parts to put into a row that holds `most`, so that rows are about as long as
/// each other. Throws kUsage when `most` is 0.
std::size_t balanced_row(std::size_t parts, std::size_t most);

/// A finished picture.
struct Drawing {
  double width = 0.0;
  double height = 0.0;
  std::string label;   ///< one sentence for those who cannot see it
  std::string markup;  ///< the elements inside of <svg>
};

/// Two decimals at most: "12", "0.5". Throws kUsage for what is not a finite number.
std::string svg_number(double value);
/// How wide a text is in DejaVu Sans, to some percent.
double text_width(std::string_view text, double size = kFontSize);
/// Lines of at most `width` pixels, broken at spaces; a longer word is broken where it must be.
/// Throws kUsage unless the width is positive.
std::vector<std::string> wrapped(std::string_view text, double width, double size = kFontSize);
/// The text for a place between tags or in quotes, with what is invisible escaped.
std::string markup_text(std::string_view text);

/// <svg …> for a page that has svg_style().
std::string svg_element(const Drawing& drawing, std::string_view id = {});
/// A file of its own, light or dark as its viewer likes.
std::string svg_file(const Drawing& drawing);
/// The classes' colours, light and dark.
std::string_view svg_style();

}  // namespace patchbay
