// A real pretrained model, SmolLM2-135M-Instruct from a quantised GGUF file, against float64
// results of PyTorch on the same de-quantised weights (tests/golden/smollm2-135m/reference.json).
//
// The file is not in the tree. PATCHBAY_SMOLLM2_GGUF names it; without it these tests are skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "patchbay/io/json.h"
#include "patchbay/patching/session.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

constexpr double kBound = 2e-4;

class SmolLM2 : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PATCHBAY_SMOLLM2_GGUF");
    if (path == nullptr) {
      GTEST_SKIP() << "PATCHBAY_SMOLLM2_GGUF is not set; run: export "
                      "PATCHBAY_SMOLLM2_GGUF=$(scripts/fetch_smollm2.sh)";
    }
    model_ = std::make_unique<HookedTransformer>(load_model(ctx_, path));
  }

  // The logit difference at the last position of every prompt, each prompt on its own.
  double logit_difference(const Prompt& prompt, const JsonValue& example, const Hooks& hooks = {}) {
    const Demand demand{.logits = Demand::At::kLastPosition,
                        .tokens = {static_cast<TokenId>(example.at("answer_id").as_int()),
                                   static_cast<TokenId>(example.at("wrong_id").as_int())}};
    const Logits logits = model_->run_with_hooks(ctx_, {prompt}, hooks, demand);
    return static_cast<double>(logits.values(0, 0)) - static_cast<double>(logits.values(0, 1));
  }

  static Prompt tokens_of(const JsonValue& ids) {
    Prompt prompt;
    for (const JsonValue& id : ids.items()) prompt.push_back(static_cast<TokenId>(id.as_int()));
    return prompt;
  }

  RunContext ctx_;
  std::unique_ptr<HookedTransformer> model_;
  JsonDocument file_ = read_json_file(golden_folder("smollm2-135m") / "reference.json");
};

TEST_F(SmolLM2, TokenizesEveryReferencePromptIdentically) {
  const auto& examples = file_->at("examples").items();
  ASSERT_EQ(examples.size(), 50U);
  for (const JsonValue& example : examples) {
    const Tokenizer& tokenizer = model_->tokenizer();
    EXPECT_EQ(model_->to_tokens(example.at("clean").as_string(), false),
              tokens_of(example.at("tokens")));
    EXPECT_EQ(model_->to_tokens(example.at("corrupted").as_string(), false),
              tokens_of(example.at("corrupted_tokens")));
    EXPECT_EQ(tokenizer.to_single_token(example.at("answer").as_string()),
              example.at("answer_id").as_int());
    EXPECT_EQ(tokenizer.to_single_token(example.at("wrong").as_string()),
              example.at("wrong_id").as_int());
  }
}

TEST_F(SmolLM2, LogitDifferencesAreTheReferences) {
  for (const JsonValue& example : file_->at("examples").items()) {
    EXPECT_NEAR(logit_difference(tokens_of(example.at("tokens")), example),
                example.at("clean_ld").as_double(), kBound);
    EXPECT_NEAR(logit_difference(tokens_of(example.at("corrupted_tokens")), example),
                example.at("corrupted_ld").as_double(), kBound);
  }
}

TEST_F(SmolLM2, TheFiveLikeliestTokensAreTheReferencesInOrder) {
  for (const JsonValue& example : file_->at("examples").items()) {
    const Logits logits =
        model_->run(ctx_, {tokens_of(example.at("tokens"))}, {.logits = Demand::At::kLastPosition});
    std::vector<TokenId> ids(static_cast<std::size_t>(model_->cfg().d_vocab));
    std::iota(ids.begin(), ids.end(), 0);
    std::ranges::partial_sort(ids, ids.begin() + 5, std::greater<>(),
                              [&](TokenId id) { return logits.values(0, id); });
    const auto& expected = example.at("top5").items();
    for (std::size_t i = 0; i < 5; ++i) {
      const auto& pair = expected[i].items();
      EXPECT_EQ(model_->tokenizer().token_bytes(ids[i]), pair[0].as_string());
      EXPECT_NEAR(static_cast<double>(logits.values(0, ids[i])), pair[1].as_double(), kBound);
    }
  }
}

