// Every figure against its picture, and what all figures have in common.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/report/axis_scale.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/raster.h"
#include "patchbay/results/result_json.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "report";

// The result that each figure is drawn from.
const std::map<std::string, std::string, std::less<>> kResults = {
    {"heat_map", "heads"},
    {"bar", "alone"},
    {"line", "lens"},
    {"top_k", "heads"},
    {"scatter", "projection"},
    {"circuit_graph", "circuit"},
    {"accuracy_table", "accuracy"},
    {"coloured_tokens", "stream"},
    {"attention_pattern", "patterns"}};

const std::vector<KnownHeads> kKnown = {{"mover", {"1.1", "1.2"}}, {"<other>", {"2.1"}}};

EffectTable table_of(const std::string& name) {
  return read_result(kFolder / (name + ".json")).table;
}

std::string drawn(const figures::Figure& figure, const EffectTable& table) {
  const TableStatistics statistics = table_statistics(table);
  return svg_file(figure.draw({.table = table,
                               .statistics = statistics,
                               .effect = table.effect,
                               .title = "A title & more",
                               .known = kKnown}));
}

TEST(Figures, AreAllThereAndEachIsTheSameToTheByte) {
  ASSERT_EQ(figures::all().size(), kResults.size());
  for (const figures::Figure* figure : figures::all()) {
    SCOPED_TRACE(figure->name);
    const auto result = kResults.find(figure->name);
    ASSERT_NE(result, kResults.end());
    const EffectTable table = table_of(result->second);
    ASSERT_TRUE(figure->fits(table));
    const std::string svg = drawn(*figure, table);
    EXPECT_EQ(svg, drawn(*figure, table));
    const auto golden = kFolder / (std::string(figure->name) + ".svg");
    if (std::getenv("PATCHBAY_WRITE_GOLDENS") != nullptr) write_file(golden, svg);
    EXPECT_TRUE(svg == read_file(golden, 1 << 24)) << "differs from " << golden;
  }
}

TEST(Figures, SayWhatWasMeasuredHowAndByWhichCommand) {
  for (const auto& [name, result] : kResults) {
    SCOPED_TRACE(name);
    const EffectTable table = table_of(result);
    const std::string svg = drawn(figures::find(name), table);
    for (const std::string& part :
         {std::string("A title &amp; more"), std::string("n = "), std::string("Prompts: "),
          std::string("Model: ioi-small (SHA-256 "), std::string("Command: patchbay run "),
          std::string(name_of(table.effect)) + " = "}) {
      EXPECT_NE(svg.find(part), std::string::npos) << part;
    }
    EXPECT_EQ(svg.find("<other>"), std::string::npos);
    EXPECT_EQ(svg.find("http"), svg.find("http://www.w3.org/2000/svg"));
  }
}

TEST(Figures, EveryCellSaysItsNumbers) {
  const EffectTable table = table_of("heads");
  const TableStatistics statistics = table_statistics(table);
  const figures::Request request{
      .table = table, .statistics = statistics, .effect = EffectKind::kRaw};
  const std::string svg = svg_element(figures::find("heat_map").draw(request));
  const auto& cells = figures::cells_of(request);
  ASSERT_EQ(cells.size(), 20U);
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const std::string sentence = cell_sentence(request, cell);
    EXPECT_NE(svg.find("<title>" + markup_text(sentence) + "</title>"), std::string::npos)
        << sentence;
    EXPECT_NE(sentence.find(effect_text(cells[cell].value, EffectKind::kRaw, true)),
              std::string::npos);
  }
  EXPECT_EQ(svg.find("data-cell=\"20\""), std::string::npos);
  EXPECT_NE(svg.find("data-head=\"4.3\""), std::string::npos);
}

TEST(Figures, TheLegendOfAHeatMapKeepsClearOfTheCaption) {
  for (const bool is_low : {false, true}) {
    EffectTable table = table_of("heads");
    if (is_low) {  // one row
      table.axes[0].labels.resize(1);
      table.values.resize(table.axes[1].labels.size() * table.axes[2].labels.size());
    }
    const TableStatistics statistics = table_statistics(table);
    const std::string markup =
        figures::find("heat_map")
            .draw({.table = table, .statistics = statistics, .effect = table.effect})
            .markup;
    const auto number_after = [&](std::string_view part, std::size_t from) {
      const std::size_t at = markup.find(part, from);
      EXPECT_NE(at, std::string::npos) << part;
      return std::stod(markup.substr(at + part.size()));
    };
    const std::string move = "<g transform=\"translate(";
    const std::size_t body = markup.find(move);
    const std::size_t scale = markup.find("class=\"scale\"");
    const std::size_t legend = markup.rfind(move, scale);
    const std::size_t unit = markup.rfind("<text", markup.find("</g>", scale));
    const std::size_t caption = markup.find("<text", markup.find("</g>\n</g>", unit));
    const double bottom = number_after(" ", body + move.size()) +
                          number_after(" ", legend + move.size()) + number_after("y=\"", unit);
    EXPECT_GE(number_after("y=\"", caption), bottom + 18.0) << is_low;
  }
}

