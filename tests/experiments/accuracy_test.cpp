// The numbers of each prompt against probabilities computed from its logits one by one.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

struct AtEnd {
  std::vector<double> probabilities;  // [d_vocab]
  std::vector<double> logits;         // [d_vocab]
  TokenId best = 0;

  AtEnd(const TinyModel& tiny, const Prompt& prompt) {
    const Logits run = tiny.model.run(tiny.ctx, {prompt});
    const auto row = run.at(0, -1);
    logits.assign(row.begin(), row.end());
    double sum = 0.0;
    for (const double logit : logits) sum += std::exp(logit - logits.front());
    for (const double logit : logits) {
      probabilities.push_back(std::exp(logit - logits.front()) / sum);
    }
    best = static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin());
  }
};

class Accuracy : public ::testing::TestWithParam<const char*> {};

TEST_P(Accuracy, ReportsWhatARunOfEachPromptSays) {
  const TinyModel tiny(GetParam());
  PromptSet prompts = ragged_pairs(tiny);
  for (PromptPair& pair : prompts.pairs) {  // one in two is right on the clean side
    if (pair.group == "even") pair.answers = {AtEnd(tiny, pair.clean).best};
  }
  const EffectTable table = run_experiment("accuracy", tiny, prompts);
  EXPECT_EQ(table.shape(), (std::vector<std::int64_t>{2, 6, 5}));
  EXPECT_EQ(table.direction, Direction::kNone);
  for (const char* side : kSideNames) {
    for (std::int64_t i = 0; i < 5; ++i) {
      const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
      const bool clean = std::string_view(side) == "clean";
      const AtEnd end(tiny, clean ? pair.clean : pair.corrupted);
      const auto answer = static_cast<std::size_t>(pair.answers.front());
      const auto wrong = static_cast<std::size_t>(pair.wrongs.front());
      const double difference = end.logits[answer] - end.logits[wrong];
      const auto value = [&](const char* name) { return value_at(table, {side, name}, i); };
      EXPECT_EQ(value("accuracy"), end.best == pair.answers.front() ? 1.0 : 0.0);
      EXPECT_EQ(value("io_over_s"), difference > 0 ? 1.0 : 0.0);
      EXPECT_EQ(value("logit_diff"), difference);
      EXPECT_NEAR(value("prob"), end.probabilities[answer], 1e-7);
      EXPECT_NEAR(value("wrong_prob"), end.probabilities[wrong], 1e-7);
      const auto above = std::ranges::count_if(
          end.logits, [&](double logit) { return logit > end.logits[answer]; });
      EXPECT_EQ(value("rank"), 1.0 + static_cast<double>(above));
    }
  }
  EXPECT_EQ(value_at(table, {"clean", "accuracy"}, 0), 1.0);
}

INSTANTIATE_TEST_SUITE_P(OfTinyModels, Accuracy, ::testing::ValuesIn(kTinyModels), model_test_name);

TEST(AccuracyTable, HasNoNumberWhereAPairHasNoWrongAnswer) {
  const TinyGpt2 tiny;
  PromptSet prompts = reference_pairs(tiny);
  prompts.pairs[1].wrongs.clear();
  const EffectTable table = run_experiment("accuracy", tiny, prompts);
  for (const char* side : kSideNames) {
    for (const char* name : {"io_over_s", "logit_diff", "wrong_prob"}) {
      EXPECT_TRUE(std::isnan(value_at(table, {side, name}, 1))) << name;
      EXPECT_FALSE(std::isnan(value_at(table, {side, name}, 0))) << name;
    }
    EXPECT_FALSE(std::isnan(value_at(table, {side, "prob"}, 1)));
  }
  EXPECT_EQ(column_of(table, "wrong")[1], "");
}

TEST(AccuracyTable, ShowsExpectedAndPredictedTokensAsText) {
  const EffectTable table = run_on_ioi_small("accuracy", "ioi_lab", 20);
  const auto clean = column_of(table, "clean");
  const auto answers = column_of(table, "answer");
  const auto wrongs = column_of(table, "wrong");
  const auto predicted = column_of(table, "predicted");
  EXPECT_EQ(column_of(table, "predicted when corrupted").size(), 20U);
  EXPECT_EQ(clean[0].find(" went to the ") != std::string::npos, true) << clean[0];
  double right = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(answers[i].front(), ' ') << answers[i];
    EXPECT_EQ(clean[i].find(wrongs[i].substr(1)), 0U) << clean[i];  // the first word is S1
    const double accuracy = value_at(table, {"clean", "accuracy"}, static_cast<std::int64_t>(i));
    EXPECT_EQ(accuracy, predicted[i] == answers[i] ? 1.0 : 0.0) << i;
    right += accuracy;
  }
  EXPECT_GE(right, 16);
}

TEST(AccuracyTable, TakesTheMetricsThatItIsTold) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  const EffectTable table = run_experiment("accuracy", tiny, prompts, {{"metrics", "rank, logit"}});
  EXPECT_EQ(table.axes[1].labels, (std::vector<std::string>{"rank", "logit"}));
  const auto error = [&](const char* metrics) {
    return usage_error("accuracy", tiny, prompts, {{"metrics", metrics}});
  };
  EXPECT_EQ(error(""),
            "[metrics] is empty; leave it out for "
            "accuracy,io_over_s,logit_diff,prob,wrong_prob,rank");
  EXPECT_EQ(error("rank,rank"), "[metrics] rank is given twice");
  EXPECT_EQ(error("rank,kl_divergence"),
            "[metrics] kl_divergence is not a number of the last position of one run");
  EXPECT_NE(error("rnk").find("did you mean \"rank\"?"), std::string::npos);
}

}  // namespace
}  // namespace patchbay
