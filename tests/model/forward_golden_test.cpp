// Every hook point, the logits and the processed weights of tiny-gpt2, against float64 values from
// TransformerLens 2.16.1 (tests/golden/tiny-gpt2).
#include <gtest/gtest.h>

#include <cmath>

#include "patchbay/model/weight_processing.h"
#include "tests/support/tiny_gpt2.h"

namespace patchbay {
namespace {

// Normalised mean square error, Σ(x − y)² / Σy², in double; −inf entries must be −inf on both
// sides.
double nmse(std::span<const float> values, std::span<const double> expected) {
  EXPECT_EQ(values.size(), expected.size());
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isinf(expected[i])) {
      EXPECT_EQ(static_cast<double>(values[i]), expected[i]);
      continue;
    }
    const double difference = static_cast<double>(values[i]) - expected[i];
    error += difference * difference;
    power += expected[i] * expected[i];
  }
  return power == 0 ? error : error / power;
}

constexpr double kBound = 1e-11;

TEST(TinyGpt2Golden, EveryHookPointIsWithinTheBoundInForwardOrder) {
  const TinyGpt2 tiny;
  const auto [logits, cache] = tiny.model.run_with_cache(tiny.ctx, tiny.clean());
  ASSERT_EQ(cache.size(), hook_names(3).size());
  int compared = 0;
  for (const auto& [name, activation] : cache.entries()) {
    const std::vector<double> expected = tiny.reference.read_doubles("hook." + name.str());
    const double error = nmse(activation.flat(), expected);
    ASSERT_LE(error, kBound) << "first divergence in forward order: " << name.str();
    ++compared;
  }
  EXPECT_EQ(compared, 73);
  EXPECT_LE(nmse(logits.values.flat(), tiny.reference.read_doubles("logits")), kBound);
}

TEST(TinyGpt2Golden, EveryShapeIsTheReferenceShape) {
  const TinyGpt2 tiny;
  for (const HookName& name : hook_names(3)) {
    const TensorInfo* info = tiny.reference.find("hook." + name.str());
    ASSERT_NE(info, nullptr) << name.str();
    EXPECT_EQ(name.shape(tiny.model.cfg(), 5, 12), Shape(info->shape)) << name.str();
  }
}

TEST(TinyGpt2Golden, CorruptedLogitsAreWithinTheBound) {
  const TinyGpt2 tiny;
  const Logits logits = tiny.model.run(tiny.ctx, tiny.corrupted());
  EXPECT_LE(nmse(logits.values.flat(), tiny.reference.read_doubles("logits.corrupted")), kBound);
}

TEST(TinyGpt2Golden, LogitDifferencesAtTheLastPositionAreTheReferences) {
  const TinyGpt2 tiny;
  const std::vector<std::int64_t> answers = tiny.reference.read_integers("tokens.answer");
  const std::vector<std::int64_t> wrong = tiny.reference.read_integers("tokens.wrong");
  const std::vector<double> expected = tiny.reference.read_doubles("logit_diff.clean");
  const Logits logits =
      tiny.model.run(tiny.ctx, tiny.clean(), {.logits = Demand::At::kLastPosition});
  for (std::int32_t i = 0; i < 5; ++i) {
    const auto row = logits.at(i, 11);
    const auto at = static_cast<std::size_t>(i);
    const double difference = static_cast<double>(row[static_cast<std::size_t>(answers[at])]) -
                              static_cast<double>(row[static_cast<std::size_t>(wrong[at])]);
    EXPECT_NEAR(difference, expected[at], 2e-5);
  }
}

TEST(TinyGpt2Golden, ProcessedWeightsGiveTheProcessedLogits) {
  const TinyGpt2 tiny;
  LoadedCheckpoint loaded = tiny.checkpoint();
  const Weights processed =
      process_weights(std::move(loaded.weights), {.fold_layer_norm = true,
                                                  .center_writing_weights = true,
                                                  .center_unembed = true,
                                                  .fold_value_biases = true});
  const HookedTransformer model(tiny.ctx, loaded.cfg, processed);
  const Logits logits = model.run(tiny.ctx, tiny.clean());
  EXPECT_LE(nmse(logits.values.flat(), tiny.reference.read_doubles("processed.logits")), kBound);
}

}  // namespace
}  // namespace patchbay
