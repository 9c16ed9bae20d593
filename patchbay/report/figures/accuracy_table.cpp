// How well the model does the task, on clean and on corrupted prompts: every metric with its
// interval.
#include <fmt/format.h>

#include "patchbay/report/caption.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"
#include "patchbay/report/rows.h"

namespace patchbay::figures {

const Figure& accuracy_table();

namespace {

bool fits(const EffectTable& table) {
  return table.experiment == "accuracy" && table.axes.size() == 3 && table.axes[0].name == "side";
}

Rows rows(const Request& request) {
  const auto& cells = cells_of(request);
  const TableAxis& sides = request.table.axes[0];
  const TableAxis& metrics = request.table.axes[1];
  Rows rows{.columns = {"metric"}, .rows = {}};
  for (const std::string& side : sides.labels) {
    rows.columns.insert(rows.columns.end(), {side, side + ", 95 % interval"});
  }
  rows.columns.emplace_back("n");
  for (std::size_t metric = 0; metric < metrics.labels.size(); ++metric) {
    std::vector<std::string> row = {metrics.labels[metric]};
    std::int64_t n = 0;
    for (std::size_t side = 0; side < sides.labels.size(); ++side) {
      const CellSummary& cell = cells[side * metrics.labels.size() + metric];
      row.insert(row.end(), {effect_text(cell.value, EffectKind::kRaw, false),
                             interval_text(cell, [](double end) {
                               return effect_text(end, EffectKind::kRaw, false);
                             })});
      n = cell.n;
    }
    const std::int64_t all = request.table.n_prompts();
    row.push_back(n == all ? std::to_string(n) : fmt::format("{} of {}", n, all));
    rows.rows.push_back(std::move(row));
  }
  return rows;
}

Drawing draw(const Request& request) { return draw_rows(request, rows(request)); }

}  // namespace

const Figure& accuracy_table() {
  static constexpr Figure kFigure = {
      .name = "accuracy_table",
      .summary = "every metric of the unpatched runs, with intervals",
      .reading =
          "What the model does before anything is patched: the gap between the two sides is all "
          "that patching can move. Where clean accuracy is low there is no behaviour to explain.",
      .order = 1,
      .can_show = &fits,
      .drawer = &draw,
      .lister = &rows};
  return kFigure;
}

}  // namespace patchbay::figures
