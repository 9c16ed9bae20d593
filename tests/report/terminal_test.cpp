// The heat map in a terminal.
#include "patchbay/report/terminal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

std::string map_of(const EffectTable& table, TerminalColours colours, int width = 80) {
  const TableStatistics statistics = table_statistics(table);
  return terminal_heat_map({.table = table, .statistics = statistics, .effect = EffectKind::kRaw},
                           {.colours = colours, .width = width});
}

// Layers × heads, the effect of cell i being i − 2.
EffectTable grid(std::size_t layers, std::size_t heads) {
  std::vector<std::vector<double>> cells;
  for (std::size_t i = 0; i < layers * heads; ++i) cells.push_back({static_cast<double>(i) - 2.0});
  EffectTable table = testing::raw_table(cells);
  table.axes = {
      {"layer", testing::counted(layers)}, {"head", testing::counted(heads)}, {"prompt", {"0"}}};
  return table;
}

std::size_t width_of(const std::string& line) {
  const std::string bare = std::regex_replace(line, std::regex("\x1b\\[[0-9;]*m"), "");
  return static_cast<std::size_t>(std::ranges::count_if(
      bare, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    widest = std::max(widest, width_of(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return widest;
}

TEST(TerminalHeatMap, IsSignsAndDigitsWithoutColours) {
  EXPECT_EQ(map_of(grid(2, 3), TerminalColours::kNone),
            "layer head\n"
            "      0   1   2\n"
            "    0 -6  -3   .\n"
            "    1 +3  +6  +9\n"
            "9 is 3, . is less than 0.17, ? is no number\n");
}

TEST(TerminalHeatMap, HasTwoRowsALineInColours) {
  const std::string text = map_of(grid(3, 2), TerminalColours::k24Bit);
  EXPECT_NE(text.find("  0/1 \x1b[38;2;"), std::string::npos) << text;
  EXPECT_NE(text.find("\x1b[38;2;103;0;31;49m"), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 5);
  EXPECT_NE(map_of(grid(3, 2), TerminalColours::k256).find("\x1b[38;5;"), std::string::npos);
  const std::string few = map_of(grid(3, 2), TerminalColours::k16);
  EXPECT_TRUE(std::regex_search(few, std::regex("\x1b\\[[0-9]{2};[0-9]{2,3}m")));
  EXPECT_EQ(few.find("38;"), std::string::npos);
}

TEST(TerminalHeatMap, KeepsToItsWidth) {
  for (const int width : {60, 80, 133}) {
    for (const std::size_t heads : {1U, 9U, 12U, 25U, 64U}) {
      for (const TerminalColours colours : {TerminalColours::kNone, TerminalColours::k24Bit}) {
        const EffectTable table = grid(4, heads);
        const std::string text = map_of(table, colours, width);
        EXPECT_LE(widest_line(text), static_cast<std::size_t>(width)) << text;
      }
    }
  }
  EffectTable table = grid(2, 3);
  table.axes[1] = {"position", {std::string(200, 'x'), "a\nb", "\x1b[31m"}};
  EXPECT_LE(widest_line(map_of(table, TerminalColours::kNone, 60)), 60U);
  EXPECT_EQ(map_of(table, TerminalColours::kNone, 60).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace patchbay
