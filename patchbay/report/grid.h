// How the cells of a table lie on paper: which axis goes down, which across, and what makes panels.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// One axis of a grid.
struct GridAxis {
  std::string name;                 ///< "layer"; empty where the grid has one column
  std::vector<std::string> labels;  ///< positions have their token beside, where all prompts agree
  std::size_t step = 0;             ///< from one cell to the next along it
};

struct GridPanel {
  std::string title;      ///< "side clean, score induction"; empty for the only one
  std::size_t first = 0;  ///< the cell in its upper left
};

struct Grid {
  GridAxis rows;
  GridAxis columns;
  std::vector<GridPanel> panels;

  [[nodiscard]] std::size_t cell(const GridPanel& panel, std::size_t row,
                                 std::size_t column) const {
    return panel.first + row * rows.step + column * columns.step;
  }
};

/// Layers go down and heads across where the table has both, else layers and positions, else the
/// last two axes with more than one label; the others make panels. Throws kUsage for a table that
/// breaks a rule.
Grid grid_of(const EffectTable& table);

/// Rows and columns that a picture of a grid may have, so that cells can be seen and labels read.
inline constexpr std::size_t kMostGridLabels = 256;

/// The axis of that name, or none.
const TableAxis* axis_of(const EffectTable& table, std::string_view name);
/// "9.6" of a cell that has a layer and a head, or a node that is a head; "" of any other. Throws
/// kUsage when there is no such cell.
std::string head_of(const EffectTable& table, std::size_t cell);
/// The tokens of one prompt, where the table knows them: of the column "clean tokens". Throws
/// kUsage when the column has no such prompt.
std::vector<std::string> tokens_of(const EffectTable& table, std::size_t prompt);

}  // namespace patchbay
