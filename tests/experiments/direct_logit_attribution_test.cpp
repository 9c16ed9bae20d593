// Attributions against each component projected on its own in double precision, and their sum
// against the run's logit difference.
#include <gtest/gtest.h>

#include <cmath>

#include "patchbay/model/logit_attribution.h"
#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

constexpr std::string_view kName = "direct_logit_attribution";

// Of ragged prompts, the first with two answers and two wrong ones.
PromptSet pairs_with_sets(const TinyModel& tiny) {
  PromptSet prompts = ragged_pairs(tiny);
  prompts.pairs[0].answers = {7, 31};
  prompts.pairs[0].wrongs = {40, 2, 113};
  return prompts;
}

double sum_of_cells(const EffectTable& table, std::int64_t prompt) {
  double sum = 0.0;
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) sum += table.value(cell, prompt);
  return sum;
}

// W_U's mean over the answers less that over the wrongs.
std::vector<double> direction_of(const Weights& weights, const PromptPair& pair) {
  std::vector<double> direction(static_cast<std::size_t>(weights.W_U.shape()[0]));
  for (std::size_t m = 0; m < direction.size(); ++m) {
    const auto row = static_cast<std::int64_t>(m);
    for (const TokenId token : pair.answers) {
      direction[m] += double{weights.W_U(row, token)} / static_cast<double>(pair.answers.size());
    }
    for (const TokenId token : pair.wrongs) {
      direction[m] -= double{weights.W_U(row, token)} / static_cast<double>(pair.wrongs.size());
    }
  }
  return direction;
}

class DirectLogitAttribution : public ::testing::TestWithParam<const char*> {};

TEST_P(DirectLogitAttribution, SumsToTheLogitDifferenceWhateverTheComponents) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = pairs_with_sets(tiny);
  const EffectTable runs = run_experiment("accuracy", tiny, prompts);
  const GivenSettings choices[] = {
      {{"components", "components"}},
      {{"components", "heads"}},
      {{"components", "heads"}, {"layers", "1"}},
      {{"components", "neurons"}},
      {{"components", "neurons"}, {"layers", "0,-1"}, {"neurons", "3-5"}},
  };
  for (GivenSettings given : choices) {
    for (const std::string side : kSideNames) {
      given["side"] = side;
      const EffectTable table = run_experiment(kName, tiny, prompts, given);
      const auto& own = side == "clean" ? table.baselines.clean : table.baselines.corrupted;
      ASSERT_EQ(own.size(), 5U);
      for (std::int64_t i = 0; i < 5; ++i) {
        EXPECT_EQ(own[static_cast<std::size_t>(i)], value_at(runs, {side, "logit_diff"}, i));
        EXPECT_NEAR(sum_of_cells(table, i), own[static_cast<std::size_t>(i)], 2e-5)
            << given["components"] << " " << side;
      }
      ASSERT_EQ(table.notes.size(), 1U);
      EXPECT_EQ(table.notes[0].find("the sum of all components differs from"), 0U);
    }
  }
}

TEST_P(DirectLogitAttribution, ProjectsEachComponentThroughTheRunsLayerNorm) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = pairs_with_sets(tiny);
  const Weights& weights = tiny.model.weights();
  const bool is_rms = weights.ln_final.b.empty();
  const EffectTable complete = run_experiment(kName, tiny, prompts);
  const EffectTable other =
      run_experiment(kName, tiny, prompts, {{"definition", "transformer_lens"}});
  EXPECT_EQ(complete.axes[0].labels.back(), "bias");
  EXPECT_EQ(complete.cells(), other.cells() + 1);
  for (std::int64_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
    const std::int64_t end = std::ssize(pair.clean) - 1;
    const auto cache = tiny.model.run_with_cache(tiny.ctx, {pair.clean}).second;
    const double scale = double{cache["ln_final.hook_scale"](0, end, 0)};
    const std::vector<double> direction = direction_of(weights, pair);
    const auto expect = [&](std::string_view label, const Tensor& component) {
      const auto x = component.view()[0][end].flat();
      double mean = 0.0;
      for (const float value : x) mean += is_rms ? 0.0 : double{value} / std::ssize(x);
      double plain = 0.0;
      double weighted = 0.0;
      for (std::size_t m = 0; m < x.size(); ++m) {
        const double part = (double{x[m]} - mean) / scale * direction[m];
        plain += part;
        weighted += part * double{weights.ln_final.w(static_cast<std::int64_t>(m))};
      }
      EXPECT_NEAR(value_at(complete, {label}, i), weighted, 5e-6) << label;
      EXPECT_NEAR(value_at(other, {label}, i), plain, 5e-6) << label;
    };
    expect("embed", cache("embed"));
    if (!tiny.model.cfg().is_rotary()) expect("pos_embed", cache("pos_embed"));
    for (int layer = 0; layer < tiny.model.cfg().n_layers; ++layer) {
      expect(std::to_string(layer) + "_attn_out", cache("attn_out", layer));
      expect(std::to_string(layer) + "_mlp_out", cache("mlp_out", layer));
    }
  }
}

