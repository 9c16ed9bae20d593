// The sign-flip test: examples counted by hand, a twin that tries every pattern, Holm's correction.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "patchbay/base/split_mix.h"
#include "patchbay/metrics/metric.h"
#include "patchbay/results/metric_traits.h"
#include "patchbay/results/statistics.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

using testing::kMissing;
using testing::raw_table;

double p_of(const std::vector<double>& effects) {
  const Significance result = sign_flip_test(raw_table({effects}));
  EXPECT_EQ(result.reason, "");
  return result.p_values.at(0).value();
}

TEST(SignFlip, CountsThePatternsAtLeastAsExtreme) {
  // Only the pattern itself and its opposite reach 6.
  EXPECT_EQ(p_of({1, 1, 1, 1, 1, 1}), 2 / 64.0);
  // |sum| >= 4 with none, one, five or six negative: 1 + 6 + 6 + 1.
  EXPECT_EQ(p_of({1, 1, 1, 1, 1, -1}), 14 / 64.0);
  EXPECT_EQ(p_of({-1, -1, -1, -1, -1, -1}), 2 / 64.0);
  EXPECT_EQ(p_of({1, -1, 1, -1, 1, -1}), 1);
  EXPECT_EQ(p_of({0, 0, 0, 0, 0, 0}), 1);
  // A prompt without effect has two signs that make the same sum.
  EXPECT_EQ(p_of({1, 1, 1, 1, 1, 0, 1}), 2 / 64.0);
}

// The same test on integers, where ties are exact.
double twin_p(const std::vector<int>& effects) {
  int observed = 0;
  for (const int effect : effects) observed += effect;
  int extreme = 0;
  for (unsigned pattern = 0; pattern < 1U << effects.size(); ++pattern) {
    int sum = 0;
    for (std::size_t i = 0; i < effects.size(); ++i) {
      sum += (pattern >> i & 1) != 0 ? effects[i] : -effects[i];
    }
    extreme += std::abs(sum) >= std::abs(observed) ? 1 : 0;
  }
  return static_cast<double>(extreme) / static_cast<double>(1U << effects.size());
}

TEST(SignFlip, TreatsSumsThatDifferByRoundingAsTies) {
  SplitMix64 random(5);
  for (int i = 0; i < 200; ++i) {
    std::vector<int> tenths(6 + random.below(8));
    std::vector<double> effects;
    for (int& tenth : tenths) {
      tenth = static_cast<int>(random.below(13)) - 4;
      effects.push_back(tenth * 0.1);  // 0.1 + 0.2 is not 0.3
    }
    ASSERT_EQ(p_of(effects), twin_p(tenths));
  }
}

TEST(SignFlip, CorrectsAsHolmDoes) {
  // Uncorrected, of 1024 patterns: 1024, 2, 2 (1 + 10) and 2.
  const std::vector<double> strong(10, 1);
  std::vector<double> weaker(10, 1);
  weaker[3] = -1;
  std::vector<double> nothing(10, 1);
  std::fill_n(nothing.begin(), 5, -1);
  const auto p = sign_flip_test(raw_table({nothing, strong, weaker, strong})).p_values;
  EXPECT_EQ(p[1], 4 * 2 / 1024.0);
  // 3 x 2 / 1024 would be less than the one before it.
  EXPECT_EQ(p[3], 4 * 2 / 1024.0);
  EXPECT_EQ(p[2], 2 * 22 / 1024.0);
  EXPECT_EQ(p[0], 1);
}

TEST(SignFlip, SaysWhenNoResultCouldBeSignificant) {
  const auto reason = [](std::size_t cells, std::size_t prompts) {
    const auto table =
        raw_table(std::vector<std::vector<double>>(cells, std::vector<double>(prompts, 1)));
    const Significance result = sign_flip_test(table);
    EXPECT_EQ(result.p_values.empty(), !result.reason.empty());
    for (const CellSummary& cell : summarize(table, EffectKind::kRaw, Aggregate::kRatioOfMeans)) {
      EXPECT_EQ(cell.p_value.has_value(), result.reason.empty());
    }
    return result.reason;
  };
  EXPECT_EQ(reason(144, 10), "too few prompts to test (n = 10; 144 cells need 13)");
  EXPECT_EQ(reason(144, 12), "too few prompts to test (n = 12; 144 cells need 13)");
  EXPECT_EQ(reason(144, 13), "");
  EXPECT_EQ(reason(270, 13), "too few prompts to test (n = 13; 270 cells need 14)");
  EXPECT_EQ(reason(270, 14), "");
  EXPECT_EQ(reason(1, 5), "too few prompts to test (n = 5; 1 cell needs 6)");
  EXPECT_EQ(reason(1, 6), "");
}

TEST(SignFlip, TestsEachCellOnThePromptsThatHaveIt) {
  std::vector<double> some(8, 1);
  some[2] = kMissing;
  const auto p =
      sign_flip_test(raw_table({std::vector<double>(8, 1), some, std::vector<double>(8, kMissing)}))
          .p_values;
  EXPECT_EQ(p[0], 2 * 2 / 256.0);
  EXPECT_EQ(p[1], 2 / 128.0);
  EXPECT_EQ(p[2], std::nullopt);
  const Significance none = sign_flip_test(raw_table({std::vector<double>(8, kMissing)}));
  EXPECT_EQ(none.reason, "no prompt has any of the cells");
}

TEST(SignFlip, CountsAllPatternsUpToTwentyPromptsAndDrawsAbove) {
  std::vector<double> effects(20, 1);
  effects[0] = -1;
  EXPECT_EQ(p_of(effects), 2 * 21 / 0x1p20);
  EXPECT_EQ(sign_flip_test(raw_table({effects})).flips, 0);
  effects.push_back(1);
  EXPECT_EQ(sign_flip_test(raw_table({effects})).flips, 9999);
}

