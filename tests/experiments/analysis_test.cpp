// The experiments that look without patching, and causal tracing, against what their definitions
// say when written out with plain runs.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

class Analysis : public ::testing::TestWithParam<const char*> {
 protected:
  EffectTable run(const char* name, const PromptSet& prompts, const GivenSettings& given = {}) {
    return run_experiment(name, tiny_, prompts, given);
  }
  double logit_diff(const PromptPair& pair, const Prompt& tokens, const Hooks& hooks = {}) {
    const Logits logits = tiny_.model.run_with_hooks(tiny_.ctx, {tokens}, hooks);
    const auto end = logits.at(0, -1);
    return double{end[static_cast<std::size_t>(pair.answers[0])]} -
           double{end[static_cast<std::size_t>(pair.wrongs[0])]};
  }

  TinyModel tiny_{GetParam()};
  PromptSet prompts_ = ragged_pairs(tiny_);
};

TEST_P(Analysis, AccuracyIsWhatPlainRunsSay) {
  const EffectTable table =
      run("accuracy", prompts_, {{"metrics", "logit_diff,accuracy,prob,wrong_prob"}});
  EXPECT_EQ(table.shape(), (std::vector<std::int64_t>{2, 4, 5}));
  for (std::int64_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(i)];
    EXPECT_EQ(table.value(0, i), logit_diff(pair, pair.clean));
    EXPECT_EQ(table.value(4, i), logit_diff(pair, pair.corrupted));
    // The odds of two tokens are e to their logit difference.
    EXPECT_NEAR(std::log(table.value(2, i) / table.value(3, i)), table.value(0, i), 1e-5);
  }
}

TEST_P(Analysis, TheLogitLensEndsWithTheModelsOwnAnswer) {
  for (const char* scale : {"fresh", "cached"}) {
    const EffectTable table = run("logit_lens", prompts_, {{"scale", scale}});
    ASSERT_EQ(table.shape(), (std::vector<std::int64_t>{2, 4, 5}));
    for (std::int64_t i = 0; i < 5; ++i) {
      const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(i)];
      EXPECT_EQ(table.value(3, i), logit_diff(pair, pair.clean));
      EXPECT_EQ(table.value(7, i), logit_diff(pair, pair.corrupted));
    }
  }
}

TEST_P(Analysis, TheLogitLensReadsTheStreamBeforeABlock) {
  const EffectTable fresh = run("logit_lens", prompts_);
  const EffectTable cached = run("logit_lens", prompts_, {{"scale", "cached"}});
  for (std::int64_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(i)];
    const ActivationCache cache = tiny_.model.run_with_cache(tiny_.ctx, {pair.clean}).second;
    const Tensor& early = cache["blocks.1.hook_resid_pre"];
    const Hooks hooks = {{"blocks.2.hook_resid_post", [&](TensorView stream, const HookName&) {
                            std::ranges::copy(early.flat(), stream.data());
                          }}};
    EXPECT_EQ(fresh.value(1, i), logit_diff(pair, pair.clean, hooks));
    Hooks with_scale = hooks;
    const Tensor& scale = cache["ln_final.hook_scale"];
    with_scale.add("ln_final.hook_scale", [&](TensorView own, const HookName&) {
      std::ranges::copy(scale.flat(), own.data());
    });
    EXPECT_EQ(cached.value(1, i), logit_diff(pair, pair.clean, with_scale));
  }
}

TEST_P(Analysis, AttributionsSumToTheLogitDifference) {
  for (const char* components : {"components", "heads", "neurons"}) {
    for (const char* side : {"clean", "corrupted"}) {
      GivenSettings given = {{"components", components}, {"side", side}};
      if (given["components"] == "neurons") given["neurons"] = "0-9";
      const EffectTable table = run("direct_logit_attribution", prompts_, given);
      for (std::int64_t i = 0; i < 5; ++i) {
        const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(i)];
        double sum = 0.0;
        for (std::int64_t cell = 0; cell < table.cells(); ++cell) sum += table.value(cell, i);
        const Prompt& tokens = side == std::string("clean") ? pair.clean : pair.corrupted;
        EXPECT_NEAR(sum, logit_diff(pair, tokens), 1e-5) << components;
      }
    }
  }
}

TEST_P(Analysis, AttentionIsThePattern) {
  const EffectTable table =
      run("attention_patterns", prompts_,
          {{"layers", "1"}, {"heads", "3"}, {"src-positions", "FIRST,MIDDLE"}});
  EXPECT_EQ(table.shape(), (std::vector<std::int64_t>{2, 1, 1, 1, 2, 5}));
  for (std::int64_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(i)];
    for (const std::int64_t side : {0, 1}) {
      const Prompt& tokens = side == 0 ? pair.clean : pair.corrupted;
      const auto& at = side == 0 ? pair.positions : pair.corrupted_positions;
      const ActivationCache cache = tiny_.model.run_with_cache(tiny_.ctx, {tokens}).second;
      const Tensor& pattern = cache("pattern", 1);
      const auto end = static_cast<std::int64_t>(tokens.size()) - 1;
      EXPECT_EQ(table.value(side * 2, i), double{pattern(0, 3, end, at[0].last)});
      if (i == 1) {
        EXPECT_TRUE(std::isnan(table.value(side * 2 + 1, i)));
      } else {
        EXPECT_EQ(table.value(side * 2 + 1, i), double{pattern(0, 3, end, at[1].last)});
      }
    }
  }
}

