// The residual stream taken apart and its direct attributions, against float64 values from
// TransformerLens 2.16.1 (scripts/make_tiny_gpt2_analysis_golden.py).
#include "patchbay/model/residual_stack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "patchbay/model/logit_attribution.h"
#include "patchbay/model/weight_processing.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

// Of the largest magnitude in the stack. The reference's activations are rounded to float once
// before patchbay reads them, and the results once more.
constexpr double kBound = 5e-7;
constexpr std::int64_t kEnd = -1;

// The reference's activations, rounded to float: the forward pass has no part in these tests.
struct Analysis : TinyGpt2 {
  SafetensorsFile golden =
      SafetensorsFile::open(golden_folder("tiny-gpt2") / "analysis.safetensors");
  ActivationCache cache{model.cfg()};
  std::vector<TokenId> answer = tokens("tokens.answer");
  std::vector<TokenId> wrong = tokens("tokens.wrong");

  Analysis() {
    for (const HookName& name : hook_names(model.cfg())) {
      if (name.point == HookPoint::kResult) continue;  // head results are made from z
      cache.insert(name, reference.read("hook." + name.str()));
    }
  }
  [[nodiscard]] const Weights& weights() const { return model.weights(); }
  [[nodiscard]] std::vector<TokenId> tokens(const char* name) const {
    const std::vector<std::int64_t> ids = reference.read_integers(name);
    return {ids.begin(), ids.end()};
  }
  [[nodiscard]] std::vector<std::string> labels(const std::string& name) const {
    std::istringstream words(golden.metadata().at(name));
    return {std::istream_iterator<std::string>(words), {}};
  }
  // logit(answer) − logit(wrong) of the golden logits at one position, per prompt.
  [[nodiscard]] std::vector<double> logit_differences(std::size_t pos) const {
    const std::vector<double> logits = reference.read_doubles("logits");  // [5, 12, 300]
    std::vector<double> result;
    for (std::size_t i = 0; i < 5; ++i) {
      const double* row = logits.data() + (i * 12 + pos) * 300;
      result.push_back(row[answer[i]] - row[wrong[i]]);
    }
    return result;
  }
};

double distance(std::span<const float> values, const std::vector<double>& expected) {
  EXPECT_EQ(values.size(), expected.size());
  if (values.size() != expected.size()) return INFINITY;
  double worst = 0.0;
  double scale = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(values[i]) - expected[i]));
    scale = std::max(scale, std::abs(expected[i]));
  }
  return worst / scale;
}

void expect_golden(const Analysis& a, const ResidualStack& stack, const std::string& name) {
  EXPECT_EQ(stack.labels, a.labels(name)) << name;
  EXPECT_EQ(stack.values.shape(), Shape(a.golden.find(name)->shape)) << name;
  EXPECT_LE(distance(stack.values.flat(), a.golden.read_doubles(name)), kBound) << name;
}

// Σ over components, one number per prompt (and position).
std::vector<double> sum_of_components(const Tensor& values) {
  const auto rows = static_cast<std::size_t>(values.size() / values.shape()[0]);
  std::vector<double> sums(rows, 0.0);
  for (std::size_t i = 0; i < values.flat().size(); ++i) {
    sums[i % rows] += static_cast<double>(values.flat()[i]);
  }
  return sums;
}

double largest(const Tensor& values) {
  double worst = 0.0;
  for (const float value : values.flat())
    worst = std::max(worst, std::abs(static_cast<double>(value)));
  return worst;
}

template <class Action>
std::string usage_error(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ResidualStack, AccumulatedResidIsTransformerLenses) {
  const Analysis a;
  expect_golden(a, accumulated_resid(a.cache, {.incl_mid = true, .pos = kEnd}),
                "accumulated_resid");
  expect_golden(a, accumulated_resid(a.cache, {.layer = 2, .pos = 11}),
                "accumulated_resid.layer_2");
  expect_golden(a, accumulated_resid(a.cache, {.layer = 1, .mlp_input = true, .pos = kEnd}),
                "accumulated_resid.layer_1_mlp_input");
}

TEST(ResidualStack, DecomposeResidIsTransformerLenses) {
  const Analysis a;
  expect_golden(a, decompose_resid(a.cache, {.pos = kEnd}), "decompose_resid");
  expect_golden(a, decompose_resid(a.cache, {.layer = 2, .mlp_input = true, .pos = kEnd}),
                "decompose_resid.layer_2_mlp_input");
  expect_golden(
      a,
      decompose_resid(a.cache, {.mode = DecomposeMode::kAttn, .incl_embeds = false, .pos = kEnd}),
      "decompose_resid.attn");
  expect_golden(a, decompose_resid(a.cache, {.mode = DecomposeMode::kMlp, .pos = kEnd}),
                "decompose_resid.mlp");
}

