// Ways to read a table, beyond its grid: the lists that published studies print.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/results/effect_table.h"
#include "patchbay/results/study_result.h"

namespace patchbay {

/// Rows of text under headings, and sentences that go with them.
using View = StudyList;

/// What was published about the cells of a table.
struct Published {
  std::map<std::string, double> effects;         ///< raw, by cell: "9.6", "nothing | circuit"
  std::vector<std::vector<std::string>> groups;  ///< each a name and its cells

  [[nodiscard]] bool empty() const { return effects.empty() && groups.empty(); }
};

/// What a view may read beside its table.
struct ViewContext {
  const Published* published = nullptr;  ///< null: nothing about this model
  std::string why_nothing_published{};   ///< then a sentence
  const EffectTable* heads = nullptr;    ///< an earlier result by layer and head
};

/// The view's name without its number. Throws kUsage, with the nearest name, for a view that does
/// not exist.
std::string check_view(std::string_view view);

/// Views, N being a number after a colon:
/// * grid and largest:N are drawn by the reader of the table: nothing comes back for them.
/// * top:N — the largest effects with their sign, raw and in percent of the gap.
/// * strongest — the strongest cell alone: corrupted, patched, effect.
/// * prompts, tokens, lines — every prompt with its answers; as tokens and ids; what the model
/// said.
/// * marks:N — the largest by magnitude, each "corrupts" or "helps" (noising).
/// * split:T — of the twenty largest by magnitude, those above T and those below −T, all by the
///   lab's own fraction.
/// * as_written:N — fractions as the lab computes them beside the ratio of means and the mean of
///   ratios: prompts with a clean logit difference of 0 or less are skipped, the sum is divided by
///   all prompts, and 1e-10 is added to each gap.
/// * published, groups — the context's cells beside the published effects, and with their ranks.
/// * correlations:N — of attention_projection, the heads that write most of IO.
/// * of_heads:T — this table's numbers of the heads whose fraction in the context's table is above
///   T, a head a row.
/// * baselines — the means of both sides and the gap.
///
/// Throws kUsage as check_view does, and for a table that breaks a rule.
View view_of(const EffectTable& table, std::string_view view, const ViewContext& context = {});

}  // namespace patchbay
