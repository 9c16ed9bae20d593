// Figures: each draws a table, or a way to look at one, as a picture.
//
// patchbay/report/figures/NAME.cpp defines `const Figure& NAME()`; adding the file is all it takes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/guarded_function.h"
#include "patchbay/report/svg.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/results/statistics.h"
#include "patchbay/results/study_result.h"

namespace patchbay::figures {

/// What a figure is drawn from.
struct Request {
  const EffectTable& table;
  const TableStatistics& statistics;
  EffectKind effect;                    ///< one that `statistics` has
  std::string title{};                  ///< empty: the experiment's name
  std::span<const KnownHeads> known{};  ///< may be empty
  bool with_sentences = true;           ///< each cell says its numbers (cell_sentence)
};

/// A figure that is rows of text; the same rows are a table in the report.
struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Figure {
  std::string_view name;     ///< "heat_map"
  std::string_view summary;  ///< one line for people who choose
  std::string_view reading;  ///< two sentences: what is seen, and how not to misread it
  int order = 0;             ///< where several fit, the smallest comes first
  GuardedFunction<Figure, bool(const EffectTable&)> can_show;  ///< what fits() calls
  GuardedFunction<Figure, Drawing(const Request&)> drawer;     ///< what draw() calls
  GuardedFunction<Figure, Rows(const Request&)> lister{};      ///< what rows() calls

  /// Whether it can show the table. Throws kUsage for a table that breaks a rule.
  [[nodiscard]] bool fits(const EffectTable& table) const;
  /// The picture. Throws kUsage for a table that it cannot show, and for statistics without the
  /// effect or of another table.
  [[nodiscard]] Drawing draw(const Request& request) const;
  /// Whether it is rows of text.
  [[nodiscard]] bool has_rows() const { return static_cast<bool>(lister); }
  /// Its rows of text. Throws kUsage as draw() does, and for a figure that has none.
  [[nodiscard]] Rows rows(const Request& request) const;

 private:
  void check(const Request& request) const;
};

/// Every figure, by name.
const std::vector<const Figure*>& all();
/// The figure of that name. Throws kUsage with the nearest name.
const Figure& find(std::string_view name);
/// The figures that can show this table, the most telling first. Throws kUsage for a table that
/// breaks a rule.
std::vector<const Figure*> fitting(const EffectTable& table);

/// The summaries of the request's effect, one a cell. Throws kUsage where the statistics have no
/// such effect, or are of a table with other cells.
const std::vector<CellSummary>& cells_of(const Request& request);

}  // namespace patchbay::figures
