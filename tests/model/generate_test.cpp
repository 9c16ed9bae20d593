// What a model says next, against its logits.
#include "patchbay/model/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

class GenerateOnEachModel : public ::testing::TestWithParam<const char*> {};

TEST_P(GenerateOnEachModel, TheNextTokenIsTheDistributionAtTheLastPosition) {
  const TinyModel tiny(GetParam());
  const Prompt prompt = tiny.clean().front();
  const NextToken next = next_token(tiny.ctx, tiny.model, prompt);
  const Logits logits = tiny.model.run(tiny.ctx, {prompt});
  EXPECT_TRUE(std::ranges::equal(next.logits.flat(), logits.at(0, -1)));
  const auto p = next.probabilities.flat();
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, 1e-5);
  for (std::int64_t id = 0; id < next.logits.size(); ++id) {
    ASSERT_NEAR(std::exp(static_cast<double>(next.log_probabilities(id))),
                static_cast<double>(next.probabilities(id)), 1e-6);
  }
  ASSERT_EQ(next.order.size(), p.size());
  EXPECT_TRUE(std::ranges::is_sorted(next.order, std::ranges::greater(),
                                     [&](TokenId id) { return next.logits(id); }));
  EXPECT_EQ(next.rank(next.order[0]), 1);
  EXPECT_EQ(next.rank(next.order[6]), 7);
}

TEST_P(GenerateOnEachModel, GreedyTokensAreTheMostLikelyOnesOneAfterTheOther) {
  const TinyModel tiny(GetParam());
  const Generated generated = generate(tiny.ctx, tiny.model, tiny.clean().front(), 4);
  Prompt prompt = tiny.clean().front();
  for (const TokenId id : generated.tokens) {
    EXPECT_EQ(next_token(tiny.ctx, tiny.model, prompt).order.front(), id);
    prompt.push_back(id);
  }
  EXPECT_TRUE(generated.tokens.size() == 4 || generated.stopped_at_eos);
  EXPECT_TRUE(generate(tiny.ctx, tiny.model, tiny.clean().front(), 0).tokens.empty());
}

INSTANTIATE_TEST_SUITE_P(Tiny, GenerateOnEachModel, ::testing::ValuesIn(kTinyModels),
                         model_test_name);

TEST(Generate, StopsAtTheEndOfTextTokenAndLeavesItOut) {
  TinyGpt2 tiny;
  const Prompt prompt = tiny.clean().front();
  const std::vector<TokenId> free = generate(tiny.ctx, tiny.model, prompt, 3).tokens;
  ASSERT_FALSE(free.empty());
  LoadedCheckpoint checkpoint = tiny.checkpoint();
  checkpoint.cfg.eos_token_id = free.back();
  const auto first = std::ranges::find(free, free.back()) - free.begin();
  const HookedTransformer model(tiny.ctx, checkpoint.cfg, checkpoint.weights);
  const Generated stopped = generate(tiny.ctx, model, prompt, 10);
  EXPECT_TRUE(stopped.stopped_at_eos);
  EXPECT_EQ(stopped.tokens, std::vector<TokenId>(free.begin(), free.begin() + first));
}

}  // namespace
}  // namespace patchbay
