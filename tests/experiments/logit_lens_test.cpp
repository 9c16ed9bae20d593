// The lens against ln_final and the unembedding applied to cached streams in double precision.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

// logit(answer) − logit(wrong) of a stream [d_model], normalised by its own scale when none is
// given.
double read_out(const HookedTransformer& model, std::span<const float> stream,
                const PromptPair& pair, double scale = 0.0) {
  const Weights& weights = model.weights();
  const bool is_rms = weights.ln_final.b.empty();
  const auto d_model = static_cast<double>(stream.size());
  double mean = 0.0;
  if (!is_rms) {
    for (const float x : stream) mean += double{x} / d_model;
  }
  double square = 0.0;
  for (const float x : stream) square += (double{x} - mean) * (double{x} - mean) / d_model;
  if (scale == 0.0) scale = std::sqrt(square + double{model.cfg().eps});
  const TokenId answer = pair.answers.front();
  const TokenId wrong = pair.wrongs.front();
  double difference = double{weights.b_U(answer)} - double{weights.b_U(wrong)};
  for (std::int64_t m = 0; m < std::ssize(stream); ++m) {
    double x = (double{stream[static_cast<std::size_t>(m)]} - mean) / scale;
    x = x * double{weights.ln_final.w(m)} + (is_rms ? 0.0 : double{weights.ln_final.b(m)});
    difference += x * (double{weights.W_U(m, answer)} - double{weights.W_U(m, wrong)});
  }
  return difference;
}

class LogitLens : public ::testing::TestWithParam<const char*> {};

TEST_P(LogitLens, ReadsEveryLayersStreamAsTheLast) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = ragged_pairs(tiny);
  const auto n_layers = static_cast<int>(tiny.model.cfg().n_layers);
  for (const std::string scale : {"fresh", "cached"}) {
    const EffectTable table = run_experiment("logit_lens", tiny, prompts, {{"scale", scale}});
    EXPECT_EQ(table.shape(), (std::vector<std::int64_t>{2, n_layers + 1, 5}));
    for (const std::string side : kSideNames) {
      for (std::int64_t i = 0; i < 5; ++i) {
        const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
        const Prompt& tokens = side == "clean" ? pair.clean : pair.corrupted;
        const std::int64_t end = std::ssize(tokens) - 1;
        const auto cache = tiny.model.run_with_cache(tiny.ctx, {tokens}).second;
        const double own = scale == "cached" ? double{cache["ln_final.hook_scale"](0, end, 0)} : 0;
        for (int layer = 0; layer <= n_layers; ++layer) {
          const bool last = layer == n_layers;
          const Tensor& stream = last ? cache("resid_post", layer - 1) : cache("resid_pre", layer);
          const std::string label = last ? "final_post" : std::to_string(layer) + "_pre";
          EXPECT_NEAR(value_at(table, {side, label}, i),
                      read_out(tiny.model, stream.view()[0][end].flat(), pair, own), 2e-5)
              << scale << " " << side << " " << label << " of prompt " << i;
        }
      }
    }
  }
}

TEST_P(LogitLens, EndsInTheBitsOfTheRunItself) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = ragged_pairs(tiny);
  const EffectTable runs = run_experiment("accuracy", tiny, prompts);
  for (const char* scale : {"fresh", "cached"}) {
    for (const char* metric : {"logit_diff", "prob", "rank"}) {
      const EffectTable table =
          run_experiment("logit_lens", tiny, prompts, {{"scale", scale}, {"metric", metric}});
      for (const char* side : kSideNames) {
        for (std::int64_t i = 0; i < 5; ++i) {
          EXPECT_EQ(value_at(table, {side, "final_post"}, i), value_at(runs, {side, metric}, i))
              << scale << " " << metric;
        }
      }
    }
  }
}

TEST_P(LogitLens, ComparesDistributionsWithTheCleanRunsLast) {
  const TinyModel tiny(GetParam());
  const EffectTable table =
      run_experiment("logit_lens", tiny, reference_pairs(tiny), {{"metric", "kl_divergence"}});
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(value_at(table, {"clean", "final_post"}, i), 0.0, 1e-9);
    EXPECT_GT(value_at(table, {"clean", "0_pre"}, i), 1e-3);
    EXPECT_GT(value_at(table, {"corrupted", "final_post"}, i), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(OfTinyModels, LogitLens, ::testing::ValuesIn(kTinyModels),
                         model_test_name);

TEST(LogitLensSettings, SayWhatIsWrong) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  EXPECT_EQ(usage_error("logit_lens", tiny, prompts, {{"metric", "next_token_loss"}}),
            "[metric] next_token_loss reads every position; the lens looks at END alone");
  EXPECT_EQ(usage_error("logit_lens", tiny, prompts, {{"scale", "frsh"}})
                .find("[scale] there is no \"frsh\"; did you mean \"fresh\"?"),
            0U);
}

}  // namespace
}  // namespace patchbay
