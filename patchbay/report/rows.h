// Rows of text as a picture.
#pragma once

#include "patchbay/report/figure.h"

namespace patchbay {

/// A table drawn with lines between its rows; columns of numbers are right-aligned. Throws kUsage
/// for a row that is not as long as the columns.
Drawing draw_rows(const figures::Request& request, const figures::Rows& rows);

/// Whether every text of a column reads as a number, an interval or nothing. Throws kUsage where a
/// row has no such column.
bool is_numeric_column(const figures::Rows& rows, std::size_t column);

}  // namespace patchbay
