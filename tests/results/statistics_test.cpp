// Effects, errors and intervals: numbers worked out by hand, and slow twins.
#include "patchbay/results/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "patchbay/base/split_mix.h"
#include "patchbay/results/prompt_identity.h"
#include "patchbay/results/resampling.h"
#include "tests/io/io_testing.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::kMissing;
using testing::random_table;

// One cell; the sums are patched 6, clean 10, corrupted 2.
EffectTable two_prompts(Direction direction) {
  EffectTable table = testing::raw_table({{2, 4}});
  table.direction = direction;
  table.baselines = {{4, 6}, {1, 1}};
  return table;
}

double value_of(const EffectTable& table, EffectKind kind, Aggregate aggregate) {
  return summarize(table, kind, aggregate).front().value;
}

TEST(Statistics, ComputesEveryEffectFromItsFormula) {
  constexpr auto kRatio = Aggregate::kRatioOfMeans;
  const EffectTable noise = two_prompts(Direction::kNoise);
  EXPECT_DOUBLE_EQ(value_of(noise, EffectKind::kRaw, kRatio), -2);
  EXPECT_DOUBLE_EQ(value_of(noise, EffectKind::kFraction, kRatio), 0.5);
  EXPECT_DOUBLE_EQ(value_of(noise, EffectKind::kRecovered, kRatio), 0.5);
  EXPECT_DOUBLE_EQ(value_of(noise, EffectKind::kPercentOfClean, kRatio), -40);
  EXPECT_DOUBLE_EQ(value_of(noise, EffectKind::kOfGap, kRatio),
                   -value_of(noise, EffectKind::kFraction, kRatio));
  const EffectTable denoise = two_prompts(Direction::kDenoise);
  EXPECT_DOUBLE_EQ(value_of(denoise, EffectKind::kRaw, kRatio), 2);
  EXPECT_DOUBLE_EQ(value_of(denoise, EffectKind::kFraction, kRatio), 0.5);
  EffectTable none = two_prompts(Direction::kNone);
  EXPECT_DOUBLE_EQ(value_of(none, EffectKind::kRaw, kRatio), 3);
}

TEST(Statistics, KeepsTheTwoAggregatesApart) {
  constexpr auto kMean = Aggregate::kMeanOfRatios;
  const EffectTable table = two_prompts(Direction::kNoise);
  EXPECT_DOUBLE_EQ(value_of(table, EffectKind::kFraction, kMean), (2 / 3.0 + 2 / 5.0) / 2);
  EXPECT_DOUBLE_EQ(value_of(table, EffectKind::kPercentOfClean, kMean), -(50 + 100 / 3.0) / 2);
  EXPECT_DOUBLE_EQ(value_of(table, EffectKind::kRaw, kMean), -2);
}

TEST(Statistics, GivesExactlyZeroAndOneAtTheEnds) {
  EffectTable table = random_table(2, 33, Direction::kNoise, 1);
  std::ranges::copy(table.baselines.clean, table.values.begin());
  std::ranges::copy(table.baselines.corrupted, table.values.begin() + 33);
  const auto cells = summarize(table, EffectKind::kFraction, Aggregate::kRatioOfMeans);
  for (const double zero : {cells[0].value, cells[0].standard_error, cells[0].low, cells[0].high}) {
    EXPECT_EQ(zero, 0);
  }
  for (const double one : {cells[1].value, cells[1].low, cells[1].high}) EXPECT_EQ(one, 1);
}

