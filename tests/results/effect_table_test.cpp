// A result table knows its shape, and says which rule it breaks.
#include "patchbay/results/effect_table.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/io/io_testing.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::small_table;

TEST(EffectTable, CountsCellsWithoutThePrompts) {
  const EffectTable table = small_table();
  EXPECT_EQ(table.shape(), (std::vector<std::int64_t>{2, 2, 3}));
  EXPECT_EQ(table.cells(), 4);
  EXPECT_EQ(table.n_prompts(), 3);
  EXPECT_EQ(table.value(2, 1), 1.5);
  EXPECT_EQ(table.cell_values(1)[2], 1.25);
  EXPECT_EQ(table.cell_labels(2), (std::vector<std::string_view>{"1", "0"}));
  EXPECT_EQ(table.broken_rule(), "");
}

TEST(EffectTable, MayHaveNoAxisButPrompts) {
  EffectTable table = testing::raw_table({{1, 2}});
  table.axes.erase(table.axes.begin());
  EXPECT_EQ(table.cells(), 1);
  EXPECT_TRUE(table.cell_labels(0).empty());
  table.check();
}

TEST(EffectTable, CountsRawEffectsFromTheRunThatWasPatched) {
  EffectTable table = small_table();
  EXPECT_EQ(table.base()[0], 0.5);
  table.direction = Direction::kNoise;
  EXPECT_EQ(table.base()[0], 2);
  table.direction = Direction::kNone;
  EXPECT_TRUE(table.base().empty());
}

TEST(EffectTable, HasTheEffectsWhoseBaselinesAreThere) {
  EffectTable table = small_table();
  for (const EffectKind kind : kEffectKinds) EXPECT_TRUE(table.has_effect(kind)) << name_of(kind);
  table.direction = Direction::kNoise;
  table.baselines.corrupted.clear();
  EXPECT_TRUE(table.has_effect(EffectKind::kRaw));
  EXPECT_TRUE(table.has_effect(EffectKind::kPercentOfClean));
  EXPECT_FALSE(table.has_effect(EffectKind::kFraction));
  EXPECT_FALSE(table.has_effect(EffectKind::kRecovered));
  table = small_table();
  table.direction = Direction::kNone;
  EXPECT_TRUE(table.has_effect(EffectKind::kRecovered));
  EXPECT_FALSE(table.has_effect(EffectKind::kFraction));
  table.baselines = {};
  EXPECT_TRUE(table.has_effect(EffectKind::kRaw));
  EXPECT_FALSE(table.has_effect(EffectKind::kPercentOfClean));
}

TEST(EffectTable, NamesTheRuleThatItBreaks) {
  const std::pair<std::function<void(EffectTable&)>, std::string> mistakes[] = {
      {[](EffectTable& t) { t.axes.clear(); }, "the last axis must be \"prompt\""},
      {[](EffectTable& t) { std::swap(t.axes[1], t.axes[2]); }, "the last axis"},
      {[](EffectTable& t) { t.axes[1].name = "layer"; }, "the axis \"layer\" is given twice"},
      {[](EffectTable& t) { t.axes[0].labels.clear(); }, "the axis \"layer\" has no labels"},
      {[](EffectTable& t) { t.values.pop_back(); }, "11 values, but the axes make 12"},
      {[](EffectTable& t) { t.baselines.clean.pop_back(); },
       "the clean baseline has 2 values for 3 prompts"},
      {[](EffectTable& t) { t.baselines.corrupted[1] = testing::kMissing; },
       "the corrupted baseline of prompt 1 is not finite"},
      {[](EffectTable& t) { t.baselines.corrupted.clear(); },
       "the direction denoise needs its baseline"},
      {[](EffectTable& t) { t.options[3].name = "site"; }, "the option \"site\" is given twice"},
      {[](EffectTable& t) { t.options[4].value = std::numeric_limits<double>::infinity(); },
       "the option \"noise\" is not finite"},
      {[](EffectTable& t) { t.columns[1].name = "clean"; }, "the column \"clean\" is given twice"},
      {[](EffectTable& t) { t.columns[1].texts.pop_back(); }, "has 2 texts for 3 prompts"},
      {[](EffectTable& t) { t.baselines.clean.clear(); },
       "the effect fraction needs a direction or baselines"}};
  for (const auto& [make, rule] : mistakes) {
    EffectTable table = small_table();
    make(table);
    expect_parts(error_of(ErrorKind::kUsage, [&] { table.check(); }), "[results]",
                 "activation_patching", rule);
  }
}

TEST(EffectTable, ReadsTheNamesThatItWrites) {
  for (const EffectKind kind : kEffectKinds) EXPECT_EQ(parse_effect_kind(name_of(kind)), kind);
  for (const auto direction : {Direction::kNone, Direction::kNoise, Direction::kDenoise}) {
    EXPECT_EQ(parse_direction(name_of(direction)), direction);
  }
  for (const auto aggregate : {Aggregate::kRatioOfMeans, Aggregate::kMeanOfRatios}) {
    EXPECT_EQ(parse_aggregate(name_of(aggregate)), aggregate);
  }
  expect_parts(error_of(ErrorKind::kUsage, [] { parse_direction("denoising"); }),
               "there is no direction \"denoising\"; did you mean \"denoise\"?",
               "none, noise, denoise");
}

}  // namespace
}  // namespace patchbay
