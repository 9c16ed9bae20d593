// Two results side by side: the same differences as a list, as JSON and on a page.
#include "patchbay/report/side_by_side.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "patchbay/base/error.h"
#include "patchbay/io/json.h"
#include "patchbay/results/result_json.h"

namespace patchbay {
namespace {

EffectTable golden(const char* name) {
  return read_result(std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "report" / name).table;
}

TEST(SideBySide, HasEveryPlaceInJsonAndTheLargestDifferencesFirstInTheList) {
  const SideBySide compared =
      side_by_side(golden("heads.json"), golden("heads_bos.json"), EffectKind::kRaw);
  EXPECT_EQ(compared.second.name, "second: ioi-small, ioi, with BOS, 12 prompts");
  const JsonDocument json = parse_json(to_json(compared), "compared");
  const auto places = json->at("places").items();
  ASSERT_EQ(places.size(), compared.first.cells.size());
  double most = 0.0;
  const JsonValue* largest = nullptr;
  for (const JsonValue& place : places) {
    const double difference = place.at("difference").as_double();
    EXPECT_NEAR(difference,
                place.at("second_value").as_double() - place.at("first_value").as_double(), 1e-12);
    if (std::abs(difference) <= most) continue;
    most = std::abs(difference);
    largest = &place;
  }
  const StudyList list = largest_differences(compared, 5);
  ASSERT_EQ(list.rows.size(), 5U);
  EXPECT_EQ(list.rows.front()[0], largest->at("layer").as_string());
  EXPECT_EQ(list.rows.front()[1], largest->at("head").as_string());
}

TEST(SideBySide, IsAPageOfBothAndTheirDifference) {
  const EffectTable heads = golden("heads.json");
  const SideBySide compared = side_by_side(heads, heads, EffectKind::kFraction);
  for (const CellSummary& cell : compared.cells()) EXPECT_EQ(cell.value, 0.0);
  const Page page = page_of(compared, 5, "patchbay compare a b");
  ASSERT_EQ(page.sections.size(), 3U);
  EXPECT_EQ(page.sections[2].section.id, "difference");
  EXPECT_EQ(page.sections[2].more.size(), 1U) << "one against the other";
  EXPECT_EQ(page.command, "patchbay compare a b");
  EXPECT_NE(html_page(page).find("Do the two agree?"), std::string::npos);
}

TEST(SideBySide, RefusesResultsOfDifferentThings) {
  EXPECT_THROW((void)side_by_side(golden("heads.json"), golden("mlps.json"), EffectKind::kRaw),
               Error);
  EXPECT_THROW(
      (void)side_by_side(golden("accuracy.json"), golden("accuracy.json"), EffectKind::kRecovered),
      Error);
}

}  // namespace
}  // namespace patchbay
