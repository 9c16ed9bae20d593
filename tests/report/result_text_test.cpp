// Results as text: the same numbers for a file and for a terminal, which only look different.
#include "patchbay/report/result_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "patchbay/base/error.h"
#include "patchbay/results/result_json.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

EffectTable golden(const char* name) {
  return read_result(std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "report" / name).table;
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  return longest;
}

TEST(ResultText, SaysWhatWasMeasuredThenAGridThenTheLargest) {
  const std::string text = result_text(golden("heads.json"), 3, {});
  EXPECT_TRUE(text.starts_with("activation_patching: logit_diff, noise, 12 prompts\n  clean"))
      << text;
  const std::size_t grid = text.find("\nlayer \\ head");
  const std::size_t largest = text.find("\nlargest\n");
  ASSERT_NE(grid, std::string::npos);
  ASSERT_NE(largest, std::string::npos);
  EXPECT_LT(grid, largest);
  // The heading and three rows.
  const std::string list = text.substr(largest + 9);
  EXPECT_EQ(std::ranges::count(list.substr(0, list.find("\nnote: ")), '\n'), 4) << list;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "a file has no colours";
}

TEST(ResultText, InATerminalHasBoldHeadingsAndAHeatMap) {
  const TextStyle terminal{
      .bold = true, .terminal = TerminalStyle{.colours = TerminalColours::k24Bit, .width = 80}};
  const std::string text = result_text(golden("heads.json"), 3, terminal);
  EXPECT_NE(text.find("\x1b[1mactivation_patching\x1b[0m"), std::string::npos);
  EXPECT_EQ(text.find("layer \\ head"), std::string::npos);
  EXPECT_NE(text.find("\x1b[1mlargest\x1b[0m"), std::string::npos);
}

TEST(ResultText, SaysThatAGridOfMoreThanFortyColumnsIsLeftOut) {
  const auto text_of = [](std::size_t columns) {
    EffectTable table = testing::random_table(2 * columns, 3, Direction::kNoise, 1);
    table.axes = {{"layer", {"0", "1"}}, {"neuron", testing::counted(columns)}, table.axes.back()};
    return result_text(table, 3, {});
  };
  EXPECT_NE(text_of(40).find("layer \\ neuron"), std::string::npos);
  EXPECT_EQ(text_of(40).find("left out"), std::string::npos);
  EXPECT_EQ(text_of(41).find("layer \\ neuron"), std::string::npos);
  EXPECT_NE(
      text_of(41).find("\nThe grid is left out: 41 columns (neuron) are more than the 40 that "
                       "text holds; the report draws it, and the result file has every "
                       "cell.\n\nlargest\n"),
      std::string::npos)
      << text_of(41);
  EXPECT_NE(text_of(257).find("text holds; the result file has every cell.\n"), std::string::npos);
}

TEST(SectionText, ShowsTheViewsInTheirOrder) {
  StudySection section;
  section.title = "Heads";
  section.text = "What is seen.";
  section.lists = {{.title = "a list", .columns = {}, .rows = {}, .sentences = {"So it is."}}};
  const EffectTable table = golden("heads.json");
  const std::string text =
      section_text(section, table, {{"largest:2", "sorted", "grid"}}, TextStyle{});
  EXPECT_TRUE(text.starts_with("\n== Heads\nWhat is seen.\n\nactivation_patching: ")) << text;
  const std::size_t largest = text.find("\nlargest\n");
  const std::size_t list = text.find("\na list\nSo it is.\n");
  const std::size_t grid = text.find("layer \\ head");
  ASSERT_NE(grid, std::string::npos) << text;
  EXPECT_LT(largest, list);
  EXPECT_LT(list, grid);
  EXPECT_EQ(section_text(section, table, {{"largest:2.0", "sorted", "grid"}}, TextStyle{}), text);
  EXPECT_THROW(section_text(section, table, {{"largest:two"}}, TextStyle{}), Error);
  section.left_out = "It names heads.";
  EXPECT_EQ(section_text(section, TextStyle{}), "\n== Heads\nWhat is seen.\n\nIt names heads.\n");
}

TEST(TextTable, IsCutToATerminalButNeverItsNumbers) {
  TextTable table({{"name"}, {"number", TextTable::Align::kRight}});
  table.add({std::string(100, 'x'), "1234567890"});
  EXPECT_EQ(longest_line(table.str({})), 112U);
  const std::string cut = table.str({.terminal = TerminalStyle{.width = 70}});
  EXPECT_LE(longest_line(cut), 72U);  // the sign of a cut is three bytes
  EXPECT_NE(cut.find("1234567890\n"), std::string::npos);
}

TEST(TextTable, ShowsWhatDoesNotPrintOnlyWhereItIsAsked) {
  EXPECT_EQ(printable("a\x1b[2J\tb", {}), "a\x1b[2J\tb");
  const std::string escaped = printable("a\x1b[2J\tb", {.escaped = true});
  EXPECT_EQ(escaped.find('\x1b'), std::string::npos);
  EXPECT_NE(escaped.find('\t'), std::string::npos);
}

TEST(ListText, HasTheListAndItsSentences) {
  const StudyList list = {.title = "heads",
                          .columns = {"head", "job"},
                          .rows = {{"9.6", "mover"}, {"10.0", "mover"}},
                          .sentences = {"Two of them."}};
  EXPECT_EQ(list_text(list, {}), "heads\nhead  job\n9.6   mover\n10.0  mover\nTwo of them.\n\n");
}

}  // namespace
}  // namespace patchbay