// s / sqrt(n) of 1, 2, 4, 9 is sqrt(38 / 12); R = 16 / 10 of them over 1, 2, 3, 4 leaves residuals
// -0.6, -1.2, -0.8, 2.6 and sqrt(9.2 / 12) / 2.5.
TEST(Statistics, ComputesStandardErrorsOfMeansAndRatios) {
  EffectTable table = testing::raw_table({{1, 2, 4, 9}});
  table.direction = Direction::kDenoise;
  table.baselines = {{1, 2, 3, 4}, {0, 0, 0, 0}};
  constexpr auto kRatio = Aggregate::kRatioOfMeans;
  EXPECT_DOUBLE_EQ(summarize(table, EffectKind::kRaw, kRatio)[0].standard_error,
                   std::sqrt(38 / 12.0));
  const CellSummary ratio = summarize(table, EffectKind::kFraction, kRatio)[0];
  EXPECT_DOUBLE_EQ(ratio.value, 1.6);
  EXPECT_DOUBLE_EQ(ratio.standard_error, std::sqrt(9.2 / 12.0) / 2.5);
  // Ratios 1, 1, 4/3, 9/4.
  const CellSummary mean = summarize(table, EffectKind::kFraction, Aggregate::kMeanOfRatios)[0];
  EXPECT_DOUBLE_EQ(mean.value, 67 / 48.0);
  EXPECT_NEAR(mean.standard_error, 0.29536347664, 1e-10);
}

TEST(Statistics, LeavesMissingCellsOutOfBothSumsAndCountsThem) {
  EffectTable table = two_prompts(Direction::kNoise);
  table.values[1] = kMissing;
  for (const auto aggregate : {Aggregate::kRatioOfMeans, Aggregate::kMeanOfRatios}) {
    const CellSummary cell = summarize(table, EffectKind::kFraction, aggregate)[0];
    EXPECT_DOUBLE_EQ(cell.value, 2 / 3.0);
    EXPECT_EQ(cell.n, 1);
    EXPECT_EQ(cell.n_left_out, 1);
    EXPECT_TRUE(std::isnan(cell.standard_error) && std::isnan(cell.low) && std::isnan(cell.high));
  }
  table.values[0] = kMissing;
  EXPECT_TRUE(std::isnan(value_of(table, EffectKind::kRaw, Aggregate::kRatioOfMeans)));
}

