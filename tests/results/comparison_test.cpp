// Two results side by side.
#include "patchbay/results/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/error.h"
#include "patchbay/results/statistics.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

using testing::small_table;

TEST(Comparison, OfATableWithItselfIsNothing) {
  for (const EffectKind effect : kEffectKinds) {
    const Comparison both = compare(small_table(), small_table(), effect);
    EXPECT_EQ(both.is_paired, effect == EffectKind::kRaw);
    for (const double value : both.difference.values)
      EXPECT_TRUE(value == 0.0 || std::isnan(value));
    both.difference.check();
    both.first.check();
  }
}

EffectTable with_labels(std::vector<std::string> labels) {
  EffectTable table = small_table();
  table.axes = {{"removed", std::move(labels)}, table.axes.back()};
  table.values.resize(table.axes[0].labels.size() * 3);
  for (std::size_t i = 0; i < table.values.size(); ++i) table.values[i] = static_cast<double>(i);
  return table;
}

// What stands in parentheses explains a place, unless it tells two places apart.
TEST(Comparison, FindsPlacesThatAreExplainedOtherwise) {
  const auto compared = [](std::vector<std::string> first, std::vector<std::string> second) {
    return compare(with_labels(std::move(first)), with_labels(std::move(second)), EffectKind::kRaw)
        .difference;
  };
  const EffectTable subject =
      compared({"END", "subject (3 tokens)"}, {"subject (2-5 tokens)", "END"});
  EXPECT_EQ(subject.axes[0].labels, (std::vector<std::string>{"END", "subject"}));
  EXPECT_EQ(subject.value(0, 0), 3);  // second less first
  EXPECT_EQ(subject.value(1, 0), -3);
  const EffectTable movers =
      compared({"mover (early)", "mover (late)"}, {"mover (late)", "mover (early)"});
  EXPECT_EQ(movers.axes[0].labels, (std::vector<std::string>{"mover (early)", "mover (late)"}));
  EXPECT_EQ(movers.value(0, 0), 3);  // second less first
  EXPECT_EQ(movers.value(1, 0), -3);
  EXPECT_EQ(compared({"S2"}, {"S2 (2 tokens)"}).axes[0].labels, std::vector<std::string>{"S2"});
  EXPECT_EQ(compared({"S2 (2 tokens)"}, {"S2"}).axes[0].labels, std::vector<std::string>{"S2"});
  EXPECT_THROW((void)compared({"mover (early)", "mover (late)"}, {"mover (one)"}), Error);
  EXPECT_THROW((void)compared({"mover (one)"}, {"mover (early)", "mover (late)"}), Error);
  EXPECT_THROW((void)compared({"mover", "mover (late)"}, {"mover (one)"}), Error);
}

// The table with its prompts in another order, or some of them.
EffectTable with_prompts(const EffectTable& table, const std::vector<std::size_t>& prompts) {
  EffectTable result = table;
  result.axes.back().labels.clear();
  for (auto* side : {&result.baselines.clean, &result.baselines.corrupted}) side->clear();
  for (TextColumn& column : result.columns) column.texts.clear();
  for (const std::size_t i : prompts) {
    result.axes.back().labels.push_back(std::to_string(result.axes.back().labels.size()));
    result.baselines.clean.push_back(table.baselines.clean[i]);
    result.baselines.corrupted.push_back(table.baselines.corrupted[i]);
    for (std::size_t c = 0; c < result.columns.size(); ++c) {
      result.columns[c].texts.push_back(table.columns[c].texts[i]);
    }
  }
  result.values.clear();
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    for (const std::size_t i : prompts) result.values.push_back(table.cell_values(cell)[i]);
  }
  return result;
}

TEST(Comparison, PairsPromptsByWhatTheyAreInWhateverOrder) {
  EffectTable second = with_prompts(small_table(), {2, 0, 1});
  second.baselines.corrupted = {0, 0, 0};
  const Comparison both = compare(small_table(), second, EffectKind::kRaw);
  EXPECT_TRUE(both.is_paired);
  EXPECT_EQ(both.n_same, 3);
  EXPECT_EQ(both.difference.n_prompts(), 3);
  // (patched - 0) - (patched - corrupted)
  EXPECT_EQ(both.difference.value(0, 0), 0.5);
  EXPECT_EQ(both.difference.value(0, 2), 1);
  EXPECT_NE(both.difference.notes.front().find("3 of 3 prompts are the same"), std::string::npos);
}

TEST(Comparison, PairsTheShorterResultWithItsPromptsInTheLonger) {
  const Comparison both =
      compare(small_table(), with_prompts(small_table(), {2, 1}), EffectKind::kRaw);
  EXPECT_TRUE(both.is_paired);
  EXPECT_EQ(both.first.columns[1].texts, (std::vector<std::string>{" John", " Tom"}));
  EXPECT_EQ(both.second.columns[1].texts, (std::vector<std::string>{" John", " Tom"}));
  EXPECT_NE(both.difference.notes.front().find(
                "2 of the first result's 3 and the second's 2 prompts are the same"),
            std::string::npos);
}

