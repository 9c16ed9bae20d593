// Every hook point, the logits and the processed weights of the tiny models, against float64 values
// from TransformerLens 2.16.1 (tests/golden).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "patchbay/model/weight_processing.h"
#include "tests/support/tiny_models.h"

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

class ForwardGolden : public ::testing::TestWithParam<const char*> {
 protected:
  TinyModel tiny_{GetParam()};
};

TEST_P(ForwardGolden, EveryHookPointIsWithinTheBoundInForwardOrder) {
  const auto [logits, cache] =
      tiny_.model.run_with_cache(tiny_.ctx, tiny_.clean(), NamesFilter::all());
  ASSERT_EQ(cache.size(), hook_names(tiny_.model.cfg()).size());
  std::size_t compared = 0;
  for (const auto& [name, activation] : cache.entries()) {
    const TensorInfo* info = tiny_.reference.find("hook." + name.str());
    if (info == nullptr) {  // a reference may lack per-head inputs
      EXPECT_GE(name.point, HookPoint::kAttnIn) << name.str();
      EXPECT_LE(name.point, HookPoint::kVInput) << name.str();
      continue;
    }
    EXPECT_EQ(activation.shape(), Shape(info->shape)) << name.str();
    const std::vector<double> expected = tiny_.reference.read_doubles("hook." + name.str());
    const double error = nmse(activation.flat(), expected);
    ASSERT_LE(error, kBound) << "first divergence in forward order: " << name.str();
    ++compared;
  }
  // Every hook point that the reference has was there.
  EXPECT_EQ(compared, std::ranges::count_if(tiny_.reference.tensors(), [](const TensorInfo& info) {
              return info.name.starts_with("hook.");
            }));
  EXPECT_LE(nmse(logits.values.flat(), tiny_.reference.read_doubles("logits")), kBound);
}

TEST_P(ForwardGolden, CorruptedLogitsAreWithinTheBound) {
  const Logits logits = tiny_.model.run(tiny_.ctx, tiny_.corrupted());
  EXPECT_LE(nmse(logits.values.flat(), tiny_.reference.read_doubles("logits.corrupted")), kBound);
}

TEST_P(ForwardGolden, LogitDifferencesAtTheLastPositionAreTheReferences) {
  const std::vector<std::int64_t> answers = tiny_.reference.read_integers("tokens.answer");
  const std::vector<std::int64_t> wrong = tiny_.reference.read_integers("tokens.wrong");
  const std::vector<double> expected = tiny_.reference.read_doubles("logit_diff.clean");
  const Logits logits =
      tiny_.model.run(tiny_.ctx, tiny_.clean(), {.logits = Demand::At::kLastPosition});
  for (std::int32_t i = 0; i < std::ssize(answers); ++i) {
    const auto row = logits.at(i, -1);
    const auto at = static_cast<std::size_t>(i);
    const double difference = static_cast<double>(row[static_cast<std::size_t>(answers[at])]) -
                              static_cast<double>(row[static_cast<std::size_t>(wrong[at])]);
    EXPECT_NEAR(difference, expected[at], 2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ForwardGolden, ::testing::ValuesIn(kTinyArchitectures),
                         model_test_name);

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
