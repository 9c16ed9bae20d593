// A result as text, for a terminal, a pipe or a notebook: what was measured, a grid, and the
// largest effects.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "patchbay/report/text_table.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/results/statistics.h"
#include "patchbay/results/study_result.h"

namespace patchbay {

/// What was measured and of how many prompts, and both sides' means. Throws kUsage for statistics
/// without the table's effect.
std::string result_heading(const EffectTable& table, const TableStatistics& statistics,
                           const TextStyle& style);
/// The last two axes as rows and columns, once for every place on the axes before them; where that
/// is more than 40 columns of numbers, a sentence that says so instead.
std::string result_grids(const EffectTable& table, const TableStatistics& statistics,
                         const TextStyle& style);
/// The largest effects by magnitude, with errors, intervals and the test.
std::string result_largest(const EffectTable& table, const TableStatistics& statistics,
                           std::int64_t top, const TextStyle& style);

/// A section of a study under its title, with its words; why it was left out, where it was.
std::string section_text(const StudySection& section, const TextStyle& style);
/// The section on a result: its words, what was measured, and what `views` name, in their order:
/// "grid", "largest" or "largest:20", and for each other one the next of the section's lists.
/// Throws kUsage when there are more of those than lists.
std::string section_text(const StudySection& section, const EffectTable& table,
                         std::span<const std::string> views, const TextStyle& style);

/// A list under its title, and its sentences.
std::string list_text(const StudyList& list, const TextStyle& style);

/// The whole page of one result; `top` cells by magnitude at its end.
std::string result_text(const EffectTable& table, std::int64_t top, const TextStyle& style);

}  // namespace patchbay
