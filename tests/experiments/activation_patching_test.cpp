// The experiment against TransformerLens in float64, and how it reads its settings.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "patchbay/io/json.h"
#include "patchbay/report/grid.h"
#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

EffectTable patch(const TinyModel& tiny, const PromptSet& prompts, const GivenSettings& given) {
  return run_experiment("activation_patching", tiny, prompts, given);
}

// The numbers of nested arrays, row-major, and their extents.
void flatten(const JsonValue& value, std::size_t depth, std::vector<double>& numbers,
             std::vector<std::int64_t>& extents) {
  if (!value.is_array()) {
    numbers.push_back(value.as_double());
    return;
  }
  if (extents.size() == depth) extents.push_back(std::ssize(value.items()));
  for (const JsonValue& item : value.items()) flatten(item, depth + 1, numbers, extents);
}

// Expected values are indexed by layer first and then by `axes`; the table's axes are in its own
// order. Means over prompts, unless the last axis is the prompts.
void expect_reference(const EffectTable& table, const JsonValue& expected,
                      const std::vector<std::string>& axes, const std::string& what) {
  constexpr double kBound = 1e-4;
  std::vector<double> numbers;
  std::vector<std::int64_t> extents;
  flatten(expected, 0, numbers, extents);
  ASSERT_EQ(extents.size(), axes.size()) << what;
  const std::vector<std::int64_t> shape = table.shape();
  const bool per_prompt = axes.back() == "prompt";
  std::vector<std::int64_t> strides(axes.size(), 0);  // of the table, by expected axis
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const auto at =
        std::ranges::find(table.axes, axes[axis], &TableAxis::name) - table.axes.begin();
    ASSERT_LT(at, std::ssize(table.axes)) << what << " " << axes[axis];
    ASSERT_EQ(shape[static_cast<std::size_t>(at)], extents[axis]) << what << " " << axes[axis];
    strides[axis] =
        std::accumulate(shape.begin() + at + 1, shape.end(), std::int64_t{1}, std::multiplies());
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::int64_t offset = 0;
    std::int64_t rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = axes.size(); axis-- > 0;) {
      offset += rest % extents[axis] * strides[axis];
      rest /= extents[axis];
    }
    const double* values = table.values.data() + offset;
    const double value = per_prompt ? *values : std::accumulate(values, values + 5, 0.0) / 5;
    EXPECT_NEAR(value, numbers[i], kBound) << what << ", element " << i;
  }
}

TEST(ActivationPatching, OfTinyGpt2IsTransformerLenss) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  const JsonDocument file = read_json_file(tiny.folder / "patching.json");
  struct Sweep {
    const char* key;
    const char* site;
    const char* axes;
    std::vector<std::string> order;
  };
  const std::vector<std::string> by_position = {"layer", "position"};
  const std::vector<std::string> by_position_and_head = {"layer", "position", "head"};
  const std::vector<std::string> by_head = {"layer", "head"};
  const Sweep sweeps[] = {
      {"get_act_patch_resid_pre", "resid_pre", "layer,position", by_position},
      {"get_act_patch_resid_mid", "resid_mid", "layer,position", by_position},
      {"get_act_patch_attn_out", "attn_out", "layer,position", by_position},
      {"get_act_patch_mlp_out", "mlp_out", "layer,position", by_position},
      {"get_act_patch_attn_head_out_by_pos", "z", "layer,position,head", by_position_and_head},
      {"get_act_patch_attn_head_out_all_pos", "z", "layer,head", by_head},
      {"get_act_patch_attn_head_q_by_pos", "q", "layer,position,head", by_position_and_head},
      {"get_act_patch_attn_head_q_all_pos", "q", "layer,head", by_head},
      {"get_act_patch_attn_head_k_by_pos", "k", "layer,position,head", by_position_and_head},
      {"get_act_patch_attn_head_k_all_pos", "k", "layer,head", by_head},
      {"get_act_patch_attn_head_v_by_pos", "v", "layer,position,head", by_position_and_head},
      {"get_act_patch_attn_head_v_all_pos", "v", "layer,head", by_head},
      {"get_act_patch_attn_head_pattern_by_pos",
       "pattern",
       "layer,head,destination",
       {"layer", "head", "destination"}},
      {"get_act_patch_attn_head_pattern_all_pos", "pattern", "layer,head", by_head},
  };
  for (const auto& [name, direction] :
       {std::pair{"denoising", "denoise"}, std::pair{"noising", "noise"}}) {
    ASSERT_EQ(file->at(name).members().size(), std::size(sweeps));
    for (const Sweep& sweep : sweeps) {
      const EffectTable table = patch(
          tiny, prompts, {{"site", sweep.site}, {"axes", sweep.axes}, {"direction", direction}});
      expect_reference(table, file->at(name).at(sweep.key), sweep.order,
                       std::string(name) + " " + sweep.key);
    }
  }
  const JsonValue& noising = file->at("noising_per_prompt");
  expect_reference(patch(tiny, prompts, {{"site", "resid_post"}, {"axes", "layer"}}),
                   noising.at("resid_post_all_pos[layer][prompt]"), {"layer", "prompt"}, "all");
  expect_reference(patch(tiny, prompts, {{"site", "resid_post"}}),
                   noising.at("resid_post[layer][pos][prompt]"), {"layer", "position", "prompt"},
                   "resid_post");
  expect_reference(patch(tiny, prompts, {}), noising.at("head_z_all_pos[layer][head][prompt]"),
                   {"layer", "head", "prompt"}, "noising z");
  expect_reference(patch(tiny, prompts, {{"direction", "denoise"}}),
                   file->at("denoising_per_prompt").at("head_z_all_pos[layer][head][prompt]"),
                   {"layer", "head", "prompt"}, "denoising z");
}

