// Lines with intervals over layers: how a number grows from the embeddings to the logits.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/axis_scale.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"

namespace patchbay::figures {

const Figure& line();

namespace {

constexpr double kWidth = 560.0;
constexpr double kHeight = 260.0;
constexpr std::size_t kMostLines = 8;

// Layers, and at most so many combinations of the other places.
bool fits(const EffectTable& table) {
  const TableAxis* layers = axis_of(table, "layer");
  if (layers == nullptr || layers->labels.size() < 3 || layers->labels.size() > 200) return false;
  return axis_of(table, "head") == nullptr &&
         static_cast<std::size_t>(table.cells()) / layers->labels.size() <= kMostLines;
}

// The cells of every line, in the order of layers.
struct Line {
  std::string name;
  std::vector<std::size_t> cells;
};

std::vector<Line> lines_of(const EffectTable& table) {
  std::size_t step = 1;
  std::size_t layers = 1;
  std::vector<std::string> names;
  for (std::size_t i = table.axes.size() - 1; i-- > 0;) {
    layers = table.axes[i].labels.size();
    if (table.axes[i].name == "layer") break;
    step *= layers;
  }
  std::vector<Line> lines;
  for (std::size_t first = 0; first < static_cast<std::size_t>(table.cells()); ++first) {
    if (first / step % layers != 0) continue;
    Line line;
    const auto labels = table.cell_labels(static_cast<std::int64_t>(first));
    for (std::size_t axis = 0; axis < labels.size(); ++axis) {
      if (table.axes[axis].name == "layer") continue;
      line.name +=
          fmt::format("{}{}", line.name.empty() ? "" : ", ", visible_text(labels[axis], 24));
    }
    for (std::size_t layer = 0; layer < layers; ++layer) line.cells.push_back(first + layer * step);
    lines.push_back(std::move(line));
  }
  return lines;
}

Drawing draw(const Request& request) {
  const auto& cells = cells_of(request);
  const std::vector<std::string>& layers = axis_of(request.table, "layer")->labels;
  std::vector<double> values;
  for (const CellSummary& cell : cells)
    values.insert(values.end(), {cell.value, cell.low, cell.high});
  const AxisScale y = axis_over(values, kHeight, true);
  const auto x_of = [&](std::size_t i) {
    return kWidth * (static_cast<double>(i) + 0.5) / static_cast<double>(layers.size());
  };
  const auto y_of = [&](double value) { return kHeight - y.at(value); };
  constexpr double kLeft = 66.0;
  Svg svg;
  svg.text(13.0, 8.0 + kHeight / 2.0, unit_of(request.table, request.effect),
           {.name = "muted", .anchor = SvgAnchor::kMiddle, .turned = -90.0});
  svg.begin_group(kLeft, 8.0);
  for (const double tick : y.ticks) {
    svg.line(0, y_of(tick), kWidth, y_of(tick),
             {.name = tick == 0.0 ? "axis" : "grid", .stroke_width = 1.0});
    svg.text(-6.0, y_of(tick) + 4.0, fmt::format("{:.4g}", tick),
             {.size = 11.0, .anchor = SvgAnchor::kEnd});
  }
  const std::size_t every = std::max<std::size_t>(1, layers.size() / 16);
  for (std::size_t i = 0; i < layers.size(); i += every) {
    svg.text(x_of(i), kHeight + 16.0, visible_text(layers[i], 12),
             {.size = 11.0, .anchor = SvgAnchor::kMiddle});
  }
  svg.text(kWidth / 2.0, kHeight + 34.0, "layer", {.name = "muted", .anchor = SvgAnchor::kMiddle});
  const std::vector<Line> lines = lines_of(request.table);
  for (std::size_t n = 0; n < lines.size(); ++n) {
    const std::string colour = hex(distinct_colour(n + 1));
    std::string path;
    for (std::size_t i = 0; i < lines[n].cells.size(); ++i) {
      const CellSummary& cell = cells[lines[n].cells[i]];
      if (!std::isfinite(cell.value)) continue;
      path += fmt::format("{}{} {}", path.empty() ? "M" : "L", svg_number(x_of(i)),
                          svg_number(y_of(cell.value)));
      if (std::isfinite(cell.low) && std::isfinite(cell.high)) {
        svg.line(x_of(i), y_of(cell.low), x_of(i), y_of(cell.high),
                 {.name = "whisker", .stroke = colour, .stroke_width = 1.2});
      }
    }
    svg.path(path, {.name = "curve", .stroke = colour, .stroke_width = 2.0});
    for (std::size_t i = 0; i < lines[n].cells.size(); ++i) {
      const std::size_t index = lines[n].cells[i];
      if (!std::isfinite(cells[index].value)) continue;
      svg.circle(x_of(i), y_of(cells[index].value), 3.5,
                 {.name = "cell",
                  .fill = colour,
                  .title = cell_sentence(request, index),
                  .data = {{"cell", std::to_string(index)}}});
    }
    if (lines.size() > 1) {
      svg.rect(kWidth + 12.0, 20.0 * static_cast<double>(n), 12.0, 12.0,
               {.name = "key", .fill = colour});
      svg.text(kWidth + 30.0, 20.0 * static_cast<double>(n) + 10.0, lines[n].name);
    }
  }
  svg.end_group();
  double names = 0.0;
  for (const Line& one : lines) names = std::max(names, text_width(one.name));
  return framed(request, svg, kLeft + kWidth + (lines.size() > 1 ? 36.0 + names : 8.0),
                kHeight + 50.0);
}

}  // namespace

const Figure& line() {
  static constexpr Figure kFigure = {
      .name = "line",
      .summary = "a line over layers with intervals",
      .reading =
          "Each point is the effect at one layer, its whisker the interval over prompts. The "
          "points are separate runs or readings: the line between them only guides the eye.",
      .order = 2,
      .can_show = &fits,
      .drawer = &draw};
  return kFigure;
}

}  // namespace patchbay::figures
