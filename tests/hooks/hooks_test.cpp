// Hook names, filters and the cache: what they accept, and what they say when they do not.
#include "patchbay/hooks/hooks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/hooks/activation_cache.h"

namespace patchbay {
namespace {

HookedTransformerConfig layers(std::int64_t n_layers) { return {.n_layers = n_layers}; }

template <class Body>
std::string error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(HookName, EveryNameParsesBackToItself) {
  const std::vector<HookName> names = hook_names(layers(12));
  EXPECT_EQ(names.size(), 12U * 23U + 4U);
  for (const HookName& name : names) EXPECT_EQ(HookName::parse(name.str(), layers(12)), name);
  EXPECT_TRUE(std::ranges::is_sorted(names));
}

TEST(HookName, ShortNamesAreTransformerLenses) {
  EXPECT_EQ(HookName::of("pattern", layers(12), 9).str(), "blocks.9.attn.hook_pattern");
  EXPECT_EQ(HookName::of("attn", layers(12), 9).str(), "blocks.9.attn.hook_pattern");
  EXPECT_EQ(HookName::of("resid_pre", layers(12), 0).str(), "blocks.0.hook_resid_pre");
  EXPECT_EQ(HookName::of("resid_post", layers(12), -1).str(), "blocks.11.hook_resid_post");
  EXPECT_EQ(HookName::of("embed", layers(12)).str(), "hook_embed");
  EXPECT_EQ(HookName::of("scale", layers(12), 3, "ln1").str(), "blocks.3.ln1.hook_scale");
  EXPECT_EQ(HookName::of("normalized", layers(12), 3, "ln2").str(), "blocks.3.ln2.hook_normalized");
  EXPECT_EQ(HookName::of("scale", layers(12)).str(), "ln_final.hook_scale");
  EXPECT_EQ(HookName::of("mlp_post", layers(12), 2).str(), "blocks.2.mlp.hook_post");
}

TEST(HookName, MistakesNameTheNearestAndTheRange) {
  EXPECT_EQ(error_of([] { HookName::parse("blocks.0.attn.hook_patern", layers(2)); }),
            "[hooks] there is no hook point \"blocks.0.attn.hook_patern\"; did you mean "
            "\"blocks.0.attn.hook_pattern\"?");
  EXPECT_EQ(error_of([] { HookName::of("paterns", layers(2), 0); }),
            "[hooks] there is no hook point \"paterns\"; did you mean \"pattern\"?");
  EXPECT_EQ(error_of([] { HookName::of("z", layers(2), 2); }),
            "[hooks] \"z\" in layer 2: the model has layers 0 to 1");
  EXPECT_EQ(error_of([] { HookName::of("z", layers(2)); }), "[hooks] \"z\" needs a layer, 0 to 1");
  EXPECT_EQ(error_of([] { HookName::of("embed", layers(2), 1); }),
            "[hooks] \"embed\" is not in a block; omit the layer");
}

TEST(NamesFilter, PicksByPatternNameAndFunctionInForwardOrder) {
  const auto texts = [](const NamesFilter& filter) {
    std::vector<std::string> result;
    for (const HookName& name : filter.resolve(layers(2))) result.push_back(name.str());
    return result;
  };
  EXPECT_EQ(texts("blocks.*.attn.hook_pattern"),
            (std::vector<std::string>{"blocks.0.attn.hook_pattern", "blocks.1.attn.hook_pattern"}));
  EXPECT_EQ(texts(std::vector<std::string>{"blocks.1.hook_resid_p*", "hook_embed"}),
            (std::vector<std::string>{"hook_embed", "blocks.1.hook_resid_pre",
                                      "blocks.1.hook_resid_post"}));
  EXPECT_EQ(texts("blocks.?.attn.hook_?").size(), 8U);
  EXPECT_EQ(texts(HookName{HookPoint::kZ, 1}), std::vector<std::string>{"blocks.1.attn.hook_z"});
  EXPECT_EQ(texts([](const HookName& name) { return name.point == HookPoint::kMlpOut; }).size(),
            2U);
  EXPECT_TRUE(texts({}).empty());
  EXPECT_EQ(texts(NamesFilter::all()).size(), hook_names(layers(2)).size());
}

TEST(NamesFilter, SuggestsWhatAShortNameOrALayerMeant) {
  const auto error = [](const char* pattern) {
    return error_of([&] { (void)NamesFilter(pattern).resolve(layers(3)); });
  };
  EXPECT_EQ(error("z"),
            "[hooks] no hook point matches \"z\"; did you mean \"blocks.*.attn.hook_z\"?");
  EXPECT_EQ(error("hook_resid_pre"),
            "[hooks] no hook point matches \"hook_resid_pre\"; did you mean "
            "\"blocks.*.hook_resid_pre\"?");
  EXPECT_EQ(error("blocks.7.*"),
            "[hooks] no hook point matches \"blocks.7.*\"; the model has layers 0 to 2");
}

TEST(NamesFilter, APatternThatPicksNothingIsAnError) {
  EXPECT_EQ(error_of([] { (void)NamesFilter("blocks.2.attn.hook_z").resolve(layers(2)); }),
            "[hooks] no hook point matches \"blocks.2.attn.hook_z\"; the model has layers 0 to 1");
  EXPECT_EQ(error_of([] {
              (void)NamesFilter(HookName{HookPoint::kZ, 2}).resolve(layers(2));
            }),
            "[hooks] there is no hook point \"blocks.2.attn.hook_z\" in a model of 2 layers; "
            "patchbay hooks lists them");
}

TEST(ActivationCache, FindsByFullAndShortNameAndSaysWhatIsMissing) {
  HookedTransformerConfig cfg = layers(2);
  cfg.n_heads = 3;
  cfg.d_head = 4;
  ActivationCache cache{cfg};
  cache.insert({HookPoint::kZ, 1}, Tensor({1, 2, 3, 4}));
  EXPECT_EQ(cache["blocks.1.attn.hook_z"].size(), 24);
  EXPECT_EQ(&cache("z", 1), &cache["blocks.1.attn.hook_z"]);
  EXPECT_EQ(&cache("z", -1), &cache["blocks.1.attn.hook_z"]);
  EXPECT_EQ(error_of([&] { (void)cache("z", 0); }),
            "[cache] \"blocks.0.attn.hook_z\" was not kept; run again with a names filter that "
            "picks it (1 activations are here)");
}

}  // namespace
}  // namespace patchbay