TEST(ActivationPatching, OfTinyLlamaIsTransformerLenss) {
  const TinyModel tiny("tiny-llama");
  const PromptSet prompts = reference_pairs(tiny);
  const JsonDocument file = read_json_file(tiny.folder / "patching.json");
  for (const auto& [name, direction] :
       {std::pair{"denoising", "denoise"}, std::pair{"noising", "noise"}}) {
    for (const std::string site : {"z", "q", "k", "v"}) {
      const bool shared = site == "k" || site == "v";
      const EffectTable table = patch(tiny, prompts, {{"site", site}, {"direction", direction}});
      expect_reference(table, file->at(name).at(site),
                       {"layer", shared ? "key_value_head" : "head", "prompt"}, site);
      if (shared) {
        EXPECT_EQ(table.axes[1].labels[1], "1 (heads 3-5)");
      }
    }
  }
}

TEST(ActivationPatching, LabelsSharedHeadsBesideOtherSitesAndInGroups) {
  const TinyModel tiny("tiny-llama");
  const PromptSet prompts = reference_pairs(tiny);
  const EffectTable sites = patch(tiny, prompts, {{"site", "q,k,v"}});
  EXPECT_EQ(sites.axes[2].name, "head");
  EXPECT_EQ(
      sites.axes[2].labels,
      (std::vector<std::string>{"0 (k, v: heads 0-2)", "1 (k, v: heads 3-5)", "2", "3", "4", "5"}));
  EXPECT_EQ(sites.notes.back(), "key/value heads: 0 is read by heads 0-2, 1 by heads 3-5");
  const EffectTable nodes = patch(tiny, prompts, {{"site", "v"}, {"nodes", "0.1+1.0,2.1"}});
  EXPECT_EQ(nodes.axes[0].labels,
            (std::vector<std::string>{"0.1 (heads 3-5)+1.0 (heads 0-2)", "2.1 (heads 3-5)"}));
  EXPECT_EQ(patch(tiny, prompts, {{"site", "q,z"}}).axes[2].labels[1], "1");
  EXPECT_EQ(patch(tiny, prompts, {{"site", "q"}, {"nodes", "0.1"}}).axes[0].labels[0], "0.1");
  // Rings of a circuit's heads are drawn where heads are its own.
  EXPECT_EQ(head_of(sites, 1), "0.1");
  const auto per_site = static_cast<std::size_t>(sites.cells() / 3);
  EXPECT_EQ(head_of(sites, per_site + 1), "");
  EXPECT_EQ(head_of(sites, per_site + 2), "0.2");
}