TEST(Statistics, LeavesSmallDenominatorsOutOfTheMeanOfRatiosOnly) {
  EffectTable table = testing::raw_table({{1, 1, 1, kMissing}});
  table.direction = Direction::kDenoise;
  table.baselines = {{2, 0.05, -2, 1}, {0, 0, -1.95, 0}};
  table.aggregate = Aggregate::kMeanOfRatios;
  table.effect = EffectKind::kFraction;
  const TableStatistics all = table_statistics(table);
  ASSERT_EQ(all.effects.size(), 5U);
  const EffectSummary& fraction = all.effects[1];
  EXPECT_EQ(fraction.left_out_prompts, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(fraction.cells[0].n, 1);
  EXPECT_EQ(fraction.cells[0].n_left_out, 3);
  EXPECT_DOUBLE_EQ(fraction.cells[0].value, 0.5);
  EXPECT_TRUE(all.effects[0].left_out_prompts.empty());
  // Of clean, only 0.05 is small.
  EXPECT_EQ(all.effects[3].left_out_prompts, std::vector<std::int64_t>{1});
  table.aggregate = Aggregate::kRatioOfMeans;
  EXPECT_EQ(table_statistics(table).effects[1].cells[0].n, 3);
}

TEST(Statistics, HasNoValueWhereTheDenominatorIsZero) {
  EffectTable table = two_prompts(Direction::kNoise);
  table.baselines.corrupted = {5, 5};
  const CellSummary cell = summarize(table, EffectKind::kFraction, Aggregate::kRatioOfMeans)[0];
  EXPECT_TRUE(std::isnan(cell.value));
  EXPECT_TRUE(std::isnan(cell.standard_error));
}

// A bootstrap as a textbook writes it: draw prompts, add up, divide, sort, interpolate.
std::pair<double, double> twin_interval(const EffectTable& table, std::int64_t cell,
                                        const StatisticsOptions& options) {
  SplitMix64 random(options.seed);
  const auto n = static_cast<std::uint64_t>(table.n_prompts());
  std::vector<double> fractions;
  for (std::int64_t b = 0; b < options.bootstrap_resamples; ++b) {
    double towards = 0;
    double gap = 0;
    for (std::uint64_t draw = 0; draw < n; ++draw) {
      const auto i = random.below(n);
      const double value = table.cell_values(cell)[i];
      if (std::isnan(value)) continue;
      towards += table.baselines.clean[i] - value;
      gap += table.baselines.clean[i] - table.baselines.corrupted[i];
    }
    fractions.push_back(towards / gap);
  }
  std::ranges::sort(fractions);
  const auto quantile = [&](double q) {
    const double place = q * static_cast<double>(fractions.size() - 1);
    const auto at = static_cast<std::size_t>(place);
    return std::lerp(fractions[at], fractions[at + 1], place - static_cast<double>(at));
  };
  return {quantile((1 - options.confidence) / 2), quantile((1 + options.confidence) / 2)};
}

TEST(Statistics, ResamplesPromptsAsTheTwinDoes) {
  EffectTable table = random_table(3, 25, Direction::kNoise, 4);
  table.values[30] = kMissing;
  table.values[31] = kMissing;
  const StatisticsOptions options{.bootstrap_resamples = 301, .seed = 9, .confidence = 0.9};
  const auto cells = summarize(table, EffectKind::kFraction, Aggregate::kRatioOfMeans, options);
  for (std::int64_t cell = 0; cell < 3; ++cell) {
    const auto [low, high] = twin_interval(table, cell, options);
    EXPECT_NEAR(cells[static_cast<std::size_t>(cell)].low, low, 1e-12);
    EXPECT_NEAR(cells[static_cast<std::size_t>(cell)].high, high, 1e-12);
  }
}

TEST(Statistics, CoversTheTruthAsOftenAsTheConfidenceSays) {
  int covered = 0;
  constexpr int kTables = 200;
  for (int i = 0; i < kTables; ++i) {
    SplitMix64 random(static_cast<std::uint64_t>(i));
    std::vector<double> effects(60);
    for (double& effect : effects) effect = testing::uniform(random);
    const auto cell = summarize(testing::raw_table({effects}), EffectKind::kRaw,
                                Aggregate::kRatioOfMeans, {.bootstrap_resamples = 400})[0];
    covered += cell.low <= 0.5 && 0.5 <= cell.high ? 1 : 0;
  }
  EXPECT_GE(covered, 178);
  EXPECT_LE(covered, 199);
}

TEST(Statistics, GivesTheSameBitsEachTimeAndOthersForAnotherSeed) {
  const EffectTable table = random_table(4, 30, Direction::kDenoise, 2);
  const auto low = [&](std::uint64_t seed) {
    return summarize(table, EffectKind::kRaw, Aggregate::kRatioOfMeans, {.seed = seed})[0].low;
  };
  EXPECT_EQ(std::bit_cast<std::uint64_t>(low(1)), std::bit_cast<std::uint64_t>(low(1)));
  EXPECT_NE(low(1), low(2));
}

// numpy.percentile([7, 1, 5, 3, 10], [5, 95]) is [1.4, 9.4]; [25, 75] is [3, 7].
TEST(Statistics, InterpolatesQuantilesAsNumpyDoes) {
  const auto interval = [](double confidence) {
    std::vector<double> values = {7, 1, 5, 3, 10};
    return central_interval(values, confidence);
  };
  EXPECT_NEAR(interval(0.9).first, 1.4, 1e-12);
  EXPECT_NEAR(interval(0.9).second, 9.4, 1e-12);
  EXPECT_EQ(interval(0.5), std::pair(3.0, 7.0));
  std::vector<double> one = {2};
  EXPECT_EQ(central_interval(one, 0.95), std::pair(2.0, 2.0));
}

// The first numbers of Vigna's splitmix64.c for the seed 1234567.
TEST(Statistics, DrawsTheNumbersOfThePublishedGenerator) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

TEST(Statistics, RefusesOptionsOutOfRangeAndEffectsThatTheTableLacks) {
  const EffectTable table = two_prompts(Direction::kNone);
  const auto refusal = [&](const StatisticsOptions& options) {
    return error_of(ErrorKind::kUsage, [&] { table_statistics(table, options); });
  };
  expect_parts(refusal({.bootstrap_resamples = 0}), "bootstrap_resamples is 0", "1 to 100000");
  expect_parts(refusal({.confidence = 1}), "confidence is 1");
  expect_parts(refusal({.smallest_gap = -1}), "smallest_gap is -1");
  expect_parts(error_of(ErrorKind::kUsage,
                        [&] { summarize(table, EffectKind::kFraction, Aggregate::kRatioOfMeans); }),
               "made_up has no effect fraction", "ask for raw");
}

// The table with each prompt so often, and columns that tell which is which.
EffectTable repeated(const EffectTable& table, std::size_t times) {
  EffectTable result = table;
  result.axes.back().labels = testing::counted(table.axes.back().labels.size() * times);
  result.values.clear();
  const auto repeat = [&](std::span<const double> values, std::vector<double>& into) {
    for (std::size_t i = 0; i < times; ++i) into.insert(into.end(), values.begin(), values.end());
  };
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    repeat(table.cell_values(cell), result.values);
  }
  result.baselines = {};
  repeat(table.baselines.clean, result.baselines.clean);
  repeat(table.baselines.corrupted, result.baselines.corrupted);
  result.columns = {{"clean tokens", {}}};
  for (std::size_t i = 0; i < result.axes.back().labels.size(); ++i) {
    result.columns[0].texts.push_back(
        std::to_string(i % static_cast<std::size_t>(table.n_prompts())));
  }
  return result;
}

