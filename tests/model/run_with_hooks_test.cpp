// What an edit does: it reaches what comes after it, and nothing else.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/model/loss.h"
#include "tests/support/error_text.h"
#include "tests/support/replay_start.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

bool same_bits(ConstTensorView a, ConstTensorView b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

void fill_zero(TensorView view, const HookName&) { std::ranges::fill(view.flat(), 0.0F); }

class RunWithHooksOnEachModel : public ::testing::TestWithParam<const char*> {};

// The activations that may differ after an edit at `name` are those computed from it.
TEST_P(RunWithHooksOnEachModel, AnEditChangesNothingThatIsComputedBeforeIt) {
  const TinyModel tiny(GetParam());
  const auto before = tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all()).second;
  for (const HookName& name : hook_names(tiny.model.cfg())) {
    if (name.point == HookPoint::kAttnScores) continue;  // 0 above the diagonal is refused
    const auto [logits, after] =
        tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all(), {{name, fill_zero}});
    for (const auto& [other, activation] : before.entries()) {
      if (other < name) {
        EXPECT_TRUE(same_bits(after[other], activation)) << name.str() << " " << other.str();
      }
    }
    EXPECT_FALSE(same_bits(after[name], before[name])) << name.str();
  }
}

TEST_P(RunWithHooksOnEachModel, EveryEditReachesTheLogits) {
  const TinyModel tiny(GetParam());
  const Logits plain = tiny.model.run(tiny.ctx, tiny.clean());
  const HookFunction twice = [](TensorView view, const HookName&) {
    for (float& value : view.flat()) value *= 2.0F;  // leaves −inf and 0 as they are
  };
  for (const HookName& name : hook_names(tiny.model.cfg())) {
    // An input scaled as a whole is the same input after a layer norm, up to eps.
    const Logits edited = tiny.model.run_with_hooks(tiny.ctx, tiny.clean(), {{name, twice}});
    EXPECT_FALSE(same_bits(edited.values, plain.values)) << name.str();
  }
}

TEST(RunWithHooks, AnEditOfMlpInReachesTheMlpButNotTheStream) {
  const TinyGpt2 tiny;
  const auto [_, plain] = tiny.model.run_with_cache(tiny.ctx, tiny.clean());
  const auto [__, edited] = tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all(),
                                                      {{"blocks.1.hook_mlp_in", fill_zero}});
  EXPECT_FALSE(same_bits(edited("mlp_out", 1), plain("mlp_out", 1)));
  for (std::int64_t i = 0; i < plain("resid_post", 1).size(); ++i) {
    const float expected = edited("resid_mid", 1).flat()[static_cast<std::size_t>(i)] +
                           edited("mlp_out", 1).flat()[static_cast<std::size_t>(i)];
    EXPECT_EQ(edited("resid_post", 1).flat()[static_cast<std::size_t>(i)], expected);
  }
  EXPECT_TRUE(same_bits(edited("resid_mid", 1), plain("resid_mid", 1)));
}

TEST(RunWithHooks, AnEditOfOneHeadsQInputReachesThatHeadsQueriesAlone) {
  const TinyGpt2 tiny;
  const auto [_, plain] = tiny.model.run_with_cache(tiny.ctx, tiny.clean());
  const HookFunction edit = [](TensorView view, const HookName&) {
    for (std::int64_t b = 0; b < view.shape()[0]; ++b) view(b, 3, 2, 5) += 1.0F;
  };
  const auto [__, edited] = tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all(),
                                                      {{"blocks.1.hook_q_input", edit}});
  const Tensor& was = plain("q", 1);
  const Tensor& is = edited("q", 1);
  for (std::int64_t pos = 0; pos < 12; ++pos) {
    for (std::int64_t head = 0; head < 4; ++head) {
      const bool same = same_bits(is[0][pos][head], was[0][pos][head]);
      EXPECT_EQ(same, !(pos == 3 && head == 2)) << pos << " " << head;
    }
  }
  EXPECT_TRUE(same_bits(edited("k", 1), plain("k", 1)));
  EXPECT_TRUE(same_bits(edited("v", 1), plain("v", 1)));
}

