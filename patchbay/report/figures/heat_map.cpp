// Heat maps: layer × head, layer × position, sender × receiver; a panel for every other place.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/attention.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"

namespace patchbay::figures {

const Figure& heat_map();

namespace {

constexpr std::size_t kMostPanels = 24;
constexpr double kSheet = 1190.0;  // panels beside each other, as far as they fit
constexpr double kGap = 24.0;
constexpr double kLegend = 90.0;
constexpr double kTitleLine = 16.0;
constexpr double kBold = 1.1;  // how much wider bold letters are

bool fits(const EffectTable& table) {
  const Grid grid = grid_of(table);
  return axis_of(table, "edge") == nullptr && table.experiment != "accuracy" &&
         !attention_of(table) && grid.rows.labels.size() * grid.columns.labels.size() > 1 &&
         !grid.columns.name.empty() && grid.columns.labels.size() <= kMostGridLabels &&
         grid.rows.labels.size() <= kMostGridLabels;
}

struct Sizes {
  double cell_width;
  double cell_height;
  double left;   // of the cells: row labels
  double top;    // of the cells: title and column labels
  double title;  // of the title alone
  double width;
  double height;
  bool turned;  // column labels
};

double widest(const std::vector<std::string>& labels) {
  double width = 0.0;
  for (const std::string& label : labels)
    width = std::max(width, text_width(visible_text(label, 24)));
  return width;
}

// A panel's title is no wider than the panel.
std::vector<std::string> title_lines(const GridPanel& panel, const Sizes& sizes) {
  if (panel.title.empty()) return {};
  return wrapped(panel.title, (sizes.width - sizes.left) / kBold);
}

Sizes sizes_of(const Grid& grid) {
  const auto columns = static_cast<double>(grid.columns.labels.size());
  const auto rows = static_cast<double>(grid.rows.labels.size());
  Sizes sizes{};
  sizes.cell_width = std::clamp(std::floor(620.0 / columns), 14.0, 54.0);
  sizes.cell_height = std::clamp(std::floor(640.0 / rows), 12.0, 26.0);
  const double widest_column = widest(grid.columns.labels);
  sizes.turned = widest_column > sizes.cell_width - 2.0;
  sizes.left = 22.0 + widest(grid.rows.labels) + 6.0;
  sizes.width = sizes.left + columns * sizes.cell_width +
                (sizes.turned ? std::max(widest_column * 0.75 - sizes.cell_width, 0.0) : 0.0);
  std::size_t lines = 0;
  for (const GridPanel& panel : grid.panels) {
    lines = std::max(lines, title_lines(panel, sizes).size());
  }
  sizes.title = lines == 0 ? 0.0 : 4.0 + kTitleLine * static_cast<double>(lines);
  sizes.top = sizes.title + 18.0 + (sizes.turned ? widest_column * 0.75 + 14.0 : 18.0);
  sizes.height = sizes.top + rows * sizes.cell_height;
  return sizes;
}

class HeatMap {
 public:
  explicit HeatMap(const Request& request)
      : request_(request),
        cells_(cells_of(request)),
        grid_(grid_of(request.table)),
        sizes_(sizes_of(grid_)) {
    std::vector<double> values;
    for (const CellSummary& cell : cells_) values.push_back(cell.value);
    scale_ = scale_of(values, request.table.direction != Direction::kNone);
  }

  Drawing draw() {
    const std::size_t shown = std::min(grid_.panels.size(), kMostPanels);
    const auto beside = static_cast<std::size_t>(
        std::max(1.0, std::floor((kSheet + kGap - kLegend) / (sizes_.width + kGap))));
    const std::size_t across = balanced_row(shown, beside);
    const Tiling tiling{across, sizes_.width + kGap, sizes_.height + kGap};
    Svg svg;
    for (std::size_t i = 0; i < shown; ++i) {
      svg.begin_group(tiling.x(i), tiling.y(i));
      panel(svg, grid_.panels[i]);
      svg.end_group();
    }
    const double width = tiling.total_width(shown) - kGap;
    svg.begin_group(width + 18.0, sizes_.top);
    const double legend_height = legend(svg);
    svg.end_group();
    double height = std::max(tiling.total_height(shown) - kGap, sizes_.top + legend_height) + 10.0;
    if (shown < grid_.panels.size()) {
      height += 18.0;
      svg.text(0, height - 4.0,
               fmt::format("{} more panels are in the result file", grid_.panels.size() - shown),
               {.name = "muted"});
    }
    height += known_legend(svg, height);
    return framed(request_, svg, width + 18.0 + kLegend, height, Marks::kDots);
  }

