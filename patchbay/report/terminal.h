// The heat map in a terminal: two rows a line where there are colours, signs and digits where not.
#pragma once

#include <string>

#include "patchbay/report/figure.h"

namespace patchbay {

enum class TerminalColours { kNone, k16, k256, k24Bit };

struct TerminalStyle {
  TerminalColours colours = TerminalColours::kNone;
  int width = 80;  ///< columns; 60 at least are used
};

/// Every panel of the heat map, with a legend. Without colours a cell is its sign and a digit, 9
/// for the largest magnitude. Columns that do not fit go on below.
std::string terminal_heat_map(const figures::Request& request, const TerminalStyle& style);

}  // namespace patchbay
