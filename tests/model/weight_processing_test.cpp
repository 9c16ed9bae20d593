// Folding and centring, against float64 values from TransformerLens 2.16.1
// (tests/golden/tiny-gpt2).
#include "patchbay/model/weight_processing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

constexpr WeightProcessing kAll = {.fold_layer_norm = true,
                                   .center_writing_weights = true,
                                   .center_unembed = true,
                                   .fold_value_biases = true};

// Of the largest magnitude in the tensor: two functions in a row round to 2^-24 each.
constexpr double kBound = 2e-7;

Weights raw_weights() { return TinyGpt2().model.weights(); }

std::map<std::string, std::vector<float>> by_name(const Weights& weights) {
  std::map<std::string, std::vector<float>> tensors;
  for_each_weight(weights, [&](const std::string& name, const Tensor& tensor) {
    tensors[name].assign(tensor.flat().begin(), tensor.flat().end());
  });
  return tensors;
}

// The largest |a − b|, divided by the largest |b| (or by 1 when b is all zero).
template <class T>
double relative_distance(const std::vector<float>& a, const std::vector<T>& b) {
  EXPECT_EQ(a.size(), b.size());
  double distance = 0.0;
  double scale = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    distance = std::max(distance, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return scale == 0.0 ? distance : distance / scale;
}

void expect_near(const Weights& weights, const Weights& expected, double bound) {
  const auto theirs = by_name(expected);
  for (const auto& [name, values] : by_name(weights)) {
    EXPECT_LE(relative_distance(values, theirs.at(name)), bound) << name;
  }
}

TEST(WeightProcessing, AllFourTogetherGiveTransformerLensesWeights) {
  const TinyGpt2 tiny;
  const Weights processed = process_weights(tiny.model.weights(), kAll);
  EXPECT_EQ(processed.processing, kAll);
  int compared = 0;
  for (const auto& [name, values] : by_name(processed)) {
    const std::string reference = "processed.weights." + name;
    if (tiny.reference.find(reference) == nullptr) continue;
    const std::vector<double> expected = tiny.reference.read_doubles(reference);
    EXPECT_LE(relative_distance(values, expected), kBound) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 4 + 16) << "the embeddings, the unembedding and block 0";
}

TEST(WeightProcessing, FoldingLeavesIdentityLayerNormsAndCentredReaders) {
  Weights weights = raw_weights();
  fold_layer_norm(weights);
  for (const Norm* ln : {&weights.blocks[0].ln1, &weights.blocks[2].ln2, &weights.ln_final}) {
    EXPECT_TRUE(std::ranges::all_of(ln->w.flat(), [](float w) { return w == 1.0F; }));
    EXPECT_TRUE(std::ranges::all_of(ln->b.flat(), [](float b) { return b == 0.0F; }));
  }
  const Tensor& W_in = weights.blocks[1].mlp.W_in;
  for (std::int64_t j = 0; j < W_in.shape()[1]; ++j) {
    double sum = 0.0;
    for (std::int64_t m = 0; m < W_in.shape()[0]; ++m) sum += static_cast<double>(W_in(m, j));
    EXPECT_NEAR(sum, 0.0, 1e-6) << "column " << j;
  }
}

// A layer norm may come without bias or weight, and centres all the same.
TEST(WeightProcessing, ALayerNormWithoutBiasIsNoRootMeanSquareNorm) {
  const TinyGpt2 tiny;
  Weights zeros = raw_weights();
  Weights absent = raw_weights();
  for (BlockWeights& block : zeros.blocks) {
    for (Norm* norm : {&block.ln1, &block.ln2}) {
      std::ranges::fill(norm->w.flat(), 1.0F);
      std::ranges::fill(norm->b.flat(), 0.0F);
    }
  }
  for (BlockWeights& block : absent.blocks) {
    for (Norm* norm : {&block.ln1, &block.ln2}) *norm = {norm->kind, norm->eps};
  }
  const auto logits_of = [&](const Weights& weights) {
    const HookedTransformer model(tiny.ctx, tiny.model.cfg(), weights);
    const Logits logits = model.run(tiny.ctx, tiny.clean());
    return std::vector<float>(logits.values.flat().begin(), logits.values.flat().end());
  };
  const std::vector<float> raw = logits_of(zeros);
  EXPECT_EQ(logits_of(absent), raw);
  fold_layer_norm(zeros);
  fold_layer_norm(absent);
  center_writing_weights(absent);
  center_writing_weights(zeros);
  EXPECT_EQ(logits_of(absent), logits_of(zeros));
  EXPECT_LE(relative_distance(logits_of(absent), raw), 10 * kBound);
}

TEST(WeightProcessing, ANormOfAnotherKindThanTheConfigsIsRefused) {
  const TinyGpt2 tiny;
  Weights weights = raw_weights();
  weights.blocks[1].ln2.kind = NormKind::kRms;
  EXPECT_THROW(HookedTransformer(tiny.ctx, tiny.model.cfg(), weights), Error);
}

TEST(WeightProcessing, OnlyTheWantedFunctionsAreApplied) {
  const Weights raw = raw_weights();
  const Weights centred = process_weights(raw, {.center_unembed = true});
  EXPECT_EQ(centred.processing, WeightProcessing{.center_unembed = true});
  auto before = by_name(raw);
  auto after = by_name(centred);
  EXPECT_NE(before["unembed.W_U"], after["unembed.W_U"]);
  before.erase("unembed.W_U");
  after.erase("unembed.W_U");  // b_U of GPT-2 is zero and stays zero
  EXPECT_EQ(before, after);
}

TEST(WeightProcessing, ASecondCallChangesNoBit) {
  const Weights once = process_weights(raw_weights(), kAll);
  const Weights twice = process_weights(once, kAll);
  EXPECT_EQ(by_name(once), by_name(twice));
  EXPECT_EQ(once.processing, twice.processing);
}

TEST(WeightProcessing, AnyOrderGivesTheSameWeights) {
  const Weights expected = process_weights(raw_weights(), kAll);
  Weights backwards = raw_weights();
  fold_value_biases(backwards);
  center_unembed(backwards);
  center_writing_weights(backwards);
  fold_layer_norm(backwards);
  EXPECT_EQ(backwards.processing, kAll);
  expect_near(backwards, expected, 4 * kBound);
  for (const float b : backwards.blocks[0].attn.b_V.flat()) EXPECT_EQ(b, 0.0F);
}

}  // namespace
}  // namespace patchbay
