#include "patchbay/study/views_common.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace patchbay {

std::string signed_number(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:+.4f}", value);
}

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool is_of_heads(const EffectTable& table) {
  return table.axes.size() == 3 && table.axes[0].name == "layer" && table.axes[1].name == "head";
}

std::string cell_name(const EffectTable& table, std::size_t cell) {
  const auto labels = table.cell_labels(static_cast<std::int64_t>(cell));
  if (is_of_heads(table)) return fmt::format("{}.{}", labels[0], labels[1]);
  if (table.axes.size() == 2 && table.axes[0].name == "node") return std::string(labels[0]);
  std::string name;
  for (std::size_t axis = 0; axis < labels.size(); ++axis) {
    name += fmt::format("{}{} {}", axis == 0 ? "" : ", ", table.axes[axis].name, labels[axis]);
  }
  return name;
}

std::vector<std::size_t> by_value(const std::vector<CellSummary>& cells) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!std::isnan(cells[i].value)) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::size_t i) { return cells[i].value; });
  return order;
}

std::vector<CellSummary> effects(const EffectTable& table, EffectKind kind) {
  return summarize(table, kind, Aggregate::kRatioOfMeans);
}

}  // namespace patchbay
