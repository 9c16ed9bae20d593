#include "patchbay/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/base/visible_text.h"

namespace patchbay {
namespace {

struct ClassColour {
  std::string_view name;
  std::string_view attribute;  // what it colours
  std::string_view light;
  std::string_view dark;
};

// Contrast of text with its background is at least 4.5 (WCAG 2.1, AA) in both.
constexpr ClassColour kClasses[] = {
    {"paper", "fill", "#ffffff", "#16181d"},  {"ink", "fill", "#1b1f24", "#e8eaed"},
    {"muted", "fill", "#57606a", "#a9b1ba"},  {"axis", "stroke", "#6e7781", "#8b949e"},
    {"grid", "stroke", "#d8dee4", "#343a42"}, {"node", "fill", "#f3f5f7", "#2a2f37"},
    {"mark", "fill", "#1b1f24", "#e8eaed"}};

constexpr std::string_view kFont = "DejaVu Sans, Verdana, Arial, sans-serif";

const ClassColour* class_of(std::string_view name) {
  const auto* found = std::ranges::find(kClasses, name, &ClassColour::name);
  return found == std::end(kClasses) ? nullptr : found;
}

// A viewer without style sheets has the light colours.
std::string class_attributes(std::string_view name, bool is_coloured) {
  if (name.empty()) return "";
  const ClassColour* known = class_of(name);
  if (known == nullptr || is_coloured) return fmt::format(" class=\"{}\"", name);
  return fmt::format(" class=\"{}\" {}=\"{}\"", name, known->attribute, known->light);
}

// In thousandths of the size; DejaVu Sans's own widths, rounded.
int width_of(char32_t c) {
  if (c >= 0x1100) return 1000;  // most of what is not an alphabet is a square
  if (c > 0x7F) return 620;
  constexpr std::string_view kNarrow = "ijlI.,:;'|!";
  constexpr std::string_view kSlim = " ()[]ftr/\\\"-";
  const char letter = static_cast<char>(c);
  if (kNarrow.find(letter) != std::string_view::npos) return 310;
  if (kSlim.find(letter) != std::string_view::npos) return 380;
  if (letter == 'm' || letter == 'w' || letter == 'M' || letter == 'W' || letter == '%' ||
      letter == '@') {
    return 980;
  }
  if (letter >= 'A' && letter <= 'Z') return 700;
  return 625;
}

std::string data_attributes(const SvgData& data) {
  std::string text;
  for (const auto& [name, value] : data) {
    text += fmt::format(" data-{}=\"{}\"", name, markup_text(value));
  }
  return text;
}

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kUsage, "svg", what); }

}  // namespace

std::size_t Tiling::in_a_row() const {
  if (across == 0) fail("0 parts in a row are none; put 1 at least");
  return across;
}

std::size_t balanced_row(std::size_t parts, std::size_t most) {
  if (most == 0) fail("rows of 0 parts hold none; let them hold 1 at least");
  const std::size_t rows = std::max<std::size_t>((parts + most - 1) / most, 1);
  return std::max<std::size_t>((parts + rows - 1) / rows, 1);
}

