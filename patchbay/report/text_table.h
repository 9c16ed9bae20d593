// Text as a terminal, a pipe or a file is to have it, and tables of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/report/terminal.h"

namespace patchbay {

/// How a text is to look. As it is here: for files and pipes.
struct TextStyle {
  bool bold = false;     ///< headings are
  bool escaped = false;  ///< what does not print (controls, directions, no UTF-8) is escaped
  std::optional<TerminalStyle> terminal{};  ///< heat maps, and tables as wide as it
};

std::string heading(std::string_view text, const TextStyle& style);
/// Line breaks and tabs stay.
std::string printable(std::string_view text, const TextStyle& style);

/// Columns, aligned by the number of characters; the first line is the heading. On a terminal that
/// is too narrow texts and headings are cut, numbers never.
class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string str(const TextStyle& style) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths(const TextStyle& style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace patchbay
