// Path patching against TransformerLens in float64.
#include <gtest/gtest.h>

#include "patchbay/io/json.h"
#include "patchbay/patching/session.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using enum HookPoint;

class PathReferences : public ::testing::Test {
 protected:
  static constexpr double kBound = 1e-4;

  static void expect_heads(const TinyModel& tiny, const JsonValue& expected, Positions positions,
                           const std::vector<Intervention>& receivers, bool freeze_mlps,
                           const std::string& what) {
    const HookedTransformerConfig& cfg = tiny.model.cfg();
    std::vector<Intervention> senders;
    for (int layer = 0; layer < cfg.n_layers; ++layer) {
      for (std::int64_t number = 0; number < cfg.n_heads; ++number) {
        senders.push_back({{.site = kZ, .layer = layer, .head = number, .positions = positions}});
      }
    }
    std::vector<double> numbers;
    for (const JsonValue& layer : expected.items()) {
      for (const JsonValue& row : layer.items()) {
        for (const JsonValue& number : row.items()) numbers.push_back(number.as_double());
      }
    }
    expect_values(tiny, senders, numbers, receivers, freeze_mlps, what);
  }

  static void expect_mlps(const TinyModel& tiny, const JsonValue& expected, Positions positions,
                          bool freeze_mlps, const std::string& what) {
    std::vector<Intervention> senders;
    std::vector<double> numbers;
    for (int layer = 0; layer < tiny.model.cfg().n_layers; ++layer) {
      senders.push_back({{.site = kMlpOut, .layer = layer, .positions = positions}});
      for (const JsonValue& number : expected.items()[static_cast<std::size_t>(layer)].items()) {
        numbers.push_back(number.as_double());
      }
    }
    expect_values(tiny, senders, numbers, {}, freeze_mlps, what);
  }

 private:
  static void expect_values(const TinyModel& tiny, const std::vector<Intervention>& senders,
                            const std::vector<double>& numbers,
                            const std::vector<Intervention>& receivers, bool freeze_mlps,
                            const std::string& what) {
    const PromptSet prompts = reference_pairs(tiny);
    std::vector<Path> paths;
    for (const Intervention& sender : senders) {
      paths.push_back({sender, receivers, receivers.empty()});
    }
    const SweepResult result = run_path_sweep(
        tiny.ctx, tiny.model, prompts,
        {.paths = paths, .metric = metrics::find("logit_diff"), .freeze_mlps = freeze_mlps});
    ASSERT_EQ(result.values.size(), numbers.size()) << what;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_NEAR(result.values[i], numbers[i], kBound) << what << ", element " << i;
    }
  }
};

TEST_F(PathReferences, OfTinyGpt2AreTransformerLenss) {
  const TinyGpt2 tiny;
  const JsonDocument file = read_json_file(tiny.folder / "patching.json");
  const JsonValue& references = file->at("path_patching");
  const struct {
    const char* key;
    Positions positions;
    bool freeze_mlps;
  } ends[] = {{"to_logits_end", Positions::at(11), false},
              {"to_logits_all_pos", {}, false},
              {"to_logits_end_freeze_mlps", Positions::at(11), true}};
  for (const auto& end : ends) {
    const JsonValue& expected = references.at(end.key);
    expect_heads(tiny, expected.at("heads[layer][head][prompt]"), end.positions, {},
                 end.freeze_mlps, end.key);
    expect_mlps(tiny, expected.at("mlps[layer][prompt]"), end.positions, end.freeze_mlps, end.key);
  }
  const JsonValue& to_heads = references.at("to_heads");
  const struct {
    const char* key;
    HookPoint site;
    Positions positions;
  } receivers[] = {{"q_end[layer][head][prompt]", kQ, Positions::at(11)},
                   {"q_all_pos[layer][head][prompt]", kQ, {}},
                   {"k_all_pos[layer][head][prompt]", kK, {}},
                   {"v_all_pos[layer][head][prompt]", kV, {}},
                   {"v_at_pos_9[layer][head][prompt]", kV, Positions::at(9)}};
  for (const auto& of : receivers) {
    Intervention group;
    for (const JsonValue& number : to_heads.at("receivers").items()) {
      group.push_back({.site = of.site,
                       .layer = static_cast<int>(number.items()[0].as_int()),
                       .head = number.items()[1].as_int(),
                       .positions = of.positions});
    }
    expect_heads(tiny, to_heads.at(of.key), of.positions, {group}, false, of.key);
  }
}

TEST_F(PathReferences, OfTinyLlamaAreTransformerLenss) {
  const TinyModel tiny("tiny-llama");
  const JsonDocument file = read_json_file(tiny.folder / "patching.json");
  expect_heads(tiny, file->at("path_patching_head_to_logits"), {}, {}, false, "to the logits");
}

}  // namespace
}  // namespace patchbay