TEST(ResidualStack, HeadAndNeuronResultsAreTransformerLenses) {
  const Analysis a;
  expect_golden(
      a, stack_head_results(a.ctx, a.cache, a.weights(), {.incl_remainder = true, .pos = kEnd}),
      "stack_head_results");
  expect_golden(a, stack_head_results(a.ctx, a.cache, a.weights(), {.layer = 1, .pos = kEnd}),
                "stack_head_results.layer_1");
  expect_golden(a,
                stack_neuron_results(
                    a.cache, a.weights(),
                    {.layer = 2, .neurons = {0, 7, 127}, .incl_remainder = true, .pos = kEnd}),
                "stack_neuron_results");
}

TEST(ResidualStack, NeuronsOfChosenLayersAreThoseOfTheWholeStack) {
  const Analysis a;
  const ResidualStack all = stack_neuron_results(a.cache, a.weights(), {.neurons = {0, 7}});
  const ResidualStack some =
      stack_neuron_results(a.cache, a.weights(), {.layers = {2, 0}, .neurons = {0, 7}});
  EXPECT_EQ(some.labels, (std::vector<std::string>{"L0N0", "L0N7", "L2N0", "L2N7"}));
  for (const auto& [one, other] : {std::pair{0, 0}, {1, 1}, {2, 4}, {3, 5}}) {
    EXPECT_TRUE(
        std::ranges::equal(some.values.view()[one].flat(), all.values.view()[other].flat()));
  }
}

TEST(ResidualStack, OnePositionIsThatPositionOfAllOfThem) {
  const Analysis a;
  const HeadResultsOptions options = {.incl_remainder = true};
  const ResidualStack all = stack_head_results(a.ctx, a.cache, a.weights(), options);
  const ResidualStack one =
      stack_head_results(a.ctx, a.cache, a.weights(), {.incl_remainder = true, .pos = 3});
  ASSERT_EQ(all.values.shape(), Shape({13, 5, 12, 32}));
  ASSERT_EQ(one.values.shape(), Shape({13, 5, 32}));
  EXPECT_EQ(one.pos, 3);
  for (std::int64_t component = 0; component < 13; ++component) {
    for (std::int64_t prompt = 0; prompt < 5; ++prompt) {
      EXPECT_TRUE(std::ranges::equal(one.values[component][prompt].flat(),
                                     all.values[component][prompt][3].flat()));
    }
  }
}

TEST(ResidualStack, HeadResultsFromZHaveTheBitsOfHookResult) {
  const TinyGpt2 tiny;
  const auto keep = [&](std::vector<std::string> names) {
    return tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter(std::move(names))).second;
  };
  const ActivationCache from_z = keep({"*.hook_z"});
  const ActivationCache from_result = keep({"*.hook_result"});
  const auto stack = [&](const ActivationCache& cache) {
    return stack_head_results(tiny.ctx, cache, tiny.model.weights());
  };
  const ResidualStack a = stack(from_z);
  const ResidualStack b = stack(from_result);
  ASSERT_EQ(a.values.shape(), Shape({12, 5, 12, 32}));
  ASSERT_EQ(a.values.size(), b.values.size());
  EXPECT_EQ(std::memcmp(a.values.data(), b.values.data(), a.values.flat().size_bytes()), 0);
}

TEST(ResidualStack, HeadsAndRemainderAddUpToTheStream) {
  const Analysis a;
  const ResidualStack stack =
      stack_head_results(a.ctx, a.cache, a.weights(), {.incl_remainder = true});
  const std::vector<double> expected = a.reference.read_doubles("hook.blocks.2.hook_resid_post");
  std::vector<float> sums;
  for (const double sum : sum_of_components(stack.values)) sums.push_back(static_cast<float>(sum));
  EXPECT_LE(distance(sums, expected), kBound);
}

TEST(ResidualStack, BeforeLayerZeroThereAreNoHeadsAndTheRemainderIsTheEmbedding) {
  const Analysis a;
  const ResidualStack none = stack_head_results(a.ctx, a.cache, a.weights(), {.layer = 0});
  EXPECT_EQ(none.values.shape(), Shape({0, 5, 12, 32}));
  const ResidualStack rest =
      stack_head_results(a.ctx, a.cache, a.weights(), {.layer = 0, .incl_remainder = true});
  EXPECT_EQ(rest.labels, std::vector<std::string>{"remainder"});
  EXPECT_TRUE(std::ranges::equal(rest.values.flat(), a.cache("resid_pre", 0).flat()));
}