TEST(RunWithHooks, AttnInReachesQueriesKeysAndValues) {
  const TinyGpt2 tiny;
  const auto [_, plain] = tiny.model.run_with_cache(tiny.ctx, tiny.clean());
  const HookFunction edit = [](TensorView view, const HookName&) { view(0, 3, 2, 5) += 1.0F; };
  const auto [__, edited] = tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all(),
                                                      {{"blocks.1.hook_attn_in", edit}});
  for (const char* name : {"q", "k", "v"}) {
    EXPECT_FALSE(same_bits(edited(name, 1)[0][3][2], plain(name, 1)[0][3][2])) << name;
    EXPECT_TRUE(same_bits(edited(name, 1)[0][3][1], plain(name, 1)[0][3][1])) << name;
  }
}

TEST(RunWithHooks, ScoresSetToMinusInfinityCutTheEdge) {
  const TinyGpt2 tiny;
  const HookFunction cut = [](TensorView scores, const HookName&) {
    scores(0, 1, 6, 2) = -INFINITY;
    for (std::int64_t key = 0; key <= 5; ++key) scores(0, 1, 5, key) = -INFINITY;
  };
  const auto [_, cache] = tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all(),
                                                    {{"blocks.0.attn.hook_attn_scores", cut}});
  const Tensor& pattern = cache("pattern", 0);
  EXPECT_EQ(pattern(0, 1, 6, 2), 0.0F);
  EXPECT_GT(pattern(0, 1, 6, 3), 0.0F);
  for (std::int64_t key = 0; key < 12; ++key) EXPECT_EQ(pattern(0, 1, 5, key), 0.0F);
}

TEST(RunWithHooks, AttentionAboveTheDiagonalIsRefused) {
  const TinyGpt2 tiny;
  const HookFunction peek = [](TensorView pattern, const HookName&) { pattern(2, 1, 3, 7) = 0.5F; };
  EXPECT_EQ(error_of([&] {
              (void)tiny.model.run_with_hooks(tiny.ctx, tiny.clean(),
                                              {{"blocks.1.attn.hook_pattern", peek}});
            }),
            "[hooks] an edit of blocks.1.attn.hook_pattern set batch 2, head 1, query 3, key 7: a "
            "key after its query; leave entries above the diagonal at 0");
}

TEST(RunWithHooks, HooksOfOnePointRunInTheOrderInWhichTheyWereAdded) {
  const TinyGpt2 tiny;
  std::string order;
  Hooks hooks;
  hooks.add("blocks.0.hook_mlp_out", [&](TensorView, const HookName&) { order += "a"; });
  hooks.add(NamesFilter::all(), [&](TensorView, const HookName& hook) {
    if (hook.point == HookPoint::kMlpOut && hook.layer == 0) order += "b";
  });
  hooks.add("blocks.0.hook_mlp_out", [&](TensorView, const HookName&) { order += "c"; });
  (void)tiny.model.run_with_hooks(tiny.ctx, tiny.clean(), hooks);
  EXPECT_EQ(order, "abc");
}

TEST(RunWithHooks, PromptsOfDifferentLengthsAreRefusedWithTheTwoLengths) {
  const TinyGpt2 tiny;
  EXPECT_EQ(error_of([&] { (void)tiny.model.run_with_cache(tiny.ctx, tiny.ragged()); }),
            "[hooks] prompt 1 has 12 tokens and prompt 0 has 5; hooks and caches see [batch, pos, "
            "...], so run groups of equally long prompts");
}

TEST(Run, RefusesPromptsThatTheModelCannotRead) {
  const TinyGpt2 tiny;
  const auto run = [&](const Prompt& prompt) {
    return error_of([&] { (void)tiny.model.run(tiny.ctx, {{1, 2}, prompt}); });
  };
  EXPECT_EQ(run({}), "[prompt] prompt 1 is empty; a run needs at least one token");
  EXPECT_EQ(run({5, 300}), "[prompt] prompt 1 holds token 300; the vocabulary has 0 to 299");
  EXPECT_EQ(run({-1}), "[prompt] prompt 1 holds token -1; the vocabulary has 0 to 299");
  EXPECT_EQ(run(Prompt(33, 1)), "[prompt] prompt 1 has 33 tokens; tiny-gpt2 reads at most 32");
}

TEST(Run, AnswersForNoPromptsAndForAWholeContext) {
  const TinyGpt2 tiny;
  EXPECT_TRUE(tiny.model.run(tiny.ctx, {}).rows.empty());
  const Logits whole = tiny.model.run(tiny.ctx, {Prompt(32, 7)});
  EXPECT_EQ(whole.values.shape(), (Shape{32, 300}));
}