TEST(Statistics, CountRepeatedPromptsOnce) {
  EffectTable once = repeated(random_table(3, 8, Direction::kNoise, 3), 1);
  once.values[9] = kMissing;
  for (const Aggregate aggregate : {Aggregate::kRatioOfMeans, Aggregate::kMeanOfRatios}) {
    once.aggregate = aggregate;
    const TableStatistics of_once = table_statistics(once);
    const TableStatistics of_often = table_statistics(repeated(once, 50));
    EXPECT_EQ(of_often.n_distinct, 8);
    EXPECT_EQ(of_often.significance.p_values, of_once.significance.p_values);
    for (std::size_t effect = 0; effect < of_once.effects.size(); ++effect) {
      for (std::size_t cell = 0; cell < 3; ++cell) {
        const CellSummary& a = of_once.effects[effect].cells[cell];
        const CellSummary& b = of_often.effects[effect].cells[cell];
        EXPECT_EQ(b.n, 50 * a.n);
        EXPECT_EQ(b.n_distinct, a.n);
        EXPECT_NEAR(b.value, a.value, 1e-9 * std::abs(a.value));
        EXPECT_NEAR(b.standard_error, a.standard_error, 1e-9 * a.standard_error);
        EXPECT_NEAR(b.low, a.low, 1e-9 * std::abs(a.low));
        EXPECT_NEAR(b.high, a.high, 1e-9 * std::abs(a.high));
      }
    }
  }
}

TEST(Statistics, WeighARepeatedPromptAsOftenAsItIsThere) {
  // The mean is 2; the residuals of the two prompts add up to -3 and 3.
  EffectTable table = testing::raw_table({{1, 1, 1, 5}});
  table.columns = {{"clean", {"a", "a", "a", "b"}}};
  const CellSummary cell = summarize(table, EffectKind::kRaw, Aggregate::kRatioOfMeans)[0];
  EXPECT_DOUBLE_EQ(cell.value, 2);
  EXPECT_DOUBLE_EQ(cell.standard_error, std::sqrt((9 + 9) / 2.0) * 2 / 4);
}

TEST(Statistics, ResampleNoFewerThanFiveDistinctPrompts) {
  const auto cell_of = [](std::size_t prompts) {
    return summarize(repeated(random_table(1, prompts, Direction::kNoise, 3), 50), EffectKind::kRaw,
                     Aggregate::kRatioOfMeans)[0];
  };
  const auto number = [](double) { return std::string("x"); };
  EXPECT_TRUE(std::isnan(cell_of(4).low) && std::isnan(cell_of(4).high));
  EXPECT_EQ(interval_text(cell_of(4), number), "too few prompts");
  EXPECT_TRUE(std::isfinite(cell_of(5).low) && std::isfinite(cell_of(5).high));
  EXPECT_EQ(interval_text(cell_of(5), number), "x … x");
}

