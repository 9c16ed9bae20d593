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

TEST(Comparison, PairsThePromptsThatAreTheSame) {
  EffectTable second = small_table();
  second.baselines.corrupted = {0, 0, 0};
  second.columns[0].texts[2] = "another";
  const Comparison both = compare(small_table(), second, EffectKind::kRaw);
  EXPECT_TRUE(both.is_paired);
  EXPECT_EQ(both.difference.n_prompts(), 2);
  // (patched - 0) - (patched - corrupted)
  EXPECT_EQ(both.difference.value(0, 0), 0.5);
  EXPECT_EQ(both.difference.value(3, 1), -0.25);
  second.columns[0].texts = {"other", "texts", "here"};
  EXPECT_FALSE(compare(small_table(), second, EffectKind::kRaw).is_paired);
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
