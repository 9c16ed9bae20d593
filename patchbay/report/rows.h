// Rows of text as a picture.
#pragma once

#include "patchbay/report/figure.h"

namespace patchbay {

/// A table drawn with lines between its rows; columns of numbers are right-aligned.
Drawing draw_rows(const figures::Request& request, const figures::Rows& rows);

/// Whether every text of a column reads as a number, an interval or nothing.
bool is_numeric_column(const figures::Rows& rows, std::size_t column);

}  // namespace patchbay
