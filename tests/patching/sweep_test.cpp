// The engine against its twin, bit for bit: every site, direction, source and metric.
#include <gtest/gtest.h>

#include <cmath>

#include "patchbay/patching/session.h"
#include "patchbay/tasks/task.h"
#include "tests/support/plain_runs.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"
#include "tests/support/twin_runs.h"

namespace patchbay {
namespace {

using enum HookPoint;

std::vector<HookPoint> sites_of(const HookedTransformerConfig& cfg) {
  std::vector<HookPoint> sites;
  for (const HookPointInfo& point : hook_points()) {
    if (point.is_site() && point.is_in(cfg)) sites.push_back(point.point);
  }
  return sites;
}

// Each site by layer, by layer and position, by named position, and, where it has them, by head and
// by some neurons; attention also by destination and source.
std::vector<Intervention> variants_of(const HookedTransformerConfig& cfg, HookPoint site) {
  std::vector<Intervention> variants;
  for (int layer = 0; layer < cfg.n_layers; ++layer) {
    variants.push_back({{.site = site, .layer = layer}});
    for (std::int32_t position = 0; position < 12; position += 5) {
      variants.push_back({{.site = site, .layer = layer, .positions = Positions::at(position)}});
    }
    for (std::size_t name = 0; name < 3; ++name) {
      variants.push_back({{.site = site, .layer = layer, .positions = Positions::named(name)}});
    }
    for (std::int64_t head = 0; head < heads_of(cfg, site); ++head) {
      variants.push_back({{.site = site, .layer = layer, .head = head}});
      variants.push_back(
          {{.site = site, .layer = layer, .head = head, .positions = Positions::named(1)}});
      if (!is_attention(site)) continue;
      variants.push_back({{.site = site,
                           .layer = layer,
                           .head = head,
                           .positions = Positions::at(6),
                           .keys = Positions::at(2)}});
      variants.push_back({{.site = site, .layer = layer, .head = head, .keys = Positions::at(7)}});
    }
    if (info(site).unit() == Unit::kNeuron) {
      variants.push_back({{.site = site, .layer = layer, .neuron = 7}});
      variants.push_back(
          {{.site = site, .layer = layer, .neuron = 70, .positions = Positions::named(2)}});
    }
  }
  return variants;
}

void expect_same(const RunContext& plain_ctx, const HookedTransformer& model,
                 const PromptSet& prompts, const Sweep& sweep, std::int64_t small_memory,
                 const std::string& what) {
  const SweepResult plain = run_sweep_plainly(plain_ctx, model, prompts, sweep);
  for (const RunOptions& options : twin_runs(small_memory)) {
    const RunContext ctx(options);
    const SweepResult fast = run_sweep(ctx, model, prompts, sweep);
    // From runs that are kept for later questions, of both sides where memory holds them.
    EXPECT_EQ(differing(Session(ctx, model, prompts).run(sweep).values, plain.values), 0) << what;
    EXPECT_EQ(differing(fast.values, plain.values), 0) << what << ", " << options.max_memory;
    EXPECT_EQ(differing(fast.baselines.clean, plain.baselines.clean), 0) << what;
    EXPECT_EQ(differing(fast.baselines.corrupted, plain.baselines.corrupted), 0) << what;
    EXPECT_EQ(fast.unchanged, plain.unchanged) << what;
  }
}

class SweepTwin : public ::testing::TestWithParam<const char*> {
 protected:
  // The budget holds one or two prompts and a few replays.
  void expect_same(const PromptSet& prompts, const Sweep& sweep, const std::string& what) {
    patchbay::expect_same(tiny_.ctx, tiny_.model, prompts, sweep, 700'000, what);
  }

  TinyModel tiny_{GetParam()};
};

TEST_P(SweepTwin, EqualsWholePassesForEverySiteAndDirection) {
  for (const PromptSet& prompts : {reference_pairs(tiny_), ragged_pairs(tiny_)}) {
    for (const HookPoint site : sites_of(tiny_.model.cfg())) {
      for (const Direction direction : {Direction::kNoise, Direction::kDenoise}) {
        expect_same(prompts,
                    {.direction = direction,
                     .variants = variants_of(tiny_.model.cfg(), site),
                     .metric = metrics::find("logit_diff")},
                    std::string(info(site).short_name));
      }
    }
  }
}

TEST_P(SweepTwin, EqualsWholePassesForEverySource) {
  const PromptSet prompts = reference_pairs(tiny_);
  for (const SourceKind kind : kSourceKinds) {
    std::vector<Intervention> variants;
    for (const HookPoint site : {kResidPre, kZ, kK, kMlpOut, kMlpPost}) {
      if (!info(site).is_in(tiny_.model.cfg())) continue;
      const auto some = variants_of(tiny_.model.cfg(), site);
      variants.insert(variants.end(), some.begin(), some.end());
    }
    if (kind != SourceKind::kMean) {
      const auto some = variants_of(tiny_.model.cfg(), kPattern);
      variants.insert(variants.end(), some.begin(), some.end());
    }
    expect_same(prompts,
                {.direction = Direction::kNoise,
                 .variants = variants,
                 .source = {.kind = kind, .seed = 5, .sigma = 0.3},
                 .metric = metrics::find("logit_diff")},
                std::string(name_of(kind)));
  }
}

TEST_P(SweepTwin, EqualsWholePassesForEveryMetric) {
  const PromptSet prompts = ragged_pairs(tiny_);
  for (const metrics::Metric* metric : metrics::all()) {
    for (const Direction direction : {Direction::kNoise, Direction::kDenoise}) {
      expect_same(prompts,
                  {.direction = direction,
                   .variants = variants_of(tiny_.model.cfg(), kZ),
                   .metric = *metric},
                  std::string(metric->name));
    }
  }
}

TEST_P(SweepTwin, EqualsWholePassesWhenPlacesAreCombined) {
  const PromptSet prompts = reference_pairs(tiny_);
  const int last = static_cast<int>(tiny_.model.cfg().n_layers) - 1;
  const HookPoint second = tiny_.model.cfg().attn_only ? kResult : kMlpOut;
  const std::vector<Intervention> variants = {
      {{.site = kZ, .layer = 0, .head = 1}, {.site = kZ, .layer = last, .head = 2}},
      {{.site = kK, .layer = 1, .head = 0}, {.site = kQ, .layer = 1, .head = 1}},
      {{.site = second, .layer = 0}, {.site = kAttnOut, .layer = 1}, {.site = second, .layer = 1}},
      {{.site = kResidPre, .layer = 0, .positions = Positions::at(3)},
       {.site = kPattern, .layer = last, .head = 0}},
  };
  expect_same(
      prompts,
      {.direction = Direction::kNoise, .variants = variants, .metric = metrics::find("logit_diff")},
      "combined");
}

TEST_P(SweepTwin, EqualsWholePassesWhenTheEmbeddingsHaveNoise) {
  PromptSet prompts = reference_pairs(tiny_);
  const std::vector<float> noise(static_cast<std::size_t>(tiny_.model.cfg().d_model), 0.5F);
  RowEdits edits;
  for (std::int32_t i = 0; i < prompts.size(); ++i) {
    prompts.pairs[static_cast<std::size_t>(i)].corrupted =
        prompts.pairs[static_cast<std::size_t>(i)].clean;
    edits.add({kEmbed, -1}, {{i, 2}, 0, noise});
  }
  expect_same(prompts,
              {.direction = Direction::kDenoise,
               .variants = variants_of(tiny_.model.cfg(), kResidPost),
               .metric = metrics::find("prob"),
               .embedding_edits = &edits},
              "noise");
}

TEST_P(SweepTwin, PatchingARunWithItselfChangesNothing) {
  PromptSet prompts = reference_pairs(tiny_);
  for (PromptPair& pair : prompts.pairs) {
    pair.corrupted = pair.clean;
    pair.corrupted_positions = pair.positions;
  }
  const int last = static_cast<int>(tiny_.model.cfg().n_layers) - 1;
  for (const HookPoint site : sites_of(tiny_.model.cfg())) {
    const Sweep sweep{.direction = Direction::kNoise,
                      .variants = {{{.site = site, .layer = 0}}, {{.site = site, .layer = last}}},
                      .metric = metrics::find("logit_diff")};
    EXPECT_EQ(run_sweep(tiny_.ctx, tiny_.model, prompts, sweep).unchanged, 2)
        << info(site).short_name;
  }
}

TEST_P(SweepTwin, TheWholeStateOfALayerIsTheOtherRun) {
  const PromptSet prompts = ragged_pairs(tiny_);
  for (const Direction direction : {Direction::kNoise, Direction::kDenoise}) {
    std::vector<Intervention> variants;
    for (const HookName& name : hook_names(tiny_.model.cfg())) {
      if (!info(name.point).is_stream()) continue;
      variants.push_back({{.site = name.point, .layer = name.layer}});
    }
    // All that is added to the stream after the embeddings, and the embeddings.
    Intervention everything = {{.site = kResidPre, .layer = 0}};
    for (int layer = 0; layer < tiny_.model.cfg().n_layers; ++layer) {
      everything.push_back({.site = kZ, .layer = layer});
      if (tiny_.model.cfg().attn_only) continue;
      everything.push_back({.site = kMlpOut, .layer = layer});
    }
    variants.push_back(everything);
    const SweepResult result = run_sweep(
        tiny_.ctx, tiny_.model, prompts,
        {.direction = direction, .variants = variants, .metric = metrics::find("logit_diff")});
    const std::vector<double>& other =
        direction == Direction::kNoise ? result.baselines.corrupted : result.baselines.clean;
    for (std::size_t i = 0; i < result.values.size(); ++i) {
      EXPECT_EQ(result.values[i], other[i % other.size()]) << "variant " << i / other.size();
    }
  }
}

// The shipped model, on real sentences of different lengths whose names stand at other places.
TEST(SweepTwinOfIoiSmall, EqualsWholePassesForEverySiteAndDirection) {
  const RunContext ctx({.threads = 2});
  const HookedTransformer model =
      load_model(ctx, std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small");
  const PromptSet prompts = make_prompts(model, "ioi", {.prompts = 3, .seed = 3});
  for (const HookPoint site : sites_of(model.cfg())) {
    for (const Direction direction : {Direction::kNoise, Direction::kDenoise}) {
      expect_same(ctx, model, prompts,
                  {.direction = direction,
                   .variants = variants_of(model.cfg(), site),
                   .metric = metrics::find("logit_diff")},
                  3'000'000, std::string(info(site).short_name));
    }
  }
}

// hook_k comes before the norm, and what attention reads after it.
TEST(SweepTwinOfNormedKeys, WithLearnedPositionsEqualsWholePasses) {
  const TinyGpt2 tiny;
  HookedTransformerConfig cfg = tiny.model.cfg();
  cfg.use_qk_norm = true;
  Weights weights = tiny.model.weights();
  for (BlockWeights& block : weights.blocks) {
    for (Norm* norm : {&block.attn.q_norm, &block.attn.k_norm}) {
      *norm = {.kind = cfg.normalization_type, .eps = cfg.eps, .w = Tensor({cfg.d_head})};
      std::ranges::fill(norm->w.flat(), 1.5F);
    }
  }
  const HookedTransformer model(tiny.ctx, cfg, weights);
  EXPECT_FALSE(BaseRun::keeps(cfg, kK));
  const PromptSet prompts = reference_pairs(tiny);
  for (const SourceKind kind : {SourceKind::kOtherRun, SourceKind::kMean, SourceKind::kGaussian}) {
    expect_same(tiny.ctx, model, prompts,
                {.direction = Direction::kNoise,
                 .variants = variants_of(cfg, kK),
                 .source = {.kind = kind, .seed = 5, .sigma = 0.3},
                 .metric = metrics::find("logit_diff")},
                700'000, std::string(name_of(kind)));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, SweepTwin, ::testing::ValuesIn(kTinyArchitectures), model_test_name);

}  // namespace
}  // namespace patchbay
