// The scatter of attention and projection in numbers, a head a row.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/results/correlation.h"
#include "patchbay/study/views_common.h"

namespace patchbay {
namespace {

// Of attention_projection: quantity, name, layer, head.
bool is_of_attention_projection(const EffectTable& table) {
  return table.axes.size() == 5 && table.axes[0].name == "quantity" &&
         table.axes[1].name == "name" && table.axes[0].labels.size() == 2 &&
         table.axes[1].labels.size() == 2;
}

double mean_of(std::span<const double> values) {
  double sum = 0.0;
  double n = 0.0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    sum += value;
    n += 1.0;
  }
  return sum / n;
}

}  // namespace

View correlations(const EffectTable& table, std::size_t count) {
  View view{"attention and projection, heads that write most of IO or against it",
            {"head", "to IO", "on IO", "rho", "to S", "on S", "rho", "rho, both names"},
            {},
            {"attention from END to a name, mean projection of the head's output on that name's "
             "direction, and their correlation over prompts"}};
  if (!is_of_attention_projection(table)) {
    return {view.title, {}, {}, {"this list is about attention_projection"}};
  }
  const auto heads = static_cast<std::size_t>(table.cells()) / 4;
  const auto values = [&](std::size_t quantity, std::size_t name, std::size_t head) {
    return table.cell_values(static_cast<std::int64_t>((quantity * 2 + name) * heads + head));
  };
  std::vector<std::size_t> order(heads);
  for (std::size_t head = 0; head < heads; ++head) order[head] = head;
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::size_t head) { return std::abs(mean_of(values(1, 0, head))); });
  order.resize(std::min(order.size(), count));
  for (const std::size_t head : order) {
    const auto labels = table.cell_labels(static_cast<std::int64_t>(head));
    std::vector<std::string> row = {fmt::format("{}.{}", labels[2], labels[3])};
    std::vector<double> attention;
    std::vector<double> projection;
    for (std::size_t name = 0; name < 2; ++name) {
      const auto looks = values(0, name, head);
      const auto writes = values(1, name, head);
      row.insert(row.end(), {signed_number(mean_of(looks)), signed_number(mean_of(writes)),
                             signed_number(correlation(looks, writes))});
      attention.insert(attention.end(), looks.begin(), looks.end());
      projection.insert(projection.end(), writes.begin(), writes.end());
    }
    row.push_back(signed_number(correlation(attention, projection)));
    view.rows.push_back(std::move(row));
  }
  return view;
}

}  // namespace patchbay