 private:
  void panel(Svg& svg, const GridPanel& panel) {
    double baseline = 13.0;
    for (const std::string& line : title_lines(panel, sizes_)) {
      svg.text(sizes_.left, baseline, line, {.bold = true});
      baseline += kTitleLine;
    }
    labels(svg);
    each_cell(panel, [&](std::size_t cell, double x, double y) { square(svg, cell, x, y); });
    if (sizes_.cell_height >= 15.0) {
      for (const bool dark : {false, true}) {
        svg.begin_texts({.name = "on",
                         .size = 10.0,
                         .anchor = SvgAnchor::kMiddle,
                         .fill = std::string(ink_on(dark))});
        each_cell(panel, [&](std::size_t cell, double x, double y) {
          if (is_dark(scale_.of(cells_[cell].value)) == dark) write_number(svg, cell, x, y);
        });
        svg.end_group();
      }
    }
    each_cell(panel, [&](std::size_t cell, double x, double y) { marks(svg, cell, x, y); });
  }

  template <typename Visit>
  void each_cell(const GridPanel& panel, const Visit& visit) const {
    for (std::size_t row = 0; row < grid_.rows.labels.size(); ++row) {
      for (std::size_t column = 0; column < grid_.columns.labels.size(); ++column) {
        visit(grid_.cell(panel, row, column), x_of(column), y_of(row));
      }
    }
  }

  void labels(Svg& svg) {
    const auto columns = static_cast<double>(grid_.columns.labels.size());
    const auto rows = static_cast<double>(grid_.rows.labels.size());
    svg.text(sizes_.left + columns * sizes_.cell_width / 2.0, sizes_.title + 12.0,
             visible_text(grid_.columns.name, 24), {.name = "muted", .anchor = SvgAnchor::kMiddle});
    svg.text(11.0, sizes_.top + rows * sizes_.cell_height / 2.0, visible_text(grid_.rows.name, 24),
             {.name = "muted", .anchor = SvgAnchor::kMiddle, .turned = -90.0});
    for (std::size_t row = 0; row < grid_.rows.labels.size(); ++row) {
      svg.text(sizes_.left - 6.0, y_of(row) + sizes_.cell_height / 2.0 + 4.0,
               visible_text(grid_.rows.labels[row], 24), {.anchor = SvgAnchor::kEnd});
    }
    for (std::size_t column = 0; column < grid_.columns.labels.size(); ++column) {
      const double x = x_of(column) + sizes_.cell_width / 2.0;
      const std::string label = visible_text(grid_.columns.labels[column], 24);
      if (sizes_.turned) {
        svg.text(x + 3.0, sizes_.top - 6.0, label, {.turned = -48.0});
      } else {
        svg.text(x, sizes_.top - 6.0, label, {.anchor = SvgAnchor::kMiddle});
      }
    }
  }

  // What is read on a light or a dark colour.
  static std::string_view ink_on(bool dark) { return dark ? "#ffffff" : "#1b1f24"; }

  void square(Svg& svg, std::size_t cell, double x, double y) {
    SvgData data = {{"cell", std::to_string(cell)}};
    if (std::string head = head_of(request_.table, cell); !head.empty())
      data.emplace_back("head", std::move(head));
    svg.rect(x, y, sizes_.cell_width, sizes_.cell_height,
             {.name = "cell",
              .fill = hex(scale_.of(cells_[cell].value)),
              .title = cell_sentence(request_, cell),
              .data = std::move(data)});
  }

  void write_number(Svg& svg, std::size_t cell, double x, double y) {
    const std::string text = number(cells_[cell].value);
    if (text_width(text, 10.0) + 4.0 > sizes_.cell_width) return;
    svg.inherited_text(x + sizes_.cell_width / 2.0, y + sizes_.cell_height / 2.0 + 3.5, text);
  }

  // Rings of known heads, and the dot of what the test keeps.
  void marks(Svg& svg, std::size_t cell, double x, double y) {
    const std::string head = head_of(request_.table, cell);
    for (std::size_t i = 0; i < request_.known.size(); ++i) {
      const auto& heads = request_.known[i].heads;
      if (std::ranges::find(heads, head) != heads.end()) ring(svg, x, y, i);
    }
    if (!is_significant(request_, cell)) return;
    const bool dark = is_dark(scale_.of(cells_[cell].value));
    const double right = x + sizes_.cell_width - 4.5;
    svg.circle(right, y + 4.5, 3.0, {.name = "on", .fill = std::string(ink_on(!dark))});
    svg.circle(right, y + 4.5, 2.0, {.name = "on", .fill = std::string(ink_on(dark))});
  }

  [[nodiscard]] std::string number(double value) const {
    if (std::isnan(value)) return "–";
    const std::string text = fmt::format("{:.{}f}", value, digits_);
    return text.find_first_of("123456789") == std::string::npos ? "0" : text;
  }