TEST(SignFlip, DrawsWhatTheExactCountSays) {
  // 22 effects of 1, k of them negative; two zeros on top would not matter.
  for (const int negative : {5, 6, 7, 8, 9}) {
    std::vector<double> effects(22, 1);
    std::fill_n(effects.begin(), negative, -1);
    double patterns = 0;
    double binomial = 1;
    for (int k = 0; k <= negative; ++k) {
      patterns += 2 * binomial;
      binomial *= (22.0 - k) / (k + 1.0);
    }
    const double exact = patterns / 0x1p22;
    // Five standard errors of a count of 100, or of what 9,999 draws show.
    EXPECT_NEAR(p_of(effects), exact, std::max(0.5 * exact, 5 * std::sqrt(exact / 9999)));
  }
}

TEST(SignFlip, GivesTheSmallestDrawnValueToWhatIsBeyondDrawing) {
  EXPECT_EQ(p_of(std::vector<double>(21, 1)), 1 / 10000.0);   // drawn, none as extreme
  EXPECT_EQ(p_of(std::vector<double>(100, 1)), 1 / 10000.0);  // not drawn
}

TEST(SignFlip, DrawsEnoughForManyCells) {
  std::vector<std::vector<double>> cells(3000, std::vector<double>(40, 1));
  for (auto& cell : cells) cell[5] = -0.5;
  const Significance result = sign_flip_test(raw_table(cells));
  EXPECT_EQ(result.flips, 119'999);
  EXPECT_LE(result.p_values[0].value(), kSignificanceLevel);
}

// With no effect, corrected p values are below the level in at most 5 % of tables.
TEST(SignFlip, RarelyFindsWhatIsNotThere) {
  int alarms = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SplitMix64 random(seed);
    std::vector<std::vector<double>> cells(5, std::vector<double>(12));
    for (auto& cell : cells) {
      for (double& effect : cell) effect = testing::uniform(random) - 0.5;
    }
    const auto p = sign_flip_test(raw_table(cells)).p_values;
    alarms += std::ranges::any_of(p, [](auto one) { return *one <= kSignificanceLevel; }) ? 1 : 0;
  }
  EXPECT_LE(alarms, 27);  // 15 expected, 3.8 standard deviation
  EXPECT_GE(alarms, 3);
}

TEST(SignFlip, ComparesWithTheBaseOfTheDirection) {
  EffectTable table = raw_table({std::vector<double>(6, 1)});
  table.baselines = {std::vector<double>(6, 1), {0, 0, 0, 0, 0, 2}};
  EXPECT_EQ(sign_flip_test(table).p_values[0], 1);
  table.direction = Direction::kDenoise;
  EXPECT_EQ(sign_flip_test(table).p_values[0], 14 / 64.0);
  table.direction = Direction::kNone;
  EXPECT_EQ(sign_flip_test(table).p_values[0], 2 / 64.0);
}

TEST(SignFlip, TestsNothingThatCannotChangeItsSign) {
  EffectTable table = raw_table({std::vector<double>(8, 0.5)});
  const auto reason = [&](const char* metric, Direction direction, double base) {
    table.metric = metric;
    table.direction = direction;
    table.baselines.clean.assign(8, base);
    return sign_flip_test(table).reason;
  };
  for (const char* metric : {"accuracy", "attention", "mean attention", "share of names copied",
                             "prob", "log_prob", "rank", "kl_divergence", "cross_entropy"}) {
    EXPECT_EQ(reason(metric, Direction::kNone, 0),
              fmt::format("no test: {} cannot change its sign", metric));
  }
  EXPECT_EQ(reason("logit_diff", Direction::kNone, 0), "");
  // A change can have either sign, but not from where the metric ends.
  EXPECT_EQ(reason("prob", Direction::kNoise, 0.25), "");
  EXPECT_EQ(reason("prob", Direction::kNoise, 1),
            "no test: the effect cannot change its sign in every prompt");
  EXPECT_NE(reason("kl_divergence", Direction::kNoise, 0), "");
  EXPECT_NE(reason("rank", Direction::kNoise, 1), "");
}

TEST(SignFlip, TestsOnlyTheMetricsOfATableThatCanChangeTheirSign) {
  EffectTable table = raw_table({std::vector<double>(8, 0.5), std::vector<double>(8, 0.5)});
  table.direction = Direction::kNone;
  table.axes[0] = {"metric", {"prob", "logit_diff"}};
  const Significance result = sign_flip_test(table);
  EXPECT_EQ(result.n_tested(), 1);
  EXPECT_EQ(result.p_values[0], std::nullopt);
  EXPECT_EQ(result.p_values[1], 2 / 256.0) << "Holm counts one";
}

TEST(SignFlip, KnowsWhereEveryMetricEnds) {
  for (const metrics::Metric* metric : metrics::all()) {
    if (metric->name == "logit" || metric->name == "logit_diff") continue;
    const MetricTraits traits = traits_of_metric(metric->name);
    EXPECT_TRUE(std::isfinite(traits.lowest) || std::isfinite(traits.highest)) << metric->name;
  }
}

TEST(SignFlip, CountsDistinctPromptsAlone) {
  EffectTable table = raw_table({std::vector<double>(200, 1)});
  table.columns = {{"clean", {}}};
  for (int i = 0; i < 200; ++i) table.columns[0].texts.push_back(std::to_string(i % 4));
  EXPECT_EQ(sign_flip_test(table).reason,
            "too few distinct prompts to test (n = 4; 1 cell needs 6)");
}

}  // namespace
}  // namespace patchbay