TEST(PromptClusters, AreOfPromptsWithTheSameTokensOnBothSidesAndTheSameAnswers) {
  EffectTable table = testing::raw_table({{1, 2, 3, 4, 5}});
  EXPECT_EQ(n_distinct_prompts(table), 5) << "nothing tells";
  table.columns = {{"clean tokens", {"a", "a", "a", "a", "a"}},
                   {"corrupted tokens", {"b", "c", "b", "b", "b"}},
                   {"answer ids", {"1", "1", "2", "1", "1"}},
                   {"wrong ids", {"3", "3", "3", "4", "3"}}};
  EXPECT_EQ(prompt_clusters(table), (std::vector<std::size_t>{0, 1, 2, 3, 0}));
  // What is left out of long lists is told by the text, and else by what was measured.
  table.columns = {{"clean tokens", {"a|…|b", "a|…|b", "a|…|b", "a|…|b", "a|…|b"}}};
  EXPECT_EQ(n_distinct_prompts(table), 5);
  table.values = {1, 1, 1, 2, 2};
  EXPECT_EQ(n_distinct_prompts(table), 2);
  table.columns.push_back({"clean", {"x", "y", "z", "x", "x"}});
  EXPECT_EQ(n_distinct_prompts(table), 3);
}

TEST(StatisticsWords, PrintNoPOfZero) {
  EXPECT_EQ(p_text(0.0), "< 0.0001");
  EXPECT_EQ(p_text(0.00009), "< 0.0001");
  EXPECT_EQ(p_text(0.0001), "0.0001");
  EXPECT_EQ(p_text(1), "1.0000");
}

TEST(StatisticsWords, SayOfHowManyPromptsTheNumbersAre) {
  const auto text = [](const EffectTable& table) {
    return prompts_text(table, table_statistics(table), table.effect);
  };
  EffectTable table = random_table(2, 6, Direction::kNoise, 3);
  EXPECT_EQ(text(table), "6 prompts");
  EXPECT_EQ(text(repeated(table, 3)), "18 prompts, 6 distinct");
  table.values[0] = kMissing;
  EXPECT_EQ(text(table), "5 to 6 of 6 prompts");
  table.values[6] = kMissing;
  EXPECT_EQ(text(table), "5 of 6 prompts");
}

TEST(StatisticsWords, NameWhatAMeanOfRatiosLeavesOut) {
  EffectTable table = testing::raw_table({{1, 1, 1}});
  table.direction = Direction::kDenoise;
  table.baselines = {{2, 0.05, 3}, {0, 0, 0}};
  table.effect = EffectKind::kFraction;
  const auto notes = [&] { return notes_of(table, table_statistics(table), table.effect); };
  EXPECT_TRUE(notes().empty()) << "the ratio of means takes all";
  table.aggregate = Aggregate::kMeanOfRatios;
  ASSERT_EQ(notes().size(), 1U);
  EXPECT_EQ(notes()[0],
            "fraction is of 2 of 3 prompts: 1 (prompt 1) left out because the gap is near 0");
}

TEST(StatisticsWords, WarnWhereCleanIsWorseThanCorruptedInMostPrompts) {
  EffectTable table = testing::raw_table({{1, 1, 1}});
  table.baselines = {{0, 1, 5}, {1, 2, 0}};
  const auto last_note = [&] {
    const auto notes = notes_of(table, table_statistics(table), table.effect);
    return notes.empty() ? std::string() : notes.back();
  };
  EXPECT_TRUE(last_note().starts_with("warning: logit_diff is lower on the clean")) << last_note();
  EXPECT_NE(last_note().find("in 2 of 3 prompts"), std::string::npos);
  table.metric = "cross_entropy";  // less is better
  EXPECT_EQ(last_note(), "");
  table.metric = "my own";
  EXPECT_EQ(last_note(), "");
  table.metric = "logit_diff";
  table.baselines = {{2, 1, 5}, {1, 2, 0}};
  EXPECT_EQ(last_note(), "");
}

}  // namespace
}  // namespace patchbay