  // Two strokes, so that it shows on every colour.
  void ring(Svg& svg, double x, double y, std::size_t kind) {
    const double width = sizes_.cell_width - 4.0;
    const double height = sizes_.cell_height - 4.0;
    const double r = std::min(width, height) / 2.0;
    const std::string outline =
        fmt::format("M{} {}h{}a{r} {r} 0 0 1 0 {d}h-{}a{r} {r} 0 0 1 0 -{d}z",
                    svg_number(x + 2.0 + r), svg_number(y + 2.0 + height / 2.0 - r),
                    svg_number(width - 2.0 * r), svg_number(width - 2.0 * r),
                    fmt::arg("r", svg_number(r)), fmt::arg("d", svg_number(2.0 * r)));
    svg.path(outline, {.name = "ring", .stroke = "#ffffff", .stroke_width = 4.0});
    svg.path(outline, {.name = "ring",
                       .stroke = hex(distinct_colour(kind)),
                       .stroke_width = 2.0,
                       .dashes = kDashes[kind % std::size(kDashes)]});
  }

  // The bar is as high as the cells, as far as that can be read. Returns the height with its words.
  double legend(Svg& svg) {
    constexpr int kSteps = 32;
    const double bar = std::clamp(sizes_.height - sizes_.top, 64.0, 120.0);
    const double low = scale_.is_signed ? -scale_.limit : 0.0;
    for (int i = 0; i < kSteps; ++i) {
      const double share = (i + 0.5) / kSteps;
      svg.rect(0, bar * (1.0 - (i + 1.0) / kSteps), 14.0, bar / kSteps + 0.5,
               {.name = "scale", .fill = hex(scale_.of(low + share * (scale_.limit - low)))});
    }
    const std::array<double, 3> ticks = {scale_.limit, 0.5 * (low + scale_.limit), low};
    for (std::size_t i = 0; i < ticks.size(); ++i) {
      svg.text(19.0, bar * static_cast<double>(i) / 2.0 + 4.0, fmt::format("{:.3g}", ticks[i]),
               {.size = 11.0});
    }
    double y = bar + 22.0;
    for (const std::string& line :
         wrapped(unit_of(request_.table, request_.effect), kLegend, 11.0)) {
      svg.text(0, y, line, {.name = "muted", .size = 11.0});
      y += 14.0;
    }
    return y - 10.0;
  }

  // Who was circled; returns the height.
  double known_legend(Svg& svg, double top) {
    double y = top;
    for (std::size_t i = 0; i < request_.known.size(); ++i) {
      const KnownHeads& known = request_.known[i];
      y += 18.0;
      svg.line(2.0, y - 4.0, 26.0, y - 4.0,
               {.name = "ring",
                .stroke = hex(distinct_colour(i)),
                .stroke_width = 2.5,
                .dashes = kDashes[i % std::size(kDashes)]});
      std::string heads;
      for (const std::string& head : known.heads) {
        if (heads.size() < 100) heads += (heads.empty() ? "" : ", ") + visible_text(head, 16);
      }
      svg.text(34.0, y,
               visible_text(fmt::format("{}: {}", visible_text(known.name, 48), heads), 140));
    }
    return request_.known.empty() ? 0.0 : y + 6.0 - top;
  }

  [[nodiscard]] double x_of(std::size_t column) const {
    return sizes_.left + static_cast<double>(column) * sizes_.cell_width;
  }
  [[nodiscard]] double y_of(std::size_t row) const {
    return sizes_.top + static_cast<double>(row) * sizes_.cell_height;
  }

  static constexpr std::string_view kDashes[] = {"", "5 2", "2 2", "8 2 2 2"};

  const Request& request_;
  const std::vector<CellSummary>& cells_;
  Grid grid_;
  Sizes sizes_;
  ColourScale scale_;
  int digits_ = request_.effect == EffectKind::kPercentOfClean ? 1 : 2;
};

Drawing draw(const Request& request) { return HeatMap(request).draw(); }

}  // namespace

const Figure& heat_map() {
  static constexpr Figure kFigure = {
      .name = "heat_map",
      .summary =
          "a coloured cell for every place: layer by head, layer by position, sender by receiver",
      .reading =
          "Each cell is the effect at one place: red is positive, blue negative, white nothing; a "
          "dot marks what a corrected test keeps. Compare cells by their intervals, not by their "
          "shades: a strong colour only says that the cell is large beside the others of this "
          "figure.",
      .order = 1,
      .can_show = &fits,
      .drawer = &draw};
  return kFigure;
}

}  // namespace patchbay::figures
