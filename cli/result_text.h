// A result as text for a terminal: what was measured, a grid, and the largest effects.
#pragma once

#include <string>

#include "patchbay/results/statistics.h"
#include "patchbay/results/study_result.h"

namespace patchbay::cli {

/// What was measured, and both sides' means.
std::string result_heading(const EffectTable& table);
/// The last two axes as rows and columns, once for every place on the axes before them.
std::string result_grids(const EffectTable& table, const TableStatistics& statistics);
/// The largest effects by magnitude, with errors, intervals and the test.
std::string result_largest(const EffectTable& table, const TableStatistics& statistics,
                           std::int64_t top);

/// A list under its title, and its sentences.
std::string list_text(const StudyList& list);

/// The whole page of one result; `top` cells by magnitude at its end.
std::string result_text(const EffectTable& table, std::int64_t top);

}  // namespace patchbay::cli
