// Traits that no family has yet: what a model with them lacks, and which methods refuse it because
// they would be wrong there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/error.h"
#include "patchbay/model/head_circuits.h"
#include "patchbay/model/logit_attribution.h"
#include "patchbay/model/residual_stack.h"
#include "patchbay/model/weight_processing.h"
#include "tests/support/error_text.h"
#include "tests/support/hooks_that_write.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using enum HookPoint;

// The largest |sum of components − state| of the stream.
double distance_from_sum(const ResidualStack& stack, ConstTensorView state) {
  const std::int64_t n = state.size();
  double largest = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t c = 0; c < stack.labels.size(); ++c) {
      sum += static_cast<double>(stack.values.data()[static_cast<std::int64_t>(c) * n + i]);
    }
    largest = std::max(largest, std::abs(sum - static_cast<double>(state.data()[i])));
  }
  return largest;
}

class Architectures : public ::testing::TestWithParam<const char*> {
 protected:
  TinyModel tiny_{GetParam()};
  const HookedTransformerConfig& cfg_ = tiny_.model.cfg();
  ActivationCache cache_ =
      tiny_.model.run_with_cache(tiny_.ctx, tiny_.clean(), NamesFilter::all()).second;
};

TEST_P(Architectures, WhatBlocksAddSumsToTheStream) {
  const HookName last = {kResidPost, static_cast<int>(cfg_.n_layers) - 1};
  EXPECT_LE(distance_from_sum(decompose_resid(cache_), cache_[last]), 1e-4);
  if (cfg_.attn_only) return;
  // What the MLP of layer 1 reads.
  const ResidualStack read = decompose_resid(cache_, {.layer = 1, .mlp_input = true});
  EXPECT_LE(distance_from_sum(read, cache_[HookName{kMlpIn, 1}]), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Each, Architectures, ::testing::ValuesIn(kTinyArchitectures),
                         model_test_name);

TEST(ParallelBlocks, HaveNoStateBetweenAttentionAndMlp) {
  const TinyModel tiny("tiny-neox");
  const ActivationCache cache =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all()).second;
  EXPECT_FALSE(info(kResidMid).is_in(tiny.model.cfg()));
  EXPECT_EQ(error_of([&] { accumulated_resid(cache, {.incl_mid = true}); }),
            "[residual stack] in this model attention and MLP are parallel, so there is no state "
            "between them; leave incl_mid out");
  const ResidualStack states = accumulated_resid(cache, {.layer = 1, .mlp_input = true});
  EXPECT_EQ(states.labels.back(), "1_pre");  // what the MLP reads
  const BaseRun base = tiny.model.base_run(tiny.ctx, tiny.clean());
  RowRead read{{kResidMid, 1}, RowSet({{0, 0}}), {}};
  EXPECT_THROW(tiny.model.replay_rows(tiny.ctx, base, {{0}, {}}, {&read, 1}), Error);
}

// A replay drops rows that come out as they were, and may not take the MLP's input for one.
TEST(ParallelBlocks, ReadAStreamThatAttentionPutsBackAsItWas) {
  const TinyModel tiny("tiny-neox");
  const BaseRun base = tiny.model.base_run(tiny.ctx, tiny.clean());
  const Tensor& mid = base.layers[1].resid_mid;
  const std::vector<float> nothing(static_cast<std::size_t>(tiny.model.cfg().d_model));
  RowEdits edits;
  for (std::int32_t position = 0; position < 9; ++position) {  // every row of prompt 0
    edits.add({kResidPre, 1}, {{0, position}, 0, mid[position].flat()});
    edits.add({kAttnOut, 1}, {{0, position}, 0, nothing});
  }
  const Logits replayed = tiny.model.replay(tiny.ctx, base, {{0}, edits});
  const Logits whole =
      tiny.model.run_with_hooks(tiny.ctx, {tiny.clean()[0]}, hooks_that_write(edits));
  EXPECT_TRUE(std::ranges::equal(replayed.values.flat(), whole.values.flat()));
  const Logits before = tiny.model.run(tiny.ctx, {tiny.clean()[0]});
  EXPECT_FALSE(std::ranges::equal(whole.values.flat(), before.values.flat()));
}

TEST(NormsBehindSublayers, AreRefusedWhereHeadsWouldHaveToAddUp) {
  const TinyModel tiny("tiny-gemma2");
  const Weights& weights = tiny.model.weights();
  const ActivationCache cache =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all()).second;
  const std::string reason =
      "this model normalises what attention and MLPs give before it is added to the stream "
      "(ln1_post, ln2_post), so single heads and neurons do not add up; take whole outputs "
      "(attn_out, mlp_out), or patch runs instead";
  EXPECT_EQ(error_of([&] { stack_head_results(tiny.ctx, cache, weights); }),
            "[residual stack] " + reason);
  EXPECT_EQ(error_of([&] { stack_neuron_results(cache, weights); }), "[residual stack] " + reason);
  EXPECT_THROW(OV(weights, 0, 0), Error);
  EXPECT_THROW(QK(TinyModel("tiny-qwen3").model.weights(), 0, 0), Error);
}