TEST_P(Analysis, CausalTracingRestoresEverythingWithTheSubjectsFirstState) {
  const PromptSet prompts = reference_pairs(tiny_);
  const EffectTable table = run("causal_tracing", prompts, {{"subject", "FIRST"}, {"draws", "3"}});
  ASSERT_EQ(table.shape(), (std::vector<std::int64_t>{3, 12, 5}));
  const EffectTable plain = run("accuracy", prompts, {{"metrics", "prob"}});
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto prompt = static_cast<std::size_t>(i);
    EXPECT_NEAR(table.baselines.clean[prompt], plain.value(0, i), 1e-12);
    EXPECT_NE(table.baselines.corrupted[prompt], table.baselines.clean[prompt]);
    EXPECT_EQ(table.value(0, i), table.baselines.corrupted[prompt]);  // position 0 has no noise
    EXPECT_NE(table.value(1, i), table.baselines.corrupted[prompt]);  // the subject's has
    EXPECT_NEAR(table.value(2 * 12 + 11, i), table.baselines.clean[prompt], 1e-12);  // the end
  }
  const EffectTable again = run("causal_tracing", prompts, {{"subject", "FIRST"}, {"draws", "3"}});
  EXPECT_EQ(again.values, table.values);
  const EffectTable other =
      run("causal_tracing", prompts, {{"subject", "FIRST"}, {"draws", "3"}, {"noise-seed", "1"}});
  EXPECT_NE(other.values, table.values);
  const EffectTable silent = run("causal_tracing", prompts, {{"noise", "0"}, {"draws", "1"}});
  EXPECT_EQ(silent.baselines.corrupted, silent.baselines.clean);
}

TEST_P(Analysis, AWindowRestoresItsLayersAtOnce) {
  const PromptSet prompts = reference_pairs(tiny_);
  const GivenSettings given = {{"site", "mlp_out"}, {"positions", "END"}, {"draws", "2"}};
  GivenSettings all = given;
  all["window"] = "3";
  EXPECT_EQ(run("causal_tracing", prompts, given).values,
            run("causal_tracing", prompts, all).values);
  GivenSettings one = given;
  one["window"] = "1";
  EXPECT_NE(run("causal_tracing", prompts, given).values,
            run("causal_tracing", prompts, one).values);
}

// A subject of several tokens gets noise on each: as if every token had a name.
TEST_P(Analysis, CausalTracingNoisesAllTokensOfASubject) {
  PromptSet whole = reference_pairs(tiny_);
  PromptSet by_token = whole;
  by_token.position_names = {"s1", "s2", "s3", "END"};
  for (std::size_t i = 0; i < whole.pairs.size(); ++i) {
    const TokenSpan end = whole.pairs[i].positions.back();
    whole.pairs[i].positions = whole.pairs[i].corrupted_positions = {0, {3, 5}, end};
    by_token.pairs[i].positions = by_token.pairs[i].corrupted_positions = {3, 4, 5, end};
  }
  const EffectTable table =
      run("causal_tracing", whole, {{"subject", "MIDDLE"}, {"positions", "MIDDLE:last,MIDDLE"}});
  const EffectTable expected =
      run("causal_tracing", by_token, {{"subject", "s1,s2,s3"}, {"positions", "s3,s1"}});
  EXPECT_EQ(table.baselines.corrupted, expected.baselines.corrupted);
  EXPECT_EQ(table.axes[1].labels, (std::vector<std::string>{"MIDDLE:last", "MIDDLE (3 tokens)"}));
  for (std::int64_t prompt = 0; prompt < std::ssize(whole.pairs); ++prompt) {
    EXPECT_EQ(table.value(0, prompt), expected.value(0, prompt));
    EXPECT_NE(table.value(1, prompt), expected.value(1, prompt));  // all three, not the first
  }
  EXPECT_EQ(table.notes.back(),
            "MIDDLE is 3 tokens, taken together; MIDDLE:first and MIDDLE:last are its ends");
}

TEST_P(Analysis, AttentionOfSeveralTokensIsAddedUpAndFromThemAMean) {
  PromptSet prompts = reference_pairs(tiny_);
  for (PromptPair& pair : prompts.pairs) {
    pair.positions[1] = pair.corrupted_positions[1] = {3, 5};
  }
  const EffectTable table = run("attention_patterns", prompts,
                                {{"layers", "1"},
                                 {"heads", "2"},
                                 {"dest-positions", "END,MIDDLE"},
                                 {"src-positions", "MIDDLE,MIDDLE:first"}});
  for (std::int64_t i = 0; i < std::ssize(prompts.pairs); ++i) {
    const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
    const ActivationCache cache = tiny_.model.run_with_cache(tiny_.ctx, {pair.clean}).second;
    const Tensor& pattern = cache("pattern", 1);
    const auto from = [&](std::int64_t query, std::int64_t last) {
      double sum = 0.0;
      for (std::int64_t key = 3; key <= std::min(query, last); ++key) {
        sum += double{pattern(0, 2, query, key)};
      }
      return sum;
    };
    const std::int64_t end = std::ssize(pair.clean) - 1;
    EXPECT_NEAR(value_at(table, {"clean", "1", "2", "END", "MIDDLE (3 tokens)"}, i), from(end, 5),
                1e-12);
    EXPECT_NEAR(value_at(table, {"clean", "1", "2", "MIDDLE (3 tokens)", "MIDDLE:first"}, i),
                (from(3, 3) + from(4, 3) + from(5, 3)) / 3, 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Analysis, ::testing::ValuesIn(kTinyModels), model_test_name);

}  // namespace
}  // namespace patchbay
