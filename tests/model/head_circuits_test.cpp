// OV and QK circuits, composition and copying, against float64 values from TransformerLens 2.16.1
// (scripts/make_tiny_gpt2_analysis_golden.py) and against whole matrices where they are small.
#include "patchbay/model/head_circuits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

// Everything is computed in double; the tables are rounded to float at the end.
constexpr double kFloat = 6e-8;
constexpr double kDouble = 1e-12;

std::vector<double> golden(const std::string& name) {
  return SafetensorsFile::open(golden_folder("tiny-gpt2") / "analysis.safetensors")
      .read_doubles(name);
}

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Tensor out(shape);
  for (float& value : out.flat()) {
    value = static_cast<float>(static_cast<double>(random() >> 40) / 8388608.0 - 1.0);
  }
  return out;
}

double frobenius(const DoubleMatrix& a) { return std::sqrt(inner_product(a, a)); }

TEST(DoubleMatrix, ProductHasTheBitsOfThePlainLoopOnOddSizes) {
  for (const auto& [m, k, n] : std::vector<std::array<std::int64_t, 3>>{
           {1, 1, 1}, {3, 5, 7}, {4, 8, 8}, {9, 33, 17}, {5, 1, 20}, {6, 0, 3}, {0, 4, 2}}) {
    const DoubleMatrix a = to_double(random_tensor({m, k}, 1));
    const DoubleMatrix b = to_double(random_tensor({k, n}, 2));
    const DoubleMatrix fast = product(a, b);
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0.0;
        for (std::int64_t l = 0; l < k; ++l) sum += a.row(i)[l] * b.row(l)[j];
        EXPECT_EQ(fast.row(i)[j], sum) << m << "," << k << "," << n;
      }
    }
  }
}

TEST(DoubleMatrix, EigenvaluesOfAKnownMatrixComeLargestFirst) {
  DoubleMatrix a(3, 3);  // a rotation by a quarter turn scaled by 2, and −5
  a.row(0)[1] = -2.0;
  a.row(1)[0] = 2.0;
  a.row(2)[2] = -5.0;
  const auto values = eigenvalues(a);
  ASSERT_EQ(values.size(), 3U);
  EXPECT_NEAR(std::abs(values[0] - std::complex<double>(-5.0, 0.0)), 0.0, kDouble);
  EXPECT_NEAR(std::abs(values[1] - std::complex<double>(0.0, 2.0)), 0.0, kDouble);
  EXPECT_NEAR(std::abs(values[2] - std::complex<double>(0.0, -2.0)), 0.0, kDouble);
}

TEST(FactoredMatrix, AgreesWithTheWholeMatrix) {
  const FactoredMatrix thin = {.A = random_tensor({11, 3}, 3), .B = random_tensor({3, 11}, 4)};
  const DoubleMatrix whole = product(to_double(thin.A), to_double(thin.B));
  EXPECT_NEAR(thin.norm(), frobenius(whole), kDouble);
  double trace = 0.0;
  for (std::int64_t i = 0; i < 11; ++i) trace += whole.row(i)[i];
  EXPECT_NEAR(thin.trace(), trace, kDouble);
  const auto few = thin.eigenvalues();
  const auto all = eigenvalues(whole);
  ASSERT_EQ(few.size(), 3U);
  ASSERT_EQ(all.size(), 11U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(std::abs(few[i] - all[i]), 0.0, 1e-10);
  const Tensor AB = thin.product();
  const Tensor BtAt = thin.transposed().product();
  for (std::int64_t i = 0; i < 11; ++i) {
    for (std::int64_t j = 0; j < 11; ++j) {
      EXPECT_EQ(AB(i, j), static_cast<float>(whole.row(i)[j]));
      EXPECT_EQ(AB(i, j), BtAt(j, i));
    }
  }
}

TEST(FactoredMatrix, RefusesWhatDoesNotFit) {
  const FactoredMatrix misfit = {.A = Tensor({4, 3}), .B = Tensor({2, 4})};
  const FactoredMatrix oblong = {.A = Tensor({4, 2}), .B = Tensor({2, 5})};
  EXPECT_THROW((void)misfit.product(), Error);
  EXPECT_THROW((void)misfit.norm(), Error);
  EXPECT_NO_THROW((void)oblong.norm());
  EXPECT_THROW((void)oblong.trace(), Error);
  EXPECT_THROW((void)oblong.eigenvalues(), Error);
}

TEST(HeadCircuits, NormsAndEigenvaluesAreTransformerLenses) {
  const TinyGpt2 tiny;
  const Weights& weights = tiny.model.weights();
  const auto OV_norm = golden("OV.norm");  // [layer, head]
  const auto QK_norm = golden("QK.norm");
  const auto sum = golden("QK.eigenvalue_sum");
  const auto abs_sum = golden("QK.eigenvalue_abs_sum");
  for (std::size_t i = 0; i < 12; ++i) {
    const auto layer = static_cast<std::int64_t>(i / 4);
    const auto head = static_cast<std::int64_t>(i % 4);
    EXPECT_NEAR(OV(weights, layer, head).norm(), OV_norm[i], kDouble * OV_norm[i]);
    const FactoredMatrix circuit = QK(weights, layer, head);
    EXPECT_NEAR(circuit.norm(), QK_norm[i], kDouble * QK_norm[i]);
    EXPECT_NEAR(circuit.trace(), sum[i], kDouble * abs_sum[i]);
    double magnitudes = 0.0;
    for (const auto& value : circuit.eigenvalues()) magnitudes += std::abs(value);
    EXPECT_NEAR(magnitudes, abs_sum[i], 1e-10 * abs_sum[i]);
  }
}

TEST(HeadCircuits, CompositionScoresAreTransformerLenses) {
  const TinyGpt2 tiny;
  const std::vector<std::pair<Composition, std::string>> modes = {
      {Composition::kQ, "Q"}, {Composition::kK, "K"}, {Composition::kV, "V"}};
  for (const auto& [mode, name] : modes) {
    const Tensor scores = all_composition_scores(tiny.ctx, tiny.model.weights(), mode);
    const std::vector<double> expected = golden("composition_scores." + name);
    ASSERT_EQ(scores.shape(), Shape({3, 4, 3, 4}));
    int zeros = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(scores.flat()[i]), expected[i], kFloat) << name << " " << i;
      zeros += scores.flat()[i] == 0.0F ? 1 : 0;
    }
    EXPECT_EQ(zeros, 6 * 16) << "pairs whose right head is not later";
  }
}

