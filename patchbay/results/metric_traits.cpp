#include "patchbay/results/metric_traits.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace patchbay {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of patchbay/metrics, and of experiments that measure something of their own.
constexpr MetricTraits kTraits[] = {{"accuracy", 0, 1, 1},
                                    {"attention", 0, 1, 0},
                                    {"cross_entropy", 0, kInfinity, -1},
                                    {"io_over_s", 0, 1, 1},
                                    {"kl_divergence", 0, kInfinity, 0},
                                    {"log_prob", -kInfinity, 0, 1},
                                    {"logit", -kInfinity, kInfinity, 1},
                                    {"logit_diff", -kInfinity, kInfinity, 1},
                                    {"mean attention", 0, 1, 0},
                                    {"next_token_loss", 0, kInfinity, 0},
                                    {"prob", 0, 1, 1},
                                    {"prob_diff", -1, 1, 1},
                                    {"rank", 1, kInfinity, -1},
                                    {"share of names copied", 0, 1, 0},
                                    {"wrong_prob", 0, 1, -1}};

}  // namespace

MetricTraits traits_of_metric(std::string_view name) {
  const auto* known = std::ranges::find(kTraits, name, &MetricTraits::name);
  if (known != std::ranges::end(kTraits)) return *known;
  return {name, -kInfinity, kInfinity, 0};
}

std::string_view metric_of_cell(const EffectTable& table, std::int64_t cell) {
  const std::vector<std::string_view> labels = table.cell_labels(cell);
  for (std::size_t axis = 0; axis < labels.size(); ++axis) {
    const std::string& name = table.axes[axis].name;
    if (name == "metric" || name == "quantity") return labels[axis];
  }
  return table.metric;
}

bool can_change_sign(const EffectTable& table, std::int64_t cell) {
  const MetricTraits traits = traits_of_metric(metric_of_cell(table, cell));
  const auto inside = [&](double base) { return traits.lowest < base && base < traits.highest; };
  if (table.direction == Direction::kNone) return inside(0);
  return std::ranges::all_of(table.base(), inside);
}

}  // namespace patchbay
