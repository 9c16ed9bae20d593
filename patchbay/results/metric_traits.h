// What results know of metrics by their names: the range of their values, and which way is better.
#pragma once

#include <cstdint>
#include <string_view>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// The values that a metric can have.
struct MetricTraits {
  std::string_view name;
  double lowest;   ///< minus infinity where nothing bounds it
  double highest;  ///< infinity where nothing bounds it
  /// 1 where more says that the model is better at the task, -1 where less does, 0 where neither.
  int better;
};

/// What is known of the metric of that name; nothing bounds one that is not known.
MetricTraits traits_of_metric(std::string_view name);

/// The metric of a cell: the table's, or the label on its axis "metric" or "quantity". Throws
/// kUsage when there is no such cell.
std::string_view metric_of_cell(const EffectTable& table, std::int64_t cell);

/// Whether the raw effect of a cell can have either sign in every prompt: the unpatched metric, or
/// 0 for values that no patching gave, is inside of the metric's range and not at its end. Throws
/// kUsage when there is no such cell.
bool can_change_sign(const EffectTable& table, std::int64_t cell);

}  // namespace patchbay