std::string svg_number(double value) {
  if (!std::isfinite(value)) fail(fmt::format("a length of {} cannot be drawn", value));
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string markup_text(std::string_view text) {
  std::string escaped;
  for (const char c : visible_text(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

double text_width(std::string_view text, double size) {
  double thousandths = 0.0;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    thousandths += c.length == 0 ? 2500.0 : width_of(c.code_point);  // \xNN
    i += c.length == 0 ? 1 : c.length;
  }
  return thousandths * size / 1000.0;
}

std::vector<std::string> wrapped(std::string_view text, double width, double size) {
  if (!(width > 0.0)) fail(fmt::format("lines of {} pixels hold nothing; make them wider", width));
  std::vector<std::string> lines;
  std::string line;
  const auto add = [&](std::string_view word) {
    const std::string longer = line.empty() ? std::string(word) : fmt::format("{} {}", line, word);
    if (text_width(longer, size) <= width) {
      line = longer;
      return;
    }
    if (!line.empty()) lines.push_back(std::move(line));
    line.clear();
    for (std::size_t i = 0; i < word.size();) {
      const std::size_t length = std::max<std::size_t>(decode_utf8(word, i).length, 1);
      line += word.substr(i, length);
      i += length;
      if (text_width(line, size) > width && i < word.size()) {
        lines.push_back(std::move(line));
        line.clear();
      }
    }
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) add(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

void Svg::attributes(const SvgShape& shape) {
  markup_ += class_attributes(shape.name, !shape.fill.empty() || !shape.stroke.empty());
  if (!shape.fill.empty()) markup_ += fmt::format(" fill=\"{}\"", shape.fill);
  if (!shape.stroke.empty()) markup_ += fmt::format(" stroke=\"{}\"", shape.stroke);
  if (shape.stroke_width > 0.0) {
    markup_ += fmt::format(" stroke-width=\"{}\"", svg_number(shape.stroke_width));
  }
  if (!shape.dashes.empty()) markup_ += fmt::format(" stroke-dasharray=\"{}\"", shape.dashes);
  markup_ += data_attributes(shape.data);
}

void Svg::close(std::string_view tag, const SvgShape& shape) {
  if (shape.title.empty()) {
    markup_ += "/>\n";
    return;
  }
  markup_ += fmt::format("><title>{}</title></{}>\n", markup_text(shape.title), tag);
}

void Svg::rect(double x, double y, double width, double height, const SvgShape& shape) {
  markup_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", svg_number(x),
                         svg_number(y), svg_number(width), svg_number(height));
  attributes(shape);
  close("rect", shape);
}

void Svg::circle(double x, double y, double radius, const SvgShape& shape) {
  markup_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"", svg_number(x), svg_number(y),
                         svg_number(radius));
  attributes(shape);
  close("circle", shape);
}

void Svg::line(double x1, double y1, double x2, double y2, const SvgShape& shape) {
  markup_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"", svg_number(x1),
                         svg_number(y1), svg_number(x2), svg_number(y2));
  attributes(shape);
  close("line", shape);
}

void Svg::path(std::string_view path, const SvgShape& shape) {
  markup_ += fmt::format("<path d=\"{}\"", path);
  attributes(shape);
  if (shape.fill.empty() && !shape.stroke.empty()) markup_ += " fill=\"none\"";
  close("path", shape);
}

namespace {

std::string look_attributes(const SvgText& look) {
  std::string text = class_attributes(look.name, !look.fill.empty());
  if (!look.fill.empty()) text += fmt::format(" fill=\"{}\"", look.fill);
  if (look.size != kFontSize) text += fmt::format(" font-size=\"{}\"", svg_number(look.size));
  if (look.anchor == SvgAnchor::kMiddle) text += " text-anchor=\"middle\"";
  if (look.anchor == SvgAnchor::kEnd) text += " text-anchor=\"end\"";
  if (look.bold) text += " font-weight=\"bold\"";
  return text;
}

}  // namespace

void Svg::text(double x, double y, std::string_view text, const SvgText& look) {
  markup_ +=
      fmt::format("<text x=\"{}\" y=\"{}\"{}", svg_number(x), svg_number(y), look_attributes(look));
  if (look.turned != 0.0) {
    markup_ += fmt::format(" transform=\"rotate({} {} {})\"", svg_number(look.turned),
                           svg_number(x), svg_number(y));
  }
  markup_ += fmt::format(">{}</text>\n", markup_text(text));
}

void Svg::begin_texts(const SvgText& look) {
  markup_ += fmt::format("<g{}>\n", look_attributes(look));
  ++open_groups_;
}

void Svg::end_group() {
  if (open_groups_ == 0) fail("no group is open; begin one first");
  --open_groups_;
  markup_ += "</g>\n";
}

const std::string& Svg::markup() const {
  if (open_groups_ > 0) fail(fmt::format("{} groups are open; end them", open_groups_));
  return markup_;
}

void Svg::inherited_text(double x, double y, std::string_view text) {
  markup_ += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", svg_number(x), svg_number(y),
                         markup_text(text));
}

void Svg::begin_group(double x, double y, std::string_view name, const SvgData& data) {
  markup_ += "<g";
  if (!name.empty()) markup_ += fmt::format(" class=\"{}\"", name);
  if (x != 0.0 || y != 0.0) {
    markup_ += fmt::format(" transform=\"translate({} {})\"", svg_number(x), svg_number(y));
  }
  markup_ += data_attributes(data) + ">\n";
  ++open_groups_;
}

namespace {

std::string opening(const Drawing& drawing, std::string_view id) {
  const std::string width = svg_number(std::ceil(drawing.width));
  const std::string height = svg_number(std::ceil(drawing.height));
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\"{} width=\"{}\" height=\"{}\" viewBox=\"0 0 {} "
      "{}\" font-family=\"{}\" font-size=\"{}\" role=\"img\" aria-label=\"{}\">\n",
      id.empty() ? "" : fmt::format(" id=\"{}\"", markup_text(id)), width, height, width, height,
      kFont, svg_number(kFontSize), markup_text(drawing.label));
}

std::string make_style() {
  std::string light;
  std::string dark;
  for (const ClassColour& known : kClasses) {
    light += fmt::format(".{}{{{}:{}}}", known.name, known.attribute, known.light);
    dark += fmt::format(".{}{{{}:{}}}", known.name, known.attribute, known.dark);
  }
  return fmt::format(
      "{}.on,.ring{{pointer-events:none}}\n@media screen and (prefers-color-scheme:dark){{{}}}\n",
      light, dark);
}

}  // namespace

std::string_view svg_style() {
  static const std::string style = make_style();
  return style;
}

std::string svg_element(const Drawing& drawing, std::string_view id) {
  return opening(drawing, id) + drawing.markup + "</svg>\n";
}

std::string svg_file(const Drawing& drawing) {
  return fmt::format(
      "<?xml version=\"1.0\" "
      "encoding=\"UTF-8\"?>\n{}<title>{}</title>\n<style>{}</style>\n{}</svg>\n",
      opening(drawing, ""), markup_text(drawing.label), svg_style(), drawing.markup);
}

}  // namespace patchbay
