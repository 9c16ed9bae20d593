// Points on two axes with the straight line of least squares through them.
#pragma once

#include <string>
#include <vector>

#include "patchbay/report/svg.h"

namespace patchbay {

struct ScatterPoint {
  double x;
  double y;
  std::size_t kind = 0;  ///< its colour and shape
  std::string title{};
};

struct ScatterPlot {
  std::string title;
  std::string x_name;
  std::string y_name;
  std::vector<ScatterPoint> points;
  std::vector<std::string> kinds;  ///< names of the kinds; drawn when there are several
  bool diagonal = false;           ///< also draws y = x
};

/// The size of a plot with its axes.
inline constexpr double kScatterWidth = 340.0;
inline constexpr double kScatterHeight = 330.0;

/// Draws into the rectangle from (0, 0) to (kScatterWidth, kScatterHeight). The line fits all
/// points; with it stand its slope and Pearson's correlation.
void draw_scatter(Svg& svg, const ScatterPlot& plot);

}  // namespace patchbay