TEST(LogitAttribution, TransformerLensesMeaningIsTransformerLenses) {
  const Analysis a;
  const LayerNormMeaning theirs = LayerNormMeaning::kTransformerLens;
  const ResidualStack parts = decompose_resid(a.cache, {.pos = kEnd});
  const ResidualStack mlp_input =
      decompose_resid(a.cache, {.layer = 2, .mlp_input = true, .pos = kEnd});
  const auto normalized = [&](const ResidualStack& stack, const ApplyLnOptions& options) {
    return apply_ln_to_stack(a.cache, a.weights(), stack, options).values;
  };
  EXPECT_LE(distance(normalized(parts, {.meaning = theirs}).flat(),
                     a.golden.read_doubles("apply_ln_to_stack")),
            kBound);
  EXPECT_LE(
      distance(normalized(mlp_input, {.layer = 2, .mlp_input = true, .meaning = theirs}).flat(),
               a.golden.read_doubles("apply_ln_to_stack.layer_2_mlp_input")),
      kBound);

  const auto expect_attrs = [&](const char* name, const ResidualStack& stack,
                                std::vector<TokenId> tokens, std::vector<TokenId> incorrect) {
    const LogitAttributions attrs = logit_attrs(
        a.cache, a.weights(), stack,
        {.tokens = std::move(tokens), .incorrect_tokens = std::move(incorrect), .meaning = theirs});
    EXPECT_EQ(attrs.labels, stack.labels) << name;
    EXPECT_EQ(attrs.values.shape(), Shape(a.golden.find(name)->shape)) << name;
    EXPECT_LE(distance(attrs.values.flat(), a.golden.read_doubles(name)), kBound) << name;
  };
  expect_attrs("logit_attrs.decompose_resid", parts, a.answer, a.wrong);
  expect_attrs(
      "logit_attrs.stack_head_results",
      stack_head_results(a.ctx, a.cache, a.weights(), {.incl_remainder = true, .pos = kEnd}),
      a.answer, a.wrong);
  expect_attrs("logit_attrs.accumulated_resid",
               accumulated_resid(a.cache, {.incl_mid = true, .pos = kEnd}), a.answer, a.wrong);
  expect_attrs("logit_attrs.one_token", parts, a.answer, {});

  std::vector<TokenId> next;  // [batch·pos], each prompt turned by one
  for (Prompt prompt : a.clean()) {
    std::rotate(prompt.begin(), prompt.begin() + 1, prompt.end());
    next.insert(next.end(), prompt.begin(), prompt.end());
  }
  expect_attrs("logit_attrs.next_tokens", decompose_resid(a.cache), next, {});
}

TEST(LogitAttribution, CompletePartsAddUpToTheLogitDifference) {
  const Analysis a;
  const std::vector<double> expected = a.logit_differences(11);
  const LogitAttrsOptions difference = {.tokens = a.answer, .incorrect_tokens = a.wrong};
  for (const ResidualStack& stack :
       {decompose_resid(a.cache, {.pos = kEnd}),
        stack_head_results(a.ctx, a.cache, a.weights(), {.incl_remainder = true, .pos = kEnd}),
        stack_neuron_results(a.cache, a.weights(), {.incl_remainder = true, .pos = kEnd})}) {
    const LogitAttributions attrs = logit_attrs(a.cache, a.weights(), stack, difference);
    EXPECT_EQ(attrs.labels.back(), "bias");
    const std::vector<double> sums = sum_of_components(attrs.values);
    const double bound = 1e-6 * largest(attrs.values);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(sums[i], expected[i], bound) << "prompt " << i;
  }
}

TEST(LogitAttribution, TransformerLensesMeaningDoesNotAddUpOnRawWeights) {
  const Analysis a;
  const LogitAttributions attrs =
      logit_attrs(a.cache, a.weights(), decompose_resid(a.cache, {.pos = kEnd}),
                  {.tokens = a.answer,
                   .incorrect_tokens = a.wrong,
                   .meaning = LayerNormMeaning::kTransformerLens});
  const std::vector<double> sums = sum_of_components(attrs.values);
  const std::vector<double> expected = a.logit_differences(11);
  double worst = 0.0;
  for (std::size_t i = 0; i < 5; ++i) worst = std::max(worst, std::abs(sums[i] - expected[i]));
  EXPECT_GT(worst, 1e-2 * largest(attrs.values));
}