TEST_P(DirectLogitAttribution, SplitsAttentionIntoHeads) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = pairs_with_sets(tiny);
  const EffectTable halves = run_experiment(kName, tiny, prompts);
  const EffectTable heads = run_experiment(kName, tiny, prompts, {{"components", "heads"}});
  const bool has_b_O = !tiny.model.weights().blocks[0].attn.b_O.empty();
  for (std::int64_t i = 0; i < 5; ++i) {
    for (std::int64_t layer = 0; layer < tiny.model.cfg().n_layers; ++layer) {
      const std::string l = std::to_string(layer);
      double sum = has_b_O ? value_at(heads, {l + "_b_O"}, i) : 0.0;
      for (std::int64_t head = 0; head < tiny.model.cfg().n_heads; ++head) {
        sum += value_at(heads, {"L" + l + "H" + std::to_string(head)}, i);
      }
      EXPECT_NEAR(sum, value_at(halves, {l + "_attn_out"}, i), 5e-6);
      EXPECT_EQ(value_at(heads, {l + "_mlp_out"}, i), value_at(halves, {l + "_mlp_out"}, i));
    }
    EXPECT_EQ(value_at(heads, {"embed"}, i), value_at(halves, {"embed"}, i));
    EXPECT_EQ(value_at(heads, {"bias"}, i), value_at(halves, {"bias"}, i));
  }
}

TEST_P(DirectLogitAttribution, IsLogitAttrsOfOneAnswerAndOneWrong) {
  const TinyModel tiny(GetParam());
  const PromptSet prompts = reference_pairs(tiny);
  const auto cache = tiny.model.run_with_cache(tiny.ctx, prompts.clean()).second;
  LogitAttrsOptions options;
  for (const PromptPair& pair : prompts.pairs) {
    options.tokens.push_back(pair.answers.front());
    options.incorrect_tokens.push_back(pair.wrongs.front());
  }
  for (const bool complete : {true, false}) {
    options.meaning = complete ? LayerNormMeaning::kComplete : LayerNormMeaning::kTransformerLens;
    const ResidualStack stack = stack_neuron_results(
        cache, tiny.model.weights(), {.layers = {1}, .incl_remainder = true, .pos = -1});
    const LogitAttributions expected =
        logit_attrs(cache, tiny.model.weights(), stack, options);  // [component, batch]
    const EffectTable table =
        run_experiment(kName, tiny, prompts,
                       {{"components", "neurons"},
                        {"layers", "1"},
                        {"definition", complete ? "complete" : "transformer_lens"}});
    EXPECT_EQ(table.axes[0].labels, expected.labels);
    ASSERT_EQ(std::ssize(table.values), expected.values.size());
    for (std::size_t i = 0; i < table.values.size(); ++i) {
      EXPECT_NEAR(table.values[i], expected.values.flat()[i], 2e-6) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfTinyModels, DirectLogitAttribution, ::testing::ValuesIn(kTinyModels),
                         model_test_name);

TEST(DirectLogitAttributionComponents, AreLabelledInForwardOrder) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  EXPECT_EQ(run_experiment(kName, tiny, prompts, {{"components", "heads"}, {"layers", "1"}})
                .axes[0]
                .labels,
            (std::vector<std::string>{"embed", "pos_embed", "0_attn_out", "0_mlp_out", "L1H0",
                                      "L1H1", "L1H2", "L1H3", "1_b_O", "1_mlp_out", "2_attn_out",
                                      "2_mlp_out", "bias"}));
  EXPECT_EQ(run_experiment(kName, tiny, prompts,
                           {{"components", "neurons"}, {"layers", "0,2"}, {"neurons", "1,5"}})
                .axes[0]
                .labels,
            (std::vector<std::string>{"L0N1", "L0N5", "L2N1", "L2N5", "remainder", "bias"}));
}

TEST(DirectLogitAttributionSettings, SayWhatIsWrong) {
  const TinyGpt2 tiny;
  PromptSet prompts = reference_pairs(tiny);
  const auto error = [&](const GivenSettings& given) {
    return usage_error(kName, tiny, prompts, given);
  };
  EXPECT_EQ(error({{"layers", "1"}}),
            "[layers] means nothing with `components` components; omit it");
  EXPECT_EQ(error({{"components", "heads"}, {"neurons", "1"}}),
            "[neurons] means nothing with `components` heads; omit it");
  EXPECT_EQ(error({{"components", "neurons"}, {"layers", "3"}}),
            "[layers] \"3\" is not a number or a range of 0 to 2");
  prompts.pairs[2].wrongs.clear();
  try {
    run_experiment(kName, tiny, prompts);
    FAIL() << "no error";
  } catch (const Error& failed) {
    EXPECT_EQ(failed.kind(), ErrorKind::kBadData);
  }
}

TEST(DirectLogitAttributionOfIoiSmall, SumsToTheLogitDifferenceOfPromptsOfText) {
  for (const char* components : {"components", "heads", "neurons"}) {
    const EffectTable table = run_on_ioi_small(kName, "ioi_lab", 10, {{"components", components}});
    for (std::int64_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(sum_of_cells(table, i), table.baselines.clean[static_cast<std::size_t>(i)], 1e-4);
    }
  }
}

}  // namespace
}  // namespace patchbay