TEST(CappedLogits, AreNeitherAttributedNorCentred) {
  const TinyModel tiny("tiny-gemma2");
  const ActivationCache cache =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all()).second;
  EXPECT_THROW(logit_attrs(cache, tiny.model.weights(), decompose_resid(cache), {.tokens = {1}}),
               Error);
  const Weights centred = process_weights(tiny.model.weights(), {.center_unembed = true});
  EXPECT_THROW(HookedTransformer(tiny.ctx, tiny.model.cfg(), centred), Error);
}

TEST(AttentionAlone, HasNoMlpAndNothingOfOne) {
  const TinyModel tiny("tiny-native-attn-only");
  const HookedTransformerConfig& cfg = tiny.model.cfg();
  const Weights& weights = tiny.model.weights();
  for (const HookPoint point : {kResidMid, kMlpIn, kLn2Scale, kMlpPre, kMlpPost, kMlpOut}) {
    EXPECT_FALSE(info(point).is_in(cfg));
  }
  const ActivationCache cache =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all()).second;
  EXPECT_EQ(decompose_resid(cache).labels,
            (std::vector<std::string>{"embed", "0_attn_out", "1_attn_out"}));
  EXPECT_EQ(error_of([&] { decompose_resid(cache, {.layer = 0, .mlp_input = true}); }),
            "[residual stack] this model has no MLPs; leave mlp_input out");
  EXPECT_EQ(error_of([&] { accumulated_resid(cache, {.incl_mid = true}); }),
            "[residual stack] in this model no MLP comes after attention, so there is no state "
            "between them; leave incl_mid out");
  EXPECT_EQ(error_of([&] { stack_neuron_results(cache, weights); }),
            "[residual stack] this model has no MLPs, so it has no neurons");
  RowEdits edits;
  const std::vector<float> nothing(static_cast<std::size_t>(cfg.d_model));
  edits.add({kMlpOut, 0}, {{0, 0}, 0, nothing});
  EXPECT_THROW((void)tiny.model.base_run(tiny.ctx, tiny.clean(), edits), Error);
}

// Positions enter queries and keys behind the norm, so what folds the norm or centres them would
// change the model.
TEST(PositionsAtQueriesAndKeys, AreRefusedInWeightsThatWouldNotGiveTheSameLogits) {
  const TinyModel tiny("tiny-native-attn-only");
  for (const WeightProcessing& wanted :
       {WeightProcessing{.fold_layer_norm = true}, {.center_writing_weights = true}}) {
    const Weights processed = process_weights(tiny.model.weights(), wanted);
    EXPECT_THROW(HookedTransformer(tiny.ctx, tiny.model.cfg(), processed), Error);
  }
  const Weights processed =
      process_weights(tiny.model.weights(), {.center_unembed = true, .fold_value_biases = true});
  const HookedTransformer model(tiny.ctx, tiny.model.cfg(), processed);
  const ActivationCache cache = model.run_with_cache(tiny.ctx, tiny.clean()).second;
  const ActivationCache before = tiny.model.run_with_cache(tiny.ctx, tiny.clean()).second;
  const HookName last = {kResidPost, 1};
  for (std::int64_t i = 0; i < before[last].size(); ++i) {
    ASSERT_NEAR(cache[last].data()[i], before[last].data()[i], 1e-5);
  }
}

// An edit of the vectors of a base run is one of its replays too.
TEST(PositionsAtQueriesAndKeys, AreTheBaseRunsInItsReplays) {
  const TinyModel tiny("tiny-native-attn-only");
  const std::vector<float> other(static_cast<std::size_t>(tiny.model.cfg().d_model), 0.25F);
  RowEdits positions;
  positions.add({kPosEmbed, -1}, {{0, 3}, 0, other});
  RowEdits edits;
  edits.add({kResidPre, 1}, {{0, 2}, 0, other});
  const BaseRun base = tiny.model.base_run(tiny.ctx, {tiny.clean()[0]}, positions);
  const Logits replayed = tiny.model.replay(tiny.ctx, base, {{0}, edits});
  edits.add({kPosEmbed, -1}, {{0, 3}, 0, other});
  const Logits whole =
      tiny.model.run_with_hooks(tiny.ctx, {tiny.clean()[0]}, hooks_that_write(edits));
  EXPECT_TRUE(std::ranges::equal(replayed.values.flat(), whole.values.flat()));
}

