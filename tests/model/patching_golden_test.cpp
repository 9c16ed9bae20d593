// Patching by hooks on models of several architectures, against float64 values from TransformerLens
// 2.16.1 (tests/golden/tiny-*/patching.json).
#include <gtest/gtest.h>

#include "patchbay/io/json.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

constexpr double kBound = 1e-4;

class PatchingGolden : public ::testing::TestWithParam<const char*> {
 protected:
  PatchingGolden() {
    for (const std::int64_t id : tiny_.reference.read_integers("tokens.answer")) {
      answers_.push_back(static_cast<std::size_t>(id));
    }
    for (const std::int64_t id : tiny_.reference.read_integers("tokens.wrong")) {
      wrong_.push_back(static_cast<std::size_t>(id));
    }
  }

  // The logit differences at the last position, per prompt, of a run with hooks.
  std::vector<double> logit_differences(const std::vector<Prompt>& prompts, const Hooks& hooks) {
    const Logits logits = tiny_.model.run_with_hooks(tiny_.ctx, prompts, hooks,
                                                     {.logits = Demand::At::kLastPosition});
    std::vector<double> result;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const auto row = logits.at(static_cast<std::int32_t>(i), -1);
      result.push_back(static_cast<double>(row[answers_[i]]) - static_cast<double>(row[wrong_[i]]));
    }
    return result;
  }

  ActivationCache cache_of(const std::vector<Prompt>& prompts) {
    return tiny_.model
        .run_with_cache(tiny_.ctx, prompts, NamesFilter::all(), {},
                        {.logits = Demand::At::kNowhere})
        .second;
  }

  // Writes one head of the source, at all positions.
  static HookFunction copy_head(const Tensor& source, std::int64_t head) {
    return [&source, head](TensorView activation, const HookName&) {
      for (std::int64_t b = 0; b < activation.shape()[0]; ++b) {
        for (std::int64_t pos = 0; pos < activation.shape()[1]; ++pos) {
          std::ranges::copy(source.view()[b][pos][head].flat(), activation[b][pos][head].data());
        }
      }
    };
  }

  static void expect_near(const std::vector<double>& values, const JsonValue& expected,
                          const std::string& what) {
    ASSERT_EQ(values.size(), expected.items().size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], expected.items()[i].as_double(), kBound) << what << ", prompt " << i;
    }
  }

  // Every head of every layer of one activation, from the source run into the base run.
  void check_sweep(const std::string& direction, const std::vector<Prompt>& base,
                   const ActivationCache& source) {
    for (const char* site : {"z", "q", "k", "v"}) {
      const JsonValue& expected = file_->at(direction).at(site);
      for (int layer = 0; layer < tiny_.model.cfg().n_layers; ++layer) {
        const HookName name = HookName::of(site, tiny_.model.cfg(), layer);
        const JsonValue& heads = expected.items()[static_cast<std::size_t>(layer)];
        const std::int64_t n_heads = name.shape(tiny_.model.cfg(), 1, 1)[2];
        ASSERT_EQ(static_cast<std::int64_t>(heads.items().size()), n_heads);
        for (std::int64_t head = 0; head < n_heads; ++head) {
          expect_near(logit_differences(base, {{name, copy_head(source[name], head)}}),
                      heads.items()[static_cast<std::size_t>(head)],
                      direction + " " + name.str() + " head " + std::to_string(head));
        }
      }
    }
  }

  TinyModel tiny_{GetParam()};
  JsonDocument file_ = read_json_file(tiny_.folder / "patching.json");
  std::vector<std::size_t> answers_;
  std::vector<std::size_t> wrong_;
};

TEST_P(PatchingGolden, BothRunsAreTheReferences) {
  expect_near(logit_differences(tiny_.clean(), {}), file_->at("clean"), "clean");
  expect_near(logit_differences(tiny_.corrupted(), {}), file_->at("corrupted"), "corrupted");
}

TEST_P(PatchingGolden, NoisingAHeadIsTheReferences) {
  const ActivationCache corrupted = cache_of(tiny_.corrupted());
  check_sweep("noising", tiny_.clean(), corrupted);
}

TEST_P(PatchingGolden, DenoisingAHeadIsTheReferences) {
  const ActivationCache clean = cache_of(tiny_.clean());
  check_sweep("denoising", tiny_.corrupted(), clean);
}

// Wang et al. 2022, appendix B: every head keeps its clean output but the sender; MLPs and norms
// are live. With the logits as the receiver one such pass is all there is.
TEST_P(PatchingGolden, PathPatchingAHeadToTheLogitsIsTheReferences) {
  const ActivationCache clean = cache_of(tiny_.clean());
  const ActivationCache corrupted = cache_of(tiny_.corrupted());
  const HookFunction freeze = [&](TensorView z, const HookName& name) {
    std::ranges::copy(clean[name].flat(), z.data());
  };
  const JsonValue& expected = file_->at("path_patching_head_to_logits");
  for (int layer = 0; layer < tiny_.model.cfg().n_layers; ++layer) {
    const HookName sender{HookPoint::kZ, layer};
    for (std::int64_t head = 0; head < tiny_.model.cfg().n_heads; ++head) {
      const Hooks hooks = {{"blocks.*.attn.hook_z", freeze},
                           {sender, copy_head(corrupted[sender], head)}};
      expect_near(
          logit_differences(tiny_.clean(), hooks),
          expected.items()[static_cast<std::size_t>(layer)].items()[static_cast<std::size_t>(head)],
          sender.str() + " head " + std::to_string(head));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, PatchingGolden,
                         ::testing::Values("tiny-llama", "tiny-neox", "tiny-gptj", "tiny-gemma2",
                                           "tiny-qwen3", "tiny-native-attn-only"),
                         model_test_name);

}  // namespace
}  // namespace patchbay
