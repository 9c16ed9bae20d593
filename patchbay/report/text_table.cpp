#include "patchbay/report/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "patchbay/base/visible_text.h"

namespace patchbay {
namespace {

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string heading(std::string_view text, const TextStyle& style) {
  return style.bold ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

std::string printable(std::string_view text, const TextStyle& style) {
  if (!style.escaped) return std::string(text);
  return with_escapes(text, [](char32_t c) { return c == '\n' || c == '\t' || !is_invisible(c); });
}

std::vector<std::size_t> TextTable::widths(const TextStyle& style) const {
  constexpr std::size_t kLeast = 8;
  std::vector<std::size_t> widths;
  std::vector<std::size_t> least;  // numbers are never cut, their headings and texts are
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t widest = 0;
    for (const auto& row : rows_) widest = std::max(widest, width(row[c]));
    widths.push_back(std::max(width(columns_[c].title), widest));
    least.push_back(columns_[c].align == Align::kRight ? std::max(widest, std::size_t{4})
                                                       : std::min(widths.back(), kLeast));
  }
  if (!style.terminal) return widths;
  const auto room = static_cast<std::size_t>(std::max(style.terminal->width, 60));
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1));
  };
  while (total() > room) {
    std::size_t widest = widths.size();
    for (std::size_t c = 0; c < widths.size(); ++c) {
      const bool can = widths[c] > least[c];
      if (can && (widest == widths.size() || widths[c] > widths[widest])) widest = c;
    }
    if (widest == widths.size()) break;
    --widths[widest];
  }
  return widths;
}

std::string TextTable::str(const TextStyle& style) const {
  const std::vector<std::size_t> widths = this->widths(style);
  const auto line = [&](const auto& cell_of) {
    std::string result;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const std::string& whole = cell_of(c);
      const std::string cell = width(whole) > widths[c] ? visible_text(whole, widths[c]) : whole;
      const std::string space(widths[c] - std::min(width(cell), widths[c]), ' ');
      if (c > 0) result += "  ";
      result += columns_[c].align == Align::kRight ? space + cell : cell + space;
    }
    result.erase(result.find_last_not_of(' ') + 1);
    return result;
  };
  std::string text =
      heading(line([&](std::size_t c) -> const std::string& { return columns_[c].title; }), style) +
      "\n";
  for (const auto& row : rows_) {
    text += line([&](std::size_t c) -> const std::string& { return row[c]; }) + "\n";
  }
  return text;
}

}  // namespace patchbay