TEST(Figures, ScalesAreCentredOnNothing) {
  const ColourScale scale = scale_of(std::vector<double>{-1.0, 0.25, testing::kMissing}, false);
  EXPECT_TRUE(scale.is_signed);
  EXPECT_EQ(scale.limit, 1.0);
  EXPECT_EQ(hex(scale.of(0.0)), "#f7f7f7");
  EXPECT_EQ(hex(scale.of(1.0)), "#67001f");
  EXPECT_EQ(hex(scale.of(-1.0)), "#053061");
  EXPECT_EQ(hex(scale.of(testing::kMissing)), "#d9d9d9");
  EXPECT_TRUE(is_dark(scale.of(-1.0)));
  EXPECT_FALSE(is_dark(scale.of(0.1)));
  EXPECT_FALSE(scale_of(std::vector<double>{0.0, 2.0}, false).is_signed);
  EXPECT_EQ(scale_of(std::vector<double>{}, true).limit, 1.0);
}

TEST(Figures, AxesHoldAllValuesAndEndAtRoundNumbers) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {-3.7, 12.1}, {0.0, 0.0}, {1e-9, 3e-9}, {-500.0, -20.0}, {7.0, 7.0}}) {
    const AxisScale axis = axis_over(std::vector<double>{low, high}, 100.0, true);
    EXPECT_LE(axis.low, std::min(low, 0.0));
    EXPECT_GE(axis.high, std::max(high, 0.0));
    EXPECT_GE(axis.ticks.size(), 2U);
    EXPECT_LE(axis.ticks.size(), 12U);
    EXPECT_EQ(axis.at(axis.low), 0.0);
    EXPECT_EQ(axis.at(axis.high), 100.0);
  }
}

TEST(Figures, RowsOfPanelsAreAboutEquallyLong) {
  EXPECT_EQ(balanced_row(4, 3), 2U);
  EXPECT_EQ(balanced_row(5, 4), 3U);
  EXPECT_EQ(balanced_row(9, 4), 3U);
  EXPECT_EQ(balanced_row(4, 4), 4U);
  EXPECT_EQ(balanced_row(2, 12), 2U);
  EXPECT_EQ(balanced_row(0, 3), 1U);
}

TEST(Figures, WhatCannotBeShownIsRefusedWithTheNearestName) {
  try {
    (void)figures::find("heatmap");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"heat_map\"?"), std::string::npos);
  }
  const EffectTable table = testing::small_table();
  for (const figures::Figure* figure : figures::fitting(table)) {
    EXPECT_TRUE(figure->name == "heat_map" || figure->name == "top_k" || figure->name == "bar")
        << figure->name;
  }
}

TEST(Figures, DrawTablesOfAnyShape) {
  for (const std::size_t cells : {1U, 2U, 7U, 130U}) {
    for (const std::size_t prompts : {1U, 2U, 5U}) {
      const EffectTable table =
          testing::random_table(cells, prompts, Direction::kNoise, cells + prompts);
      const TableStatistics statistics = table_statistics(table);
      for (const figures::Figure* figure : figures::fitting(table)) {
        for (const EffectSummary& effect : statistics.effects) {
          const Drawing drawing =
              figure->draw({.table = table, .statistics = statistics, .effect = effect.effect});
          EXPECT_GT(drawing.width, 100.0);
          EXPECT_EQ(drawing.markup.find("nan"), std::string::npos);
          EXPECT_EQ(drawing.markup.find("inf\""), std::string::npos);
        }
      }
    }
  }
}

TEST(Figures, AreDrawnAsPngAndPdfToo) {
  const std::string svg = drawn(figures::find("heat_map"), table_of("heads"));
  const std::string png = png_of(svg, 1.0);
  EXPECT_EQ(png.substr(1, 3), "PNG");
  EXPECT_EQ(png, png_of(svg, 1.0));
  EXPECT_GT(png_of(svg, 2.0).size(), png.size());
  const std::string pdf = pdf_of(svg);
  EXPECT_EQ(pdf.substr(0, 5), "%PDF-");
  EXPECT_EQ(pdf, pdf_of(svg));
  EXPECT_THROW((void)png_of("no picture"), Error);
}

}  // namespace
}  // namespace patchbay
