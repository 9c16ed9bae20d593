// The largest effects, with their intervals, as rows.
#include <fmt/format.h>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/attention.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/rows.h"

namespace patchbay::figures {

const Figure& top_k();

namespace {

constexpr std::size_t kMost = 20;

bool fits(const EffectTable& table) {
  return table.cells() > 1 && table.experiment != "accuracy" && !attention_of(table);
}

// "12", "9 of 12", "200, 4 distinct"
std::string n_text(const CellSummary& cell) {
  std::string text = std::to_string(cell.n);
  if (cell.n_left_out > 0) text += fmt::format(" of {}", cell.n + cell.n_left_out);
  if (cell.n_distinct < cell.n) text += fmt::format(", {} distinct", cell.n_distinct);
  return text;
}

Rows rows(const Request& request) {
  const auto& cells = cells_of(request);
  const std::vector<std::size_t> order = by_size(cells, kMost);
  Rows rows{.columns = {"rank"}, .rows = {}};
  for (std::size_t axis = 0; axis + 1 < request.table.axes.size(); ++axis) {
    rows.columns.push_back(request.table.axes[axis].name);
  }
  const bool tested = request.statistics.significance.reason.empty();
  rows.columns.insert(rows.columns.end(), {std::string(name_of(request.effect)), "standard error",
                                           "95 % interval", "n"});
  if (tested) rows.columns.emplace_back("p (Holm)");
  const bool is_signed = request.table.direction != Direction::kNone;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const std::size_t index = order[rank];
    const CellSummary& cell = cells[index];
    std::vector<std::string> row = {std::to_string(rank + 1)};
    for (const auto label : request.table.cell_labels(static_cast<std::int64_t>(index))) {
      row.push_back(visible_text(label, 60));
    }
    const auto text = [&](double value, bool sign) {
      return effect_text(value, request.effect, sign);
    };
    row.insert(row.end(), {text(cell.value, is_signed), text(cell.standard_error, false),
                           interval_text(cell, [&](double end) { return text(end, is_signed); }),
                           n_text(cell)});
    if (tested) {
      const auto& p = request.statistics.significance.p_values[index];
      row.push_back(p ? p_text(*p) : "-");
    }
    rows.rows.push_back(std::move(row));
  }
  return rows;
}

Drawing draw(const Request& request) { return draw_rows(request, rows(request)); }

}  // namespace

const Figure& top_k() {
  static constexpr Figure kFigure = {
      .name = "top_k",
      .summary = "the largest effects as a table",
      .reading =
          "The places with the largest effects, whatever their sign. The first of a long list is "
          "also the luckiest: believe the interval and the corrected p more than the rank.",
      .order = 8,
      .can_show = &fits,
      .drawer = &draw,
      .lister = &rows};
  return kFigure;
}

}  // namespace patchbay::figures