TEST(Comparison, ComparesMeansOfAllPromptsWhereOnlySomeAreTheSame) {
  EffectTable second = small_table();
  second.columns[0].texts = {second.columns[0].texts[0], "another", "and another"};
  for (double& value : second.values) value += 1;
  const Comparison both = compare(small_table(), second, EffectKind::kRaw);
  EXPECT_FALSE(both.is_paired);
  EXPECT_EQ(both.n_same, 1);
  EXPECT_EQ(both.first.n_prompts(), 3);
  EXPECT_DOUBLE_EQ(both.difference.value(0, 0), 1);
  EXPECT_NE(both.difference.notes.front().find(
                "of the means over all prompts of each (1 of 3 prompts is the same)"),
            std::string::npos)
      << both.difference.notes.front();
}

TEST(Comparison, TakesARepeatedPromptAsOftenAsBothHaveIt) {
  const EffectTable twice = with_prompts(small_table(), {0, 0, 1});
  EXPECT_EQ(compare(twice, small_table(), EffectKind::kRaw).n_same, 2);
  EXPECT_EQ(compare(twice, twice, EffectKind::kRaw).n_same, 3);
}

TEST(Comparison, TellsNothingOfPromptsThatTheColumnsAbridge) {
  EffectTable table = small_table();
  table.columns = {{"clean tokens", {"a|…|b", "a|…|b", "a|…|b"}}};
  EXPECT_EQ(compare(table, table, EffectKind::kRaw).n_same, 0);
  table.provenance.tokens_sha256 = std::string(64, 'b');
  EXPECT_EQ(compare(table, table, EffectKind::kRaw).n_same, 3) << "the digests are the same";
}

TEST(Comparison, RefusesOtherQuestionsUnlessAskedAndNamesBoth) {
  EffectTable first = small_table();
  first.columns.push_back({"corrupted", {"A", "B", "C"}});
  first.options.push_back({"source", std::string("other")});
  const auto expect_refused = [&](const EffectTable& second, const std::string& says) {
    try {
      (void)compare(first, second, EffectKind::kRaw);
      FAIL() << says;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(says), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("`anyway`"), std::string::npos);
    }
    const Comparison both = compare(first, second, EffectKind::kRaw, {.anyway = true});
    ASSERT_EQ(both.differs.size(), 1U);
    EXPECT_EQ(both.differs.front(), says);
    EXPECT_NE(both.difference.notes.back().find(says), std::string::npos);
  };
  EffectTable second = first;
  second.metric = "prob";
  expect_refused(second, "the metric (logit_diff and prob)");
  second = first;
  second.direction = Direction::kNoise;
  expect_refused(second, "the direction (denoise and noise)");
  second = first;
  second.options.back().value = std::string("zero");
  expect_refused(second, "the source (other and zero)");
  second = first;
  second.columns.back().texts = {"A", "B", "D"};
  expect_refused(second, "the corruption of the same clean prompts (“C” and “D”)");
  EXPECT_TRUE(compare(first, second, EffectKind::kRaw, {.anyway = true}).is_paired)
      << "by the clean side";
  EXPECT_TRUE(compare(first, first, EffectKind::kRaw).differs.empty());
}

TEST(Comparison, KeepsThePlacesThatBothHave) {
  EffectTable second = small_table();
  second.axes[0].labels = {"1", "2"};
  const Comparison both = compare(small_table(), second, EffectKind::kFraction);
  EXPECT_EQ(both.difference.axes[0].labels, std::vector<std::string>{"1"});
  EXPECT_EQ(both.difference.cells(), 2);
  const auto first = summarize(small_table(), EffectKind::kFraction, small_table().aggregate);
  const auto other = summarize(second, EffectKind::kFraction, second.aggregate);
  EXPECT_EQ(both.difference.value(0, 0), other[0].value - first[2].value);
}

TEST(Comparison, ReadsPlacesByNameNotByOrder) {
  EffectTable second = small_table();
  second.axes[0].labels = {"1", "0"};
  std::rotate(second.values.begin(), second.values.begin() + 6, second.values.end());
  for (const double value : compare(small_table(), second, EffectKind::kRaw).difference.values) {
    EXPECT_TRUE(value == 0.0 || std::isnan(value));
  }
}

TEST(Comparison, RefusesResultsOfAnotherKind) {
  EffectTable second = small_table();
  second.axes[1].name = "position";
  EXPECT_THROW((void)compare(small_table(), second, EffectKind::kRaw), Error);
  second = small_table();
  second.axes[1].labels = {"8", "9"};
  EXPECT_THROW((void)compare(small_table(), second, EffectKind::kRaw), Error);
  second = small_table();
  second.baselines.clean.clear();
  second.effect = EffectKind::kRaw;
  EXPECT_THROW((void)compare(small_table(), second, EffectKind::kFraction), Error);
}

}  // namespace
}  // namespace patchbay
