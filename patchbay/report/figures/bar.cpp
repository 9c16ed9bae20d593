// Bars with intervals: one for every place of a table with few places, in groups where it has two
// axes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/attention.h"
#include "patchbay/report/axis_scale.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"

namespace patchbay::figures {

const Figure& bar();

namespace {

constexpr double kPlot = 420.0;
constexpr double kBar = 15.0;
constexpr std::size_t kMostSeries = 4;
constexpr std::size_t kMostBars = 120;

bool fits(const EffectTable& table) {
  const Grid grid = grid_of(table);
  return axis_of(table, "head") == nullptr && axis_of(table, "edge") == nullptr &&
         grid.panels.size() == 1 && grid.columns.labels.size() <= kMostSeries &&
         grid.rows.labels.size() * grid.columns.labels.size() <= kMostBars &&
         table.experiment != "accuracy" && !attention_of(table);
}

void whisker(Svg& svg, const AxisScale& scale, const CellSummary& cell, double y) {
  if (!std::isfinite(cell.low) || !std::isfinite(cell.high)) return;
  const SvgShape look = {.name = "axis", .stroke_width = 1.2};
  svg.line(scale.at(cell.low), y, scale.at(cell.high), y, look);
  for (const double end : {cell.low, cell.high}) {
    svg.line(scale.at(end), y - 3.0, scale.at(end), y + 3.0, look);
  }
}

void draw_axis(Svg& svg, const AxisScale& scale, double height, const std::string& unit) {
  for (const double tick : scale.ticks) {
    svg.line(scale.at(tick), 0, scale.at(tick), height,
             {.name = tick == 0.0 ? "axis" : "grid", .stroke_width = 1.0});
    svg.text(scale.at(tick), height + 15.0, fmt::format("{:.4g}", tick),
             {.size = 11.0, .anchor = SvgAnchor::kMiddle});
  }
  svg.text(scale.pixels / 2.0, height + 32.0, unit,
           {.name = "muted", .anchor = SvgAnchor::kMiddle});
}

Drawing draw(const Request& request) {
  const auto& cells = cells_of(request);
  const Grid grid = grid_of(request.table);
  const GridPanel& panel = grid.panels.front();
  const std::size_t series = grid.columns.labels.size();
  std::vector<double> values;
  for (const CellSummary& cell : cells)
    values.insert(values.end(), {cell.value, cell.low, cell.high});
  const AxisScale scale = axis_over(values, kPlot, true);
  double left = 0.0;
  for (const std::string& label : grid.rows.labels) {
    left = std::max(left, text_width(visible_text(label, 48)));
  }
  left += 10.0;
  const double group = kBar * static_cast<double>(series) + 7.0;
  const double height = group * static_cast<double>(grid.rows.labels.size());
  Svg svg;
  double top = 6.0;
  for (std::size_t s = 0; series > 1 && s < series; ++s) {
    svg.rect(left, top, 12.0, 12.0, {.name = "key", .fill = hex(distinct_colour(s + 1))});
    svg.text(left + 18.0, top + 10.0, visible_text(grid.columns.labels[s], 60));
    top += 18.0;
  }
  svg.text(0, top + 10.0, visible_text(grid.rows.name, 48), {.name = "muted"});
  top += 18.0;
  svg.begin_group(left, top);
  draw_axis(svg, scale, height, unit_of(request.table, request.effect));
  for (std::size_t row = 0; row < grid.rows.labels.size(); ++row) {
    const double y = group * static_cast<double>(row) + 3.5;
    svg.text(-8.0, y + (group - 7.0) / 2.0 + 4.0, visible_text(grid.rows.labels[row], 48),
             {.anchor = SvgAnchor::kEnd});
    for (std::size_t s = 0; s < series; ++s) {
      const std::size_t index = grid.cell(panel, row, s);
      const CellSummary& cell = cells[index];
      if (!std::isfinite(cell.value)) continue;
      const double at = y + kBar * static_cast<double>(s);
      const std::string fill = series > 1         ? hex(distinct_colour(s + 1))
                               : cell.value < 0.0 ? "#4393c3"
                                                  : "#d6604d";
      svg.rect(std::min(scale.at(0.0), scale.at(cell.value)), at,
               std::abs(scale.at(cell.value) - scale.at(0.0)), kBar - 2.0,
               {.name = "cell",
                .fill = fill,
                .title = cell_sentence(request, index),
                .data = {{"cell", std::to_string(index)}}});
      whisker(svg, scale, cell, at + kBar / 2.0 - 1.0);
      const double end = std::max({scale.at(0.0), scale.at(cell.value),
                                   std::isfinite(cell.high) ? scale.at(cell.high) : 0.0});
      svg.text(
          end + 5.0, at + kBar / 2.0 + 3.0,
          effect_text(cell.value, request.effect, request.table.direction != Direction::kNone) +
              (is_significant(request, index) ? " •" : ""),
          {.size = 10.0});
    }
  }
  svg.end_group();
  return framed(request, svg, left + kPlot + 64.0, top + height + 40.0, Marks::kDots);
}

}  // namespace

const Figure& bar() {
  static constexpr Figure kFigure = {
      .name = "bar",
      .summary = "a bar with its interval for every place",
      .reading =
          "Each bar is the effect at one place, its whisker the interval over prompts. Two bars "
          "whose whiskers overlap widely are not shown to differ, whatever their lengths.",
      .order = 2,
      .can_show = &fits,
      .drawer = &draw};
  return kFigure;
}

}  // namespace patchbay::figures