TEST(LogitAttribution, CompletePartsAddUpToEveryLogitOfFoldedWeightsToo) {
  const TinyGpt2 tiny;
  LoadedCheckpoint loaded = tiny.checkpoint();
  const HookedTransformer folded(
      tiny.ctx, loaded.cfg,
      process_weights(std::move(loaded.weights),
                      {.fold_layer_norm = true, .center_unembed = true}));
  const auto [logits, cache] = folded.run_with_cache(tiny.ctx, tiny.clean());
  const LogitAttributions attrs =
      logit_attrs(cache, folded.weights(), decompose_resid(cache), {.tokens = {17}});
  ASSERT_EQ(attrs.values.shape(), Shape({9, 5, 12}));
  const std::vector<double> sums = sum_of_components(attrs.values);
  for (std::size_t row = 0; row < sums.size(); ++row) {
    const auto logit = static_cast<double>(logits.values(static_cast<std::int64_t>(row), 17));
    EXPECT_NEAR(sums[row], logit, 1e-6 * largest(attrs.values)) << "row " << row;
  }
}

TEST(LogitAttribution, TheFinalStateAttributesTheWholeLogitDifference) {
  const Analysis a;
  const LogitAttributions lens =
      logit_attrs(a.cache, a.weights(), accumulated_resid(a.cache, {.pos = kEnd}),
                  {.tokens = a.answer, .incorrect_tokens = a.wrong});
  ASSERT_EQ(lens.labels, (std::vector<std::string>{"0_pre", "1_pre", "2_pre", "final_post"}));
  const std::vector<double> expected = a.logit_differences(11);
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(static_cast<double>(lens.values(3, i)), expected[static_cast<std::size_t>(i)],
                1e-6 * largest(lens.values));
  }
}

TEST(LogitAttribution, CompletePartsAddUpToTheLayerNormsOutput) {
  const Analysis a;
  const ResidualStack parts = decompose_resid(a.cache, {.layer = 1, .mlp_input = true});
  const ResidualStack normalized =
      apply_ln_to_stack(a.cache, a.weights(), parts, {.layer = 1, .mlp_input = true});
  EXPECT_EQ(normalized.labels.back(), "bias");
  std::vector<float> sums;
  for (const double sum : sum_of_components(normalized.values)) {
    sums.push_back(static_cast<float>(sum));
  }
  EXPECT_LE(distance(sums, a.reference.read_doubles("hook.blocks.1.ln2.hook_normalized")), 2e-6);
}

TEST(LogitAttribution, WrongCallsSayWhatIsWrong) {
  const Analysis a;
  const ResidualStack parts = decompose_resid(a.cache, {.pos = kEnd});
  const auto attrs = [&](const ResidualStack& stack, const LogitAttrsOptions& options) {
    return usage_error([&] { (void)logit_attrs(a.cache, a.weights(), stack, options); });
  };
  EXPECT_EQ(attrs(parts, {.tokens = {1, 2}}),
            "[logit attribution] 2 tokens for 5 prompts; give one for all, one per prompt");
  EXPECT_EQ(attrs(parts, {.tokens = {300}}),
            "[logit attribution] there is no token 300; the vocabulary has 300");
  EXPECT_EQ(attrs(parts, {.tokens = {1}, .incorrect_tokens = {2, 3}}),
            "[logit attribution] 1 tokens and 2 incorrect tokens; give as many of both");
  EXPECT_EQ(attrs(apply_ln_to_stack(a.cache, a.weights(), parts), {.tokens = {1}}),
            "[logit attribution] this stack went through a LayerNorm already; give the stack as it "
            "was before");
  ResidualStack unmarked = parts;
  unmarked.pos.reset();
  EXPECT_NE(attrs(unmarked, {.tokens = {1}}).find("needs [8, 5, 12, 32]"), std::string::npos);
}

TEST(ResidualStack, WrongCallsSayWhatIsWrong) {
  const Analysis a;
  EXPECT_EQ(usage_error([&] { (void)decompose_resid(a.cache, {.layer = 4}); }),
            "[residual stack] there is no input of layer 4; give 0 to 3, or -1 for the end");
  EXPECT_EQ(usage_error([&] { (void)decompose_resid(a.cache, {.mlp_input = true}); }),
            "[residual stack] there is no MLP input of layer 3; give 0 to 2");
  EXPECT_EQ(usage_error([&] { (void)accumulated_resid(a.cache, {.pos = 12}); }),
            "[residual stack] there is no position 12; the prompts have 12 tokens");
  EXPECT_EQ(
      usage_error([&] { (void)stack_neuron_results(a.cache, a.weights(), {.neurons = {128}}); }),
      "[residual stack] there is no neuron 128; a layer has 128");
  EXPECT_EQ(usage_error([&] {
              (void)stack_neuron_results(a.cache, a.weights(), {.layer = 2, .layers = {2}});
            }),
            "[residual stack] there is no layer 2 before the stack's end; there are 0 to 1");
  EXPECT_NE(usage_error([&] {
              (void)decompose_resid(ActivationCache({.n_layers = 3}));
            }).find("hook_embed"),
            std::string::npos);
}

}  // namespace
}  // namespace patchbay
