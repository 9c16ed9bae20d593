// Looks a code point up in the generated ranges, with a small table for ASCII.
#include <algorithm>
#include <array>

#include "patchbay/text/unicode_tables.h"

namespace patchbay {
namespace {

CharClass find_class(char32_t code_point) {
  const auto ranges = code_point_ranges();
  const auto range = std::ranges::lower_bound(ranges, code_point, {}, &CodePointRange::last);
  if (range == ranges.end() || code_point < range->first) return CharClass::kOther;
  return range->char_class;
}

}  // namespace

CharClass char_class(char32_t code_point) {
  static const auto ascii = [] {
    std::array<CharClass, 128> table{};
    for (char32_t c = 0; c < table.size(); ++c) table[c] = find_class(c);
    return table;
  }();
  return code_point < ascii.size() ? ascii[code_point] : find_class(code_point);
}

}  // namespace patchbay