TEST(ActivationPatching, PatchesAtOnceWhatNoAxisLists) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  const EffectTable whole =
      patch(tiny, prompts, {{"site", "resid_pre"}, {"axes", "layer"}, {"layers", "0"}});
  const EffectTable parts =
      patch(tiny, prompts,
            {{"site", "resid_pre"}, {"axes", "layer"}, {"layers", "0"}, {"positions", "0-11"}});
  EXPECT_EQ(whole.values, parts.values);
  EXPECT_EQ(whole.values, whole.baselines.corrupted);
  const EffectTable nodes = patch(tiny, prompts, {{"nodes", "1.2,1.2+2.0"}});
  const EffectTable heads = patch(tiny, prompts, {{"layers", "1"}, {"heads", "2"}});
  EXPECT_EQ(std::vector(nodes.values.begin(), nodes.values.begin() + 5), heads.values);
  EXPECT_NE(std::vector(nodes.values.begin() + 5, nodes.values.end()), heads.values);
}

TEST(ActivationPatching, ListsSitesOnAnAxis) {
  const TinyModel tiny("tiny-llama");
  const EffectTable table = patch(tiny, reference_pairs(tiny), {{"site", "z,k"}});
  ASSERT_EQ(table.axes.size(), 4U);
  EXPECT_EQ(table.axes[0].labels, (std::vector<std::string>{"z", "k"}));
  EXPECT_EQ(table.shape(), (std::vector<std::int64_t>{2, 3, 6, 5}));
  EXPECT_FALSE(std::isnan(table.value(5, 0)));         // z, layer 0, head 5
  EXPECT_TRUE(std::isnan(table.value(3 * 6 + 5, 0)));  // there is no key head 5
}

TEST(ActivationPatching, LeavesOutPromptsWithoutAPosition) {
  const TinyGpt2 tiny;
  const EffectTable table =
      patch(tiny, ragged_pairs(tiny), {{"site", "resid_pre"}, {"positions", "MIDDLE,END"}});
  EXPECT_EQ(table.axes[1].labels, (std::vector<std::string>{"MIDDLE", "END"}));
  EXPECT_TRUE(std::isnan(table.value(0, 1)));
  EXPECT_FALSE(std::isnan(table.value(1, 1)));
}

TEST(ActivationPatching, SaysWhatIsWrongWithItsSettings) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  const auto error = [&](const GivenSettings& given) {
    return usage_error("activation_patching", tiny, prompts, given);
  };
  EXPECT_EQ(error({{"site", "resid_pr"}})
                .find("[site] there is no site \"resid_pr\"; did you mean \"resid_pre\"?"),
            0U);
  EXPECT_EQ(error({{"sites", "z"}})
                .find("[activation_patching] there is no option \"sites\"; did you mean \"site\"?"),
            0U);
  EXPECT_EQ(error({{"axes", "layer,heads"}})
                .find("[axes] there is no axis \"heads\"; did you mean \"head\"?"),
            0U);
  EXPECT_EQ(error({{"site", "mlp_out"}, {"axes", "head"}}),
            "[axes] mlp_out has no heads; take layer,position");
  EXPECT_EQ(error({{"axes", "source"}}),
            "[axes] destination and source are axes of pattern and attn_scores; add `site` "
            "pattern, or take other axes");
  EXPECT_EQ(error({{"layers", "3"}}), "[layers] \"3\" is not a number or a range of 0 to 2");
  EXPECT_EQ(error({{"heads", "1,,2"}}),
            "[heads] \"1,,2\" is not a list: a name between two commas is missing");
  EXPECT_EQ(error({{"nodes", "1-2"}}),
            "[nodes] \"1-2\" is not a head such as 9.6 (layer 9, head 6)");
  EXPECT_EQ(error({{"nodes", "1.9"}}),
            "[patching] blocks.1.attn.hook_z has no head 9; there are 0 to 3");
  EXPECT_EQ(
      error({{"site", "resid_pre"}, {"positions", "MIDLE"}}).find("did you mean \"MIDDLE\"?") ==
          std::string::npos,
      false);
  EXPECT_EQ(usage_error("activation_patching", tiny, ragged_pairs(tiny), {{"site", "resid_pre"}}),
            "[positions] the prompts of reference have different lengths, so position numbers "
            "mean different things; name positions: FIRST, MIDDLE, END");
}

}  // namespace
}  // namespace patchbay
