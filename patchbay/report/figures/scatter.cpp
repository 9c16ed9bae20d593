// What heads look at against what they write, prompt by prompt, with a straight line through it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"
#include "patchbay/report/scatter_plot.h"
#include "patchbay/results/correlation.h"

namespace patchbay::figures {

const Figure& scatter();

namespace {

constexpr std::size_t kMostPlots = 6;

// An axis of two quantities first; names of the points may come second.
bool fits(const EffectTable& table) {
  return table.axes.size() >= 3 && table.axes[0].name == "quantity" &&
         table.axes[0].labels.size() == 2;
}

struct Place {
  std::size_t cell;  // of the first quantity and the first name
  double rho;
};

Drawing draw(const Request& request) {
  const EffectTable& table = request.table;
  const bool named = table.axes[1].name == "name";
  const std::size_t names = named ? table.axes[1].labels.size() : 1;
  const auto half = static_cast<std::size_t>(table.cells()) / 2;
  const std::size_t places = half / names;
  std::vector<Place> order;
  for (std::size_t place = 0; place < places; ++place) {
    std::vector<double> x;
    std::vector<double> y;
    for (std::size_t name = 0; name < names; ++name) {
      const auto cell = static_cast<std::int64_t>(name * places + place);
      const auto first = table.cell_values(cell);
      const auto second = table.cell_values(cell + static_cast<std::int64_t>(half));
      x.insert(x.end(), first.begin(), first.end());
      y.insert(y.end(), second.begin(), second.end());
    }
    const double rho = correlation(x, y);
    if (std::isfinite(rho)) order.push_back({place, rho});
  }
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [](const Place& p) { return std::abs(p.rho); });
  order.resize(std::min(order.size(), kMostPlots));
  const Tiling tiling{.across = 3, .width = kScatterWidth, .height = kScatterHeight};
  Svg svg;
  for (std::size_t i = 0; i < order.size(); ++i) {
    ScatterPlot plot{.title = {},
                     .x_name = table.axes[0].labels[0],
                     .y_name = table.axes[0].labels[1],
                     .points = {},
                     .kinds = {}};
    for (std::size_t name = 0; name < names; ++name) {
      const std::size_t cell = name * places + order[i].cell;
      plot.kinds.push_back(named ? table.axes[1].labels[name] : "");
      const std::string head = head_of(table, cell);
      plot.title = head.empty() ? cell_place(table, cell) : "head " + head;
      for (std::int64_t prompt = 0; prompt < table.n_prompts(); ++prompt) {
        const double x = table.value(static_cast<std::int64_t>(cell), prompt);
        const double y = table.value(static_cast<std::int64_t>(cell + half), prompt);
        plot.points.push_back({x, y, name,
                               fmt::format("{}, prompt {}, {}: {:.4f}, {:.4f}", plot.title, prompt,
                                           visible_text(plot.kinds.back(), 40), x, y)});
      }
    }
    svg.begin_group(tiling.x(i), tiling.y(i));
    draw_scatter(svg, plot);
    svg.end_group();
  }
  return framed(request, svg, tiling.total_width(order.size()), tiling.total_height(order.size()));
}

}  // namespace

const Figure& scatter() {
  static constexpr Figure kFigure = {
      .name = "scatter",
      .summary = "two quantities of every prompt against each other, with a fitted line",
      .reading =
          "Each point is one prompt; the line is the least-squares fit over all points of its "
          "plot, shown for the places where the two go together most. Places chosen for a high "
          "correlation out of many will have a lower one on new prompts.",
      .order = 1,
      .can_show = &fits,
      .drawer = &draw};
  return kFigure;
}

}  // namespace patchbay::figures
