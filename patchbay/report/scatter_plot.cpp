#include "patchbay/report/scatter_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/axis_scale.h"
#include "patchbay/report/colour.h"
#include "patchbay/results/correlation.h"

namespace patchbay {
namespace {

constexpr double kLeft = 58.0;
constexpr double kTop = 40.0;
constexpr double kPlot = 230.0;

struct Fit {
  double slope;
  double start;
};

Fit least_squares(const std::vector<double>& x, const std::vector<double>& y) {
  double mean_x = 0.0;
  double mean_y = 0.0;
  const auto n = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  double xx = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  const double slope = xy / xx;
  return {slope, mean_y - slope * mean_x};
}

// Circles, diamonds, squares: kinds are told apart without colours too.
void point(Svg& svg, double x, double y, const ScatterPoint& point) {
  const SvgShape look = {
      .name = "cell", .fill = hex(distinct_colour(point.kind + 1)), .title = point.title};
  if (point.kind % 3 == 0) {
    svg.circle(x, y, 3.2, look);
  } else if (point.kind % 3 == 1) {
    svg.path(fmt::format("M{} {}l4 4l-4 4l-4 -4z", svg_number(x), svg_number(y - 4.0)), look);
  } else {
    svg.rect(x - 3.0, y - 3.0, 6.0, 6.0, look);
  }
}

}  // namespace

void draw_scatter(Svg& svg, const ScatterPlot& plot) {
  std::vector<double> xs;
  std::vector<double> ys;
  for (const ScatterPoint& one : plot.points) {
    if (!std::isfinite(one.x) || !std::isfinite(one.y)) continue;
    xs.push_back(one.x);
    ys.push_back(one.y);
  }
  const AxisScale x = axis_over(xs, kPlot, false);
  const AxisScale y = axis_over(ys, kPlot, false);
  const auto down = [&](double value) { return kPlot - y.at(value); };
  svg.text(kLeft, 13.0, visible_text(plot.title, 48), {.bold = true});
  for (std::size_t kind = 0; plot.kinds.size() > 1 && kind < plot.kinds.size(); ++kind) {
    const double at = kLeft + 60.0 * static_cast<double>(kind) + 130.0;
    point(svg, at, 9.0, {0.0, 0.0, kind, {}});
    svg.text(at + 8.0, 13.0, visible_text(plot.kinds[kind], 8), {.size = 11.0});
  }
  svg.text(14.0, kTop + kPlot / 2.0, visible_text(plot.y_name, 48),
           {.name = "muted", .size = 11.0, .anchor = SvgAnchor::kMiddle, .turned = -90.0});
  svg.begin_group(kLeft, kTop);
  for (const double tick : x.ticks) {
    svg.line(x.at(tick), 0, x.at(tick), kPlot, {.name = "grid", .stroke_width = 1.0});
    svg.text(x.at(tick), kPlot + 15.0, fmt::format("{:.3g}", tick),
             {.size = 10.0, .anchor = SvgAnchor::kMiddle});
  }
  for (const double tick : y.ticks) {
    svg.line(0, down(tick), kPlot, down(tick), {.name = "grid", .stroke_width = 1.0});
    svg.text(-5.0, down(tick) + 4.0, fmt::format("{:.3g}", tick),
             {.size = 10.0, .anchor = SvgAnchor::kEnd});
  }
  svg.text(kPlot / 2.0, kPlot + 31.0, visible_text(plot.x_name, 48),
           {.name = "muted", .size = 11.0, .anchor = SvgAnchor::kMiddle});
  // A line between the left and the right edge, as far as it is inside.
  const auto straight = [&](double slope, double start, std::string_view dashes) {
    double from = x.low;
    double to = x.high;
    if (slope != 0.0) {
      const double a = (y.low - start) / slope;
      const double b = (y.high - start) / slope;
      from = std::max(from, std::min(a, b));
      to = std::min(to, std::max(a, b));
    }
    if (!(from < to)) return;
    svg.line(x.at(from), down(start + slope * from), x.at(to), down(start + slope * to),
             {.name = "axis", .stroke_width = 1.4, .dashes = dashes});
  };
  if (plot.diagonal) straight(1.0, 0.0, "2 3");
  const double rho = correlation(xs, ys);
  if (std::isfinite(rho)) {
    const Fit fit = least_squares(xs, ys);
    straight(fit.slope, fit.start, "");
    svg.text(4.0, -4.0, fmt::format("rho = {:.3f}, slope {:.3g}", rho, fit.slope), {.size = 11.0});
  }
  for (const ScatterPoint& one : plot.points) {
    if (std::isfinite(one.x) && std::isfinite(one.y)) point(svg, x.at(one.x), down(one.y), one);
  }
  svg.end_group();
}

}  // namespace patchbay
