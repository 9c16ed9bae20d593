// Attention in the table is attention in the cache of the same run.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

class AttentionPatterns : public ::testing::TestWithParam<const char*> {};

TEST_P(AttentionPatterns, AreThoseOfTheRun) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = reference_pairs(tiny);
  const EffectTable table = run_experiment("attention_patterns", tiny, prompts,
                                           {{"dest-positions", "all"}, {"src-positions", "all"}});
  const std::int64_t n_layers = tiny.model.cfg().n_layers;
  const std::int64_t n_heads = tiny.model.cfg().n_heads;
  ASSERT_EQ(table.shape(), (std::vector<std::int64_t>{2, n_layers, n_heads, 12, 12, 5}));
  std::int64_t cell = 0;
  for (const auto& side : {prompts.clean(), prompts.corrupted()}) {
    const auto cache = tiny.model.run_with_cache(tiny.ctx, side).second;
    for (std::int64_t row = 0; row < n_layers * n_heads * 12; ++row) {
      const Tensor& pattern = cache("pattern", static_cast<int>(row / 12 / n_heads));
      for (std::int64_t source = 0; source < 12; ++source, ++cell) {
        for (std::int64_t i = 0; i < 5; ++i) {
          if (source > row % 12) {
            EXPECT_TRUE(std::isnan(table.value(cell, i)));
          } else {
            EXPECT_EQ(table.value(cell, i), pattern(i, row / 12 % n_heads, row % 12, source));
          }
        }
      }
    }
  }
}

TEST_P(AttentionPatterns, FindNamedPositionsInPromptsOfDifferentLengths) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = ragged_pairs(tiny);
  const EffectTable table =
      run_experiment("attention_patterns", tiny, prompts,
                     {{"layers", "1,-1"}, {"heads", "0,2"}, {"src-positions", "FIRST,MIDDLE,END"}});
  EXPECT_EQ(table.axes[1].labels, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(table.axes[2].labels, (std::vector<std::string>{"0", "2"}));
  EXPECT_EQ(table.axes[3].labels, (std::vector<std::string>{"END"}));
  for (const std::string side : kSideNames) {
    for (std::int64_t i = 0; i < 5; ++i) {
      const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
      const auto& positions = side == "clean" ? pair.positions : pair.corrupted_positions;
      const Prompt& tokens = side == "clean" ? pair.clean : pair.corrupted;
      const auto cache = tiny.model.run_with_cache(tiny.ctx, {tokens}).second;
      for (std::size_t name = 0; name < 3; ++name) {
        const double value =
            value_at(table, {side, "2", "2", "END", prompts.position_names[name]}, i);
        if (!positions[name].is_there()) {
          EXPECT_TRUE(std::isnan(value));
        } else {
          EXPECT_EQ(value, cache("pattern", 2)(0, 2, std::ssize(tokens) - 1, positions[name].last));
        }
      }
    }
  }
}

TEST_P(AttentionPatterns, OfEveryPositionAreWholeAndEndWithTheirPrompt) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = ragged_pairs(tiny);
  const GivenSettings whole = {{"nodes", "2.1,0.3"},
                               {"side", "corrupted"},
                               {"dest-positions", "every"},
                               {"src-positions", "every"}};
  const EffectTable table = run_experiment("attention_patterns", tiny, prompts, whole);
  const std::int64_t longest = prompts.longest();
  ASSERT_EQ(table.shape(), (std::vector<std::int64_t>{1, 2, longest, longest, 5}));
  EXPECT_EQ(table.axes[0].labels, std::vector<std::string>{"corrupted"});
  EXPECT_EQ(table.axes[1].labels, (std::vector<std::string>{"2.1", "0.3"}));
  for (std::int64_t i = 0; i < 5; ++i) {
    const Prompt& tokens = prompts.pairs[static_cast<std::size_t>(i)].corrupted;
    const auto cache = tiny.model.run_with_cache(tiny.ctx, {tokens}).second;
    for (std::int64_t query = 0; query < longest; ++query) {
      for (std::int64_t key = 0; key < longest; ++key) {
        const double value = table.value(query * longest + key, i);
        if (query >= std::ssize(tokens) || key > query) {
          EXPECT_TRUE(std::isnan(value));
        } else {
          EXPECT_EQ(value, cache("pattern", 2)(0, 1, query, key));
        }
      }
    }
  }
  EXPECT_NE(usage_error("attention_patterns", tiny, prompts,
                        {{"nodes", "9.9"}, {"src-positions", "END"}}),
            "no error");
  EXPECT_NE(usage_error("attention_patterns", tiny, prompts,
                        {{"nodes", "2.1"}, {"heads", "0"}, {"src-positions", "END"}})
                .find("leave `layers` and `heads` out"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(OfTinyModels, AttentionPatterns, ::testing::ValuesIn(kTinyModels),
                         model_test_name);

TEST(AttentionPatternsSettings, TakeNumbersOfPositionsWhereAllPromptsAreEquallyLong) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  const EffectTable named = run_experiment("attention_patterns", tiny, prompts);
  const EffectTable numbered =
      run_experiment("attention_patterns", tiny, prompts, {{"dest-positions", "-1"}});
  EXPECT_EQ(named.values, numbered.values);  // END sees all, so nothing is NaN
  EXPECT_EQ(numbered.axes[3].labels, (std::vector<std::string>{"11"}));
  EXPECT_EQ(
      usage_error("attention_patterns", tiny, ragged_pairs(tiny), {}),
      "[src-positions] the prompts of reference have different lengths, so position numbers mean "
      "different things; name positions: FIRST, MIDDLE, END");
  EXPECT_NE(usage_error("attention_patterns", tiny, prompts, {{"src-positions", "MIDLE"}})
                .find("did you mean \"MIDDLE\"?"),
            std::string::npos);
}

TEST(AttentionPatternsOfIoiSmall, ShowAHeadThatLooksFromEndToTheIndirectObject) {
  const EffectTable table =
      run_on_ioi_small("attention_patterns", "ioi_lab", 20, {{"src-positions", "IO,S1,S2"}});
  double largest = 0.0;
  const std::int64_t of_clean = table.cells() / 2;
  for (std::int64_t cell = 0; cell < of_clean; cell += 3) {  // IO, S1, S2 of one head
    double io = 0.0;
    double others = 0.0;
    for (std::int64_t i = 0; i < 20; ++i) {
      io += table.value(cell, i) / 20;
      others += (table.value(cell + 1, i) + table.value(cell + 2, i)) / 20;
    }
    EXPECT_LE(io + others, 1.0 + 1e-5);
    if (io > others) largest = std::max(largest, io);
  }
  EXPECT_GT(largest, 0.3);
}

}  // namespace
}  // namespace patchbay
