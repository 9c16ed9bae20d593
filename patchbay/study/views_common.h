// What the views of patchbay/study share, and those of them that list cells.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "patchbay/results/statistics.h"
#include "patchbay/study/views.h"

namespace patchbay {

/// "+0.1235", and "-" for what is no number.
std::string signed_number(double value);
double mean(std::span<const double> values);
/// Whether the cells are layer × head.
bool is_of_heads(const EffectTable& table);
/// "9.6" of layer and head, the node's name, else every label.
std::string cell_name(const EffectTable& table, std::size_t cell);

/// One kind of effect, as ratio of means.
std::vector<CellSummary> effects(const EffectTable& table, EffectKind kind);
/// Cells from the largest value to the smallest; those without a value are left out.
std::vector<std::size_t> by_value(const std::vector<CellSummary>& cells);

View marks(const EffectTable& table, std::size_t count);
View split(const EffectTable& table, double threshold);
View as_written(const EffectTable& table, std::size_t count);
View published(const EffectTable& table, const ViewContext& context);
View groups(const EffectTable& table, const ViewContext& context);
View correlations(const EffectTable& table, std::size_t count);
View of_heads(const EffectTable& table, double threshold, const ViewContext& context);

}  // namespace patchbay
