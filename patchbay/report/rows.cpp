#include "patchbay/report/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/report/caption.h"

namespace patchbay {
namespace {

constexpr double kRow = 21.0;
constexpr double kGap = 18.0;
constexpr std::size_t kLongest = 64;

}  // namespace

bool is_numeric_column(const figures::Rows& rows, std::size_t column) {
  return std::ranges::all_of(rows.rows, [&](const auto& row) {
    check_index("rows", "column", static_cast<std::int64_t>(column), std::ssize(row));
    return row[column].empty() ||
           std::string_view("0123456789+-<").find(row[column].front()) != std::string_view::npos;
  });
}

Drawing draw_rows(const figures::Request& request, const figures::Rows& rows) {
  for (const auto& row : rows.rows) {
    if (row.size() == rows.columns.size()) continue;
    throw Error(ErrorKind::kUsage, "rows",
                fmt::format("a row has {} texts, but there are {} columns; give one each",
                            row.size(), rows.columns.size()));
  }
  std::vector<double> widths;
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    double width = text_width(rows.columns[c]) * 1.1;  // bold
    for (const auto& row : rows.rows) {
      width = std::max(width, text_width(visible_text(row[c], kLongest)));
    }
    widths.push_back(width);
  }
  double total = 0.0;
  for (const double width : widths) total += width + kGap;
  Svg svg;
  const auto line = [&](double y, const std::vector<std::string>& texts, bool is_head) {
    double x = 0.0;
    for (std::size_t c = 0; c < texts.size(); ++c) {
      const bool right = is_numeric_column(rows, c);
      svg.text(right ? x + widths[c] : x, y, visible_text(texts[c], kLongest),
               {.anchor = right ? SvgAnchor::kEnd : SvgAnchor::kStart, .bold = is_head});
      x += widths[c] + kGap;
    }
  };
  line(16.0, rows.columns, true);
  double y = 16.0;
  for (const auto& row : rows.rows) {
    svg.line(0, y + 7.0, total - kGap, y + 7.0, {.name = "grid", .stroke_width = 1.0});
    y += kRow;
    line(y, row, false);
  }
  return framed(request, svg, total - kGap, y + 14.0);
}

}  // namespace patchbay