TEST(ProcessedWeights, GiveTheProcessedLogitsOfEveryArchitecture) {
  for (const char* name : {"tiny-neox", "tiny-gptj", "tiny-gemma2", "tiny-qwen3"}) {
    const TinyModel tiny(name);
    const HookedTransformerConfig& cfg = tiny.model.cfg();
    const Weights processed =
        process_weights(tiny.model.weights(), {.fold_layer_norm = true,
                                               .center_writing_weights = !cfg.is_rms(),
                                               .center_unembed = cfg.output_logits_soft_cap == 0,
                                               .fold_value_biases = true});
    const HookedTransformer model(tiny.ctx, cfg, processed);
    const Logits logits = model.run(tiny.ctx, tiny.clean());
    const std::vector<double> expected = tiny.reference.read_doubles("processed.logits");
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(logits.values.flat()[i]), expected[i], 2e-5) << name;
    }
  }
}

TEST(Windows, AnEditOfAKeyThatIsNotSeenIsRefused) {
  const TinyModel tiny("tiny-gemma2");  // layer 0: a window of 4
  const std::vector<float> value = {0.5F};
  RowEdits edits;
  edits.add({kPattern, 0}, {{0, 6}, 2, value});
  EXPECT_EQ(error_of([&] { (void)tiny.model.base_run(tiny.ctx, tiny.clean(), edits); }),
            "[edits] an edit of blocks.0.attn.hook_pattern reaches keys before their query's "
            "window at sequence 0, position 6");
  const HookFunction write = [](TensorView view, const HookName&) { view(0, 1, 6, 2) = 0.5F; };
  EXPECT_EQ(
      error_of([&] {
        (void)tiny.model.run_with_hooks(tiny.ctx, tiny.clean(), {{HookName{kPattern, 0}, write}});
      }),
      "[hooks] an edit of blocks.0.attn.hook_pattern set batch 0, head 1, query 6, key 2: a "
      "key before its query's window; leave entries outside of the window at 0");
}

TEST(ModelsWithoutNorms, ReadTheStreamAsItIs) {
  const TinyGpt2 tiny;
  HookedTransformerConfig cfg = tiny.model.cfg();
  cfg.normalization_type = NormKind::kNone;
  Weights weights = tiny.model.weights();
  for (BlockWeights& block : weights.blocks) block.ln1 = block.ln2 = {};
  weights.ln_final = {};
  const HookedTransformer model(tiny.ctx, cfg, weights);
  const ActivationCache cache =
      model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all()).second;
  EXPECT_FALSE(info(kLn1Scale).is_in(cfg) || info(kLnFinalNormalized).is_in(cfg));
  const Tensor& stream = cache[HookName{kResidPre, 1}];  // [batch, pos, d_model]
  const Tensor& q = cache[HookName{kQ, 1}];              // [batch, pos, head_index, d_head]
  const AttentionWeights& attn = weights.blocks[1].attn;
  double sum = attn.b_Q(2, 3);
  for (std::int64_t i = 0; i < cfg.d_model; ++i) {
    sum += static_cast<double>(stream(4, 7, i)) * static_cast<double>(attn.W_Q(2, i, 3));
  }
  EXPECT_NEAR(static_cast<double>(q(4, 7, 2, 3)), sum, 1e-5);
}

TEST(Config, RefusesTraitsThatContradictEachOther) {
  const auto error_with = [](const auto& change) {
    HookedTransformerConfig cfg = TinyGpt2().model.cfg();
    change(cfg);
    return error_of([&] { cfg.check(); });
  };
  EXPECT_EQ(error_with([](auto& cfg) { cfg.attn_types = {AttentionType::kLocal}; }),
            "[config] attn_types has 1 entries for 3 layers");
  EXPECT_EQ(error_with([](auto& cfg) { cfg.attn_types.assign(3, AttentionType::kLocal); }),
            "[config] window_size is 0; local layers need a positive one");
  EXPECT_EQ(error_with([](auto& cfg) { cfg.output_logits_soft_cap = -1.0F; }),
            "[config] output_logits_soft_cap is -1; it must be positive, or 0 for none");
  EXPECT_EQ(error_with([](auto& cfg) { cfg.attn_only = true; }),
            "[config] attn_only is true, so there is no MLP; set d_mlp to 0, gated_mlp and "
            "parallel_attn_mlp to false");
  EXPECT_EQ(error_with([](auto& cfg) { cfg.rotary_dim = 10; }),
            "[config] rotary_dim is 10; it must be even and at most d_head, which is 8");
}

}  // namespace
}  // namespace patchbay