TEST(HeadCircuits, OneCompositionScoreIsItsDefinition) {
  const TinyGpt2 tiny;
  const Weights& weights = tiny.model.weights();
  const FactoredMatrix left = OV(weights, 0, 3);
  const FactoredMatrix right = QK(weights, 2, 1);
  const DoubleMatrix l = product(to_double(left.A), to_double(left.B));
  const DoubleMatrix r = product(to_double(right.A), to_double(right.B));
  const double expected = frobenius(product(l, r)) / (frobenius(l) * frobenius(r));
  EXPECT_NEAR(composition_score(left, right), expected, kDouble);
  const Tensor all = all_composition_scores(tiny.ctx, weights, Composition::kQ);
  EXPECT_EQ(all(0, 3, 2, 1), static_cast<float>(composition_score(left, right)));
  const FactoredMatrix nothing = {.A = Tensor({32, 8}), .B = Tensor({8, 32})};
  EXPECT_EQ(composition_score(nothing, right), 0.0);
  EXPECT_THROW((void)composition_score(left, {.A = Tensor({31, 8}), .B = Tensor({8, 32})}), Error);
}

TEST(HeadCircuits, CopyingEigenvaluesAreTransformerLenses) {
  const TinyGpt2 tiny;
  const FullOV circuit(tiny.ctx, tiny.model.weights());
  const Tensor scores = copying_scores(tiny.ctx, tiny.model.weights());
  ASSERT_EQ(scores.shape(), Shape({3, 4}));
  const auto sum = golden("full_OV.eigenvalue_sum");
  const auto abs_sum = golden("full_OV.eigenvalue_abs_sum");
  for (std::size_t i = 0; i < 12; ++i) {
    const auto values =
        circuit.eigenvalues(static_cast<std::int64_t>(i / 4), static_cast<std::int64_t>(i % 4));
    ASSERT_EQ(values.size(), 8U);
    std::complex<double> total = 0.0;
    double magnitudes = 0.0;
    for (const auto& value : values) {
      total += value;
      magnitudes += std::abs(value);
    }
    EXPECT_NEAR(total.real(), sum[i], 1e-10 * abs_sum[i]);
    EXPECT_NEAR(magnitudes, abs_sum[i], 1e-10 * abs_sum[i]);
    EXPECT_NEAR(static_cast<double>(scores.flat()[i]), sum[i] / abs_sum[i], kFloat);
  }
}

TEST(HeadCircuits, AnyNumberOfThreadsGivesTheSameBits) {
  const TinyGpt2 tiny;
  const RunContext one({.threads = 1});
  const RunContext three({.threads = 3});
  const Weights& weights = tiny.model.weights();
  const auto same = [](const Tensor& a, const Tensor& b) {
    return std::memcmp(a.data(), b.data(), a.flat().size_bytes()) == 0;
  };
  EXPECT_TRUE(same(copying_scores(one, weights), copying_scores(three, weights)));
  EXPECT_TRUE(same(all_composition_scores(one, weights, Composition::kK),
                   all_composition_scores(three, weights, Composition::kK)));
}

TEST(HeadCircuits, CopyingScoreRunsFromMinusOneToOne) {
  const std::vector<std::complex<double>> copies = {{2.0, 0.0}, {1.0, 0.0}};
  const std::vector<std::complex<double>> turns = {{0.0, 1.0}, {0.0, -1.0}};
  const std::vector<std::complex<double>> inverts = {{-3.0, 0.0}, {0.0, 0.0}};
  EXPECT_EQ(copying_score(copies), 1.0);
  EXPECT_EQ(copying_score(turns), 0.0);
  EXPECT_EQ(copying_score(inverts), -1.0);
  EXPECT_EQ(copying_score({}), 0.0);
}

TEST(HeadCircuits, AHeadThatIsNotThereIsAnError) {
  const TinyGpt2 tiny;
  try {
    (void)OV(tiny.model.weights(), 3, 0);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[head_circuits] there is no head 3.0; the model has 3 layers of 4 heads");
  }
  EXPECT_THROW((void)QK(tiny.model.weights(), 0, 4), Error);
  EXPECT_THROW((void)QK(tiny.model.weights(), -1, 0), Error);
}

}  // namespace
}  // namespace patchbay