TEST_F(SmolLM2, PatchingByHooksIsTheReferences) {
  const JsonValue& example = file_->at("examples").items()[0];
  const Prompt clean = tokens_of(example.at("tokens"));
  const std::vector<std::string> sources = {"blocks.*.attn.hook_z", "blocks.*.hook_resid_post",
                                            "blocks.*.hook_mlp_out"};
  const ActivationCache corrupted =
      model_
          ->run_with_cache(ctx_, {tokens_of(example.at("corrupted_tokens"))}, sources, {},
                           {.logits = Demand::At::kNowhere})
          .second;
  const JsonValue& expected = file_->at("example0");
  const auto number = [](const JsonValue& table, std::int64_t row, std::int64_t column) {
    return table.items()[static_cast<std::size_t>(row)]
        .items()[static_cast<std::size_t>(column)]
        .as_double();
  };
  for (int layer = 0; layer < 30; ++layer) {
    const HookName z{HookPoint::kZ, layer};
    for (std::int64_t head = 0; head < 9; ++head) {
      const HookFunction patch = [&](TensorView view, const HookName& name) {
        for (std::int64_t pos = 0; pos < view.shape()[1]; ++pos) {
          std::ranges::copy(corrupted[name].view()[0][pos][head].flat(), view[0][pos][head].data());
        }
      };
      EXPECT_NEAR(logit_difference(clean, example, {{z, patch}}),
                  number(expected.at("noising_head_z_all_pos"), layer, head), kBound)
          << layer << "." << head;
    }
    const HookName resid{HookPoint::kResidPost, layer};
    for (std::int64_t pos = 0; pos < static_cast<std::int64_t>(clean.size()); ++pos) {
      const HookFunction patch = [&](TensorView view, const HookName& name) {
        std::ranges::copy(corrupted[name].view()[0][pos].flat(), view[0][pos].data());
      };
      EXPECT_NEAR(logit_difference(clean, example, {{resid, patch}}),
                  number(expected.at("noising_resid_post"), layer, pos), kBound)
          << "resid_post, layer " << layer << ", position " << pos;
    }
    const HookFunction patch = [&](TensorView view, const HookName& name) {
      std::ranges::copy(corrupted[name].flat(), view.data());
    };
    EXPECT_NEAR(
        logit_difference(clean, example, {{HookName{HookPoint::kMlpOut, layer}, patch}}),
        expected.at("noising_mlp_out_all_pos").items()[static_cast<std::size_t>(layer)].as_double(),
        kBound)
        << "mlp_out, layer " << layer;
  }
}

// The paper's path patching of every head, senders at END, to the logits.
TEST_F(SmolLM2, PathsToTheLogitsAreTheReferences) {
  const JsonValue& example = file_->at("examples").items()[0];
  PromptSet prompts;
  prompts.task = "reference";
  prompts.position_names = {"END"};
  PromptPair pair;
  pair.clean = tokens_of(example.at("tokens"));
  pair.corrupted = tokens_of(example.at("corrupted_tokens"));
  pair.answers = {static_cast<TokenId>(example.at("answer_id").as_int())};
  pair.wrongs = {static_cast<TokenId>(example.at("wrong_id").as_int())};
  pair.positions = {static_cast<std::int32_t>(pair.clean.size()) - 1};
  pair.corrupted_positions = pair.positions;
  prompts.pairs = {pair};
  std::vector<Path> paths;
  std::vector<double> expected;
  const auto& layers = file_->at("example0").at("path_patching_head_to_logits").items();
  ASSERT_EQ(layers.size(), 30U);
  for (int layer = 0; layer < 30; ++layer) {
    const auto& heads = layers[static_cast<std::size_t>(layer)].items();
    ASSERT_EQ(heads.size(), 9U);
    for (std::int64_t head = 0; head < 9; ++head) {
      paths.push_back({{{.site = HookPoint::kZ,
                         .layer = layer,
                         .head = head,
                         .positions = Positions::named(0)}},
                       {},
                       true});
      expected.push_back(heads[static_cast<std::size_t>(head)].as_double());
    }
  }
  const SweepResult result = run_path_sweep(
      ctx_, *model_, prompts, {.paths = paths, .metric = metrics::find("logit_diff")});
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(result.values[i], expected[i], kBound) << i / 9 << "." << i % 9;
  }
}

}  // namespace
}  // namespace patchbay
