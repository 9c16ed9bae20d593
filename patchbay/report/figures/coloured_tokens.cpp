// A prompt's own tokens, coloured by what happens at their positions: a line for every layer.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/attention.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"

namespace patchbay::figures {

const Figure& coloured_tokens();

namespace {

constexpr double kWidth = 860.0;
constexpr double kRow = 24.0;
constexpr std::size_t kMostLines = 64;

// Positions by number, as many as the first prompt has tokens.
bool fits(const EffectTable& table) {
  if (table.axes.size() < 2 || attention_of(table)) return false;
  const TableAxis& last = table.axes[table.axes.size() - 2];
  if (last.name != "position" && last.name != "source") return false;
  const std::vector<std::string> tokens = tokens_of(table, 0);
  if (last.labels.size() < 2 || tokens.size() != last.labels.size()) return false;
  if (last.labels.back() != std::to_string(last.labels.size() - 1)) return false;
  return static_cast<std::size_t>(table.cells()) / last.labels.size() <= kMostLines;
}

Drawing draw(const Request& request) {
  const auto& cells = cells_of(request);
  const std::vector<std::string> tokens = tokens_of(request.table, 0);
  std::vector<double> values;
  for (const CellSummary& cell : cells) values.push_back(cell.value);
  const ColourScale scale = scale_of(values, request.table.direction != Direction::kNone);
  Svg svg;
  double y = 0.0;
  double widest = 0.0;
  for (std::size_t first = 0; first < cells.size(); first += tokens.size()) {
    std::string name;
    const auto labels = request.table.cell_labels(static_cast<std::int64_t>(first));
    for (std::size_t axis = 0; axis + 1 < labels.size(); ++axis) {
      name += fmt::format("{}{} {}", axis == 0 ? "" : ", ", request.table.axes[axis].name,
                          visible_text(labels[axis], 24));
    }
    if (!name.empty()) {
      svg.text(0, y + 13.0, name, {.name = "muted", .size = 11.0});
      y += 18.0;
    }
    double x = 0.0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const std::string token = visible_text(tokens[i], 40);
      const double width = text_width(token) + 8.0;
      if (x > 0.0 && x + width > kWidth) {
        x = 0.0;
        y += kRow;
      }
      const Rgb colour = scale.of(cells[first + i].value);
      svg.rect(x, y, width, kRow - 4.0,
               {.name = "cell",
                .fill = hex(colour),
                .title = cell_sentence(request, first + i),
                .data = {{"cell", std::to_string(first + i)}}});
      svg.text(x + 4.0, y + 14.5, token,
               {.name = "on", .fill = is_dark(colour) ? "#ffffff" : "#1b1f24"});
      x += width + 1.0;
      widest = std::max(widest, x);
    }
    y += kRow + 4.0;
  }
  svg.text(0, y + 12.0,
           fmt::format("{}; from {:.3g} to {:.3g}; tokens of prompt 0",
                       unit_of(request.table, request.effect), scale.is_signed ? -scale.limit : 0.0,
                       scale.limit),
           {.name = "muted", .size = 11.0});
  return framed(request, svg, widest, y + 20.0);
}

}  // namespace

const Figure& coloured_tokens() {
  static constexpr Figure kFigure = {
      .name = "coloured_tokens",
      .summary = "the tokens of a prompt, coloured by the effect at their positions",
      .reading =
          "Each token has the colour of the effect at its position, a line for every layer. What "
          "the stream holds at a token need not be about that token: attention brings it from "
          "others.",
      .order = 3,
      .can_show = &fits,
      .drawer = &draw};
  return kFigure;
}

}  // namespace patchbay::figures
