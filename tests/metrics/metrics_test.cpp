// Every metric on logits small enough to work out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "patchbay/base/error.h"
#include "patchbay/metrics/metric.h"

namespace patchbay {
namespace {

// Probabilities 1/2, 1/4, 1/8, 1/8 up to a constant in the logits.
const std::vector<float> kLogits = {3.0F + 2 * 0.6931472F, 3.0F + 0.6931472F, 3.0F, 3.0F};
const std::vector<float> kUniform = {1.0F, 1.0F, 1.0F, 1.0F};

double value(const char* name, std::vector<TokenId> answers, std::vector<TokenId> wrongs) {
  PromptPair pair;
  pair.answers = std::move(answers);
  pair.wrongs = std::move(wrongs);
  const Prompt tokens = {0, 1, 0};
  const Tensor every = [] {
    Tensor rows({3, 4});
    for (int row = 0; row < 3; ++row) std::ranges::copy(kLogits, rows[row].data());
    return rows;
  }();
  return metrics::find(name).value(
      {.pair = pair, .tokens = tokens, .logits = kLogits, .every = every, .clean = kUniform});
}

TEST(Metrics, AreWhatTheirDefinitionsSay) {
  constexpr double kClose = 1e-6;
  const double ln2 = std::log(2.0);
  EXPECT_NEAR(value("logit_diff", {0}, {1}), ln2, kClose);
  EXPECT_NEAR(value("logit_diff", {0, 2}, {1}), 0.0, kClose);
  EXPECT_NEAR(value("logit", {1}, {}), 3.0 + ln2, kClose);
  EXPECT_NEAR(value("prob", {0}, {}), 0.5, kClose);
  EXPECT_NEAR(value("prob", {1, 2}, {}), 0.375, kClose);
  EXPECT_NEAR(value("log_prob", {2}, {}), -3 * ln2, kClose);
  EXPECT_NEAR(value("log_prob", {2, 3}, {}), -2 * ln2, kClose);
  EXPECT_NEAR(value("cross_entropy", {1}, {}), 2 * ln2, kClose);
  EXPECT_NEAR(value("prob_diff", {1, 2}, {0}), -0.125, kClose);
  EXPECT_EQ(value("accuracy", {0}, {}), 1.0);
  EXPECT_EQ(value("accuracy", {1}, {}), 0.0);
  EXPECT_EQ(value("io_over_s", {0}, {1}), 1.0);
  EXPECT_EQ(value("io_over_s", {2}, {3}), 0.0);
  EXPECT_EQ(value("rank", {0}, {}), 1.0);
  EXPECT_EQ(value("rank", {2}, {}), 3.0);
  EXPECT_EQ(value("rank", {2, 1}, {}), 2.0);
  // Σ 1/4 · (ln 1/4 − ln p)
  EXPECT_NEAR(value("kl_divergence", {0}, {}), (ln2 + 2 * ln2 + 3 * ln2 + 3 * ln2) / 4 - 2 * ln2,
              kClose);
  EXPECT_NEAR(value("next_token_loss", {0}, {}), 1.5 * ln2, kClose);  // tokens 1 and 0
}

TEST(Metrics, ReadChosenTokensWhereOthersAreNotThere) {
  PromptPair pair;
  pair.answers = {7};
  pair.wrongs = {5};
  const std::vector<float> logits = {2.0F, -1.0F};
  const std::vector<TokenId> chosen = {5, 7};
  const Prompt tokens = {1};
  EXPECT_EQ(metrics::find("logit_diff")
                .value({.pair = pair, .tokens = tokens, .logits = logits, .chosen = chosen}),
            -3.0);
}

TEST(Metrics, SayWhatTheyLack) {
  PromptSet prompts;
  prompts.task = "file:p.jsonl";
  prompts.position_names = {"END"};
  PromptPair pair;
  pair.clean = pair.corrupted = {1};
  pair.answers = {2};
  pair.positions = pair.corrupted_positions = {0};
  prompts.pairs = {pair, pair};
  prompts.pairs[0].wrongs = {1};
  try {
    metrics::check_pairs(metrics::find("logit_diff"), prompts);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("[file:p.jsonl] prompt 1 has no wrong answer"), 0U);
  }
  EXPECT_NO_THROW(metrics::check_pairs(metrics::find("prob"), prompts));
  try {
    (void)metrics::find("logit_dif");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"logit_diff\"?"), std::string::npos);
  }
}

}  // namespace
}  // namespace patchbay