TEST(Run, ACancelledContextStopsTheRun) {
  const TinyGpt2 tiny;
  RunContext ctx;
  const Hooks hooks = {
      {"blocks.1.hook_resid_pre", [&](TensorView, const HookName&) { ctx.cancel(); }}};
  try {
    (void)tiny.model.run_with_hooks(ctx, tiny.clean(), hooks);
    FAIL() << "the run went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
}

TEST(Replay, RefusesAStartThatDoesNotFit) {
  const TinyGpt2 tiny;
  const BaseRun base = tiny.model.base_run(tiny.ctx, tiny.clean());
  const std::vector<float> values(33);
  const auto replay = [&](const HookName& name, const Row& row, std::int64_t begin,
                          std::size_t count, std::int32_t prompt = 0) {
    ReplayStart start{{prompt}, {}};
    start.edits.add(name, {row, begin, std::span(values).first(count)});
    return error_of([&] { (void)tiny.model.replay(tiny.ctx, base, start); });
  };
  const HookName resid{HookPoint::kResidPre, 0};
  EXPECT_EQ(replay({HookPoint::kResidPre, 4}, {0, 3}, 0, 32),
            "[hooks] there is no hook point \"blocks.4.hook_resid_pre\"; did you mean "
            "\"blocks.0.hook_resid_pre\"?");
  EXPECT_EQ(replay(resid, {0, 3}, 0, 32, 5), "[replay] the base run has no prompt 5");
  EXPECT_EQ(replay(resid, {0, 12}, 0, 32),
            "[edits] an edit of blocks.0.hook_resid_pre is at sequence 0, position 12, which does "
            "not exist");
  EXPECT_EQ(
      replay(resid, {0, 3}, 0, 33),
      "[edits] an edit of blocks.0.hook_resid_pre has 33 values from element 0 of a row of 32");
  EXPECT_EQ(replay({HookPoint::kPattern, 1}, {0, 3}, 12 + 2, 3),
            "[edits] an edit of blocks.1.attn.hook_pattern reaches keys after their query at "
            "sequence 0, position 3");
  EXPECT_EQ(replay({HookPoint::kAttnIn, 1}, {0, 3}, 0, 1),
            "[edits] blocks.1.hook_attn_in takes no row edits; use a hook");
  EXPECT_EQ(replay({HookPoint::kQInput, 1}, {0, 3}, 16, 32),
            "[edits] an edit of blocks.1.hook_q_input has 32 values from element 16; the input of "
            "a head is edited whole");
  EXPECT_EQ(replay({HookPoint::kEmbed, -1}, {0, 3}, 0, 32),
            "[replay] a replay begins after the embeddings; change or hook those in a whole run");
}

TEST(Replay, RefusesABaseRunOfOtherWeights) {
  const TinyGpt2 tiny;
  const TinyGpt2 same_file;
  const TinyModel llama("tiny-llama");
  const Tensor value({1, 32});
  const ReplayStart start = start_at({HookPoint::kResidPre, 0}, {0}, {{0, 3}}, value);
  for (const BaseRun& base : {same_file.model.base_run(tiny.ctx, tiny.clean()),
                              llama.model.base_run(tiny.ctx, {{1, 2}}), BaseRun()}) {
    EXPECT_EQ(error_of([&] { (void)tiny.model.replay(tiny.ctx, base, start); }),
              "[replay] the base run is of another model, or of other weights; make it with this "
              "model's base_run");
  }
  const HookedTransformer copy = tiny.model;
  EXPECT_NO_THROW((void)copy.replay(tiny.ctx, tiny.model.base_run(tiny.ctx, tiny.clean()), start));
}

TEST(Replay, TakesItsRowsInAnyOrder) {
  const TinyGpt2 tiny;
  const BaseRun base = tiny.model.base_run(tiny.ctx, tiny.clean());
  Tensor values({2, 32});
  for (std::int64_t i = 0; i < 64; ++i) values.data()[i] = static_cast<float>(i % 7) - 3.0F;
  Tensor swapped({2, 32});
  std::ranges::copy(values[0].flat(), swapped[1].data());
  std::ranges::copy(values[1].flat(), swapped[0].data());
  const auto replay = [&](const std::vector<Row>& rows, const Tensor& changed) {
    const ReplayStart start = start_at({HookPoint::kResidPre, 1}, {0}, rows, changed);
    return tiny.model.replay(tiny.ctx, base, start).values;
  };
  const Tensor expected = replay({{0, 2}, {0, 4}}, values);
  EXPECT_TRUE(same_bits(replay({{0, 4}, {0, 2}}, swapped), expected));
  EXPECT_FALSE(same_bits(replay({{0, 4}, {0, 2}}, values), expected));
}

TEST(Replay, TakesTheLaterOfTwoEditsOfOneRow) {
  const TinyGpt2 tiny;
  const BaseRun base = tiny.model.base_run(tiny.ctx, tiny.clean());
  Tensor values({2, 32});
  std::ranges::fill(values[1].flat(), 0.5F);
  const HookName name{HookPoint::kResidPre, 1};
  const Logits twice =
      tiny.model.replay(tiny.ctx, base, start_at(name, {0}, {{0, 3}, {0, 3}}, values));
  const Logits once =
      tiny.model.replay(tiny.ctx, base, start_at(name, {0}, {{0, 3}}, values.view().rows(1, 2)));
  EXPECT_TRUE(same_bits(twice.values, once.values));
}

TEST(Replay, WithoutEditsIsTheBaseRun) {
  const TinyGpt2 tiny;
  const BaseRun base = tiny.model.base_run(tiny.ctx, tiny.clean());
  const Logits expected = tiny.model.run(tiny.ctx, {tiny.clean()[1]});
  EXPECT_TRUE(same_bits(tiny.model.replay(tiny.ctx, base, {{1}, {}}).values, expected.values));
}

TEST(BaseRun, WithEditsIsTheRunThatHooksMake) {
  const TinyGpt2 tiny;
  const std::vector<Prompt> prompts = tiny.clean();
  Tensor value({1, 32});
  std::ranges::fill(value.flat(), 0.25F);
  RowEdits edits;
  edits.add_rows({HookPoint::kEmbed, -1}, std::vector<Row>{{2, 4}}, value);
  const BaseRun base = tiny.model.base_run(tiny.ctx, prompts, edits);
  const Hooks hooks = {{"hook_embed", [](TensorView embed, const HookName&) {
                          std::ranges::fill(embed[2][4].flat(), 0.25F);
                        }}};
  const Logits expected = tiny.model.run_with_hooks(tiny.ctx, prompts, hooks);
  const Logits replayed = tiny.model.replay(tiny.ctx, base, {{0, 1, 2, 3, 4}, {}});
  EXPECT_TRUE(same_bits(replayed.values, expected.values));
}

TEST(Demand, OfATokenThatIsNotThereIsRefusedBeforeAnythingRuns) {
  const TinyGpt2 tiny;
  bool ran = false;
  const Hooks hooks = {{"hook_embed", [&](TensorView, const HookName&) { ran = true; }}};
  for (const Demand::At at : {Demand::At::kNowhere, Demand::At::kLastPosition}) {
    for (const TokenId token : {-1, 300}) {
      const auto run = [&] {
        (void)tiny.model.run_with_hooks(tiny.ctx, tiny.clean(), hooks,
                                        {.logits = at, .tokens = {token}});
      };
      EXPECT_NE(error_of(run).find("the vocabulary has 0 to 299"), std::string::npos);
    }
  }
  EXPECT_FALSE(ran);
}

TEST(RunWithHooks, AHookThatWouldDoNothingIsRefused) {
  const TinyGpt2 tiny;
  const HookFunction function = [](TensorView, const HookName&) {};
  const NamesFilter no_patterns{std::vector<std::string>()};
  const NamesFilter picks_none([](const HookName&) { return false; });
  for (const NamesFilter& filter : {no_patterns, picks_none, NamesFilter()}) {
    EXPECT_EQ(
        error_of([&] {
          (void)tiny.model.run_with_hooks(tiny.ctx, tiny.clean(), {{filter, function}});
        }),
        "[hooks] a hook's filter picks no hook point of this model, so the hook would do nothing");
  }
}

TEST(RunWithCache, KeepsWhatIsOnRequestOnlyOnRequest) {
  const TinyGpt2 tiny;
  const auto standard = tiny.model.run_with_cache(tiny.ctx, tiny.clean()).second;
  EXPECT_TRUE(standard.contains({HookPoint::kPattern, 0}));
  for (const HookPoint point : {HookPoint::kAttnIn, HookPoint::kQInput, HookPoint::kKInput,
                                HookPoint::kVInput, HookPoint::kResult, HookPoint::kMlpIn}) {
    EXPECT_FALSE(standard.contains({point, 0})) << info(point).short_name;
  }
  EXPECT_EQ(standard.size(), hook_names(tiny.model.cfg()).size() - 6U * 3U);
}

// A head whose input is edited at one position keeps, at the others, what ln1's hooks made of the
// shared stream.
TEST(RunWithHooks, AnEditedInputLeavesTheOtherPositionsToLn1sHooks) {
  const TinyGpt2 tiny;
  const HookFunction edit_normalized = [](TensorView view, const HookName&) {
    for (float& value : view[0][1].flat()) value += 1.0F;
  };
  const HookFunction edit_input = [](TensorView view, const HookName&) {
    for (float& value : view[0][3][2].flat()) value -= 0.5F;
  };
  const Hooks one = {{"blocks.0.ln1.hook_normalized", edit_normalized}};
  const Hooks both = {{"blocks.0.ln1.hook_normalized", edit_normalized},
                      {"blocks.0.hook_q_input", edit_input}};
  const NamesFilter q = HookName{HookPoint::kQ, 0};
  const auto first = tiny.model.run_with_cache(tiny.ctx, {tiny.clean()[0]}, q, one).second;
  const auto second = tiny.model.run_with_cache(tiny.ctx, {tiny.clean()[0]}, q, both).second;
  const auto at = [](const ActivationCache& cache, std::int64_t pos, std::int64_t head) {
    return Tensor::copy_of(cache("q", 0).view()[0][pos][head]);
  };
  EXPECT_TRUE(same_bits(at(second, 1, 2), at(first, 1, 2)));
  EXPECT_FALSE(same_bits(at(second, 3, 2), at(first, 3, 2)));
  EXPECT_TRUE(same_bits(at(second, 3, 1), at(first, 3, 1)));
}

TEST(RunWithHooks, NumbersThatAreNoNumbersReachTheLogits) {
  const TinyGpt2 tiny;
  const HookFunction spoil = [](TensorView view, const HookName&) {
    std::ranges::fill(view.flat(), std::numeric_limits<float>::quiet_NaN());
  };
  const Logits logits =
      tiny.model.run_with_hooks(tiny.ctx, tiny.clean(), {{"blocks.0.attn.hook_q", spoil}});
  for (const float value : logits.values.flat()) EXPECT_TRUE(std::isnan(value));
}

TEST(Loss, IsTheNegativeLogProbabilityOfTheNextToken) {
  const TinyGpt2 tiny;
  const std::vector<Prompt> prompts = tiny.ragged();
  const Logits logits = tiny.model.run(tiny.ctx, prompts);
  const TokenLosses losses = loss_per_token(tiny.ctx, logits, prompts);
  EXPECT_EQ(losses.rows.size(), (5 - 1) + (12 - 1) + 0 + (8 - 1) + (3 - 1));
  double sum = 0;
  for (std::int64_t i = 0; i < losses.rows.size(); ++i) {
    const Row row = losses.rows[i];
    const auto values = logits.at(row.sequence, row.position);
    double total = 0;
    for (const float value : values) total += std::exp(static_cast<double>(value));
    const TokenId next =
        prompts[static_cast<std::size_t>(row.sequence)][static_cast<std::size_t>(row.position) + 1];
    const double expected =
        std::log(total) - static_cast<double>(values[static_cast<std::size_t>(next)]);
    EXPECT_NEAR(losses.values.flat()[static_cast<std::size_t>(i)], expected, 2e-6);
    sum += expected;
  }
  EXPECT_NEAR(losses.mean(), sum / static_cast<double>(losses.rows.size()), 1e-6);
}

TEST(Loss, RefusesLogitsOfChosenTokensAndOfOtherPrompts) {
  const TinyGpt2 tiny;
  const Logits few = tiny.model.run(tiny.ctx, tiny.clean(), {.tokens = {1, 2}});
  EXPECT_NE(
      error_of([&] { (void)loss_per_token(tiny.ctx, few, tiny.clean()); }).find("ask the run"),
      std::string::npos);
  const Logits logits = tiny.model.run(tiny.ctx, tiny.clean());
  EXPECT_EQ(error_of([&] { (void)loss_per_token(tiny.ctx, logits, tiny.ragged()); }),
            "[loss] logits at prompt 0, position 5 are not of these prompts");
}

INSTANTIATE_TEST_SUITE_P(Each, RunWithHooksOnEachModel, ::testing::ValuesIn(kTinyModels),
                         model_test_name);

}  // namespace
}  // namespace patchbay
