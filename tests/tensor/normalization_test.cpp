// Layer norm, root-mean-square norm and softmax: bounds, the written-out sums, rows on their own.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "patchbay/tensor/layer_norm.h"
#include "patchbay/tensor/scalar_chains.h"
#include "patchbay/tensor/softmax.h"
#include "tests/tensor/tensor_testing.h"

namespace patchbay {
namespace {

using testing::differing;
using testing::on_every_target;
using testing::Values;

constexpr std::int64_t kWidths[] = {1, 2, 15, 16, 17, 31, 32, 33, 768, 50257};
constexpr float kEps = 1e-5F;

struct Normalized {
  Tensor scale;
  Tensor out;
};

Normalized layer_norm(const RunContext& ctx, const Tensor& x, const Tensor& w, const Tensor& b) {
  Normalized result{Tensor({x.shape()[0]}), Tensor(x.shape())};
  layer_norm_scale(ctx, x, kEps, result.scale);
  layer_norm_apply(ctx, x, result.scale, w.flat(), b.flat(), result.out);
  return result;
}

TEST(LayerNorm, IsItsScalarTwinBitForBitOnEveryTarget) {
  const RunContext ctx({.threads = 2});
  Values values(11);
  for (const std::int64_t n : kWidths) {
    const Tensor x = values.tensor({3, n}, false);
    const Tensor w = values.tensor({n}, false);
    const Tensor b = values.tensor({n}, false);
    Normalized expected{Tensor({3}), Tensor({3, n})};
    for (std::int64_t r = 0; r < 3; ++r) {
      expected.scale(r) = scalar::layer_norm_scale(x[r].flat(), kEps);
      scalar::layer_norm_apply(x[r].flat(), expected.scale(r), w.data(), b.data(),
                               expected.out[r].data());
    }
    on_every_target([&](const Target&) {
      const Normalized result = layer_norm(ctx, x, w, b);
      EXPECT_EQ(differing(result.scale, expected.scale), 0) << n;
      EXPECT_EQ(differing(result.out, expected.out), 0) << n;
    });
  }
}

// Error beside the largest output of the row (RMS: beside the output), in 2^−24; and what was
// measured.
constexpr double kLayerNormError = 3.5;  // 2.9
constexpr double kRmsNormError = 4.5;    // 4.1

TEST(LayerNorm, IsWithinItsBound) {
  const RunContext ctx({.threads = 2});
  Values values(12);
  for (const std::int64_t n : {16, 33, 768, 3072}) {
    const Tensor x = values.tensor({20, n}, false);
    Tensor w({n});
    const Tensor b({n});
    std::ranges::fill(w.flat(), 1.0F);
    const Normalized result = layer_norm(ctx, x, w, b);
    for (std::int64_t r = 0; r < 20; ++r) {
      long double mean = 0;
      long double variance = 0;
      for (std::int64_t i = 0; i < n; ++i) mean += static_cast<long double>(x(r, i)) / n;
      for (std::int64_t i = 0; i < n; ++i) {
        const long double centred = static_cast<long double>(x(r, i)) - mean;
        variance += centred * centred / n;
      }
      const long double scale = std::sqrt(variance + static_cast<long double>(kEps));
      long double worst = 0;
      long double largest = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const long double expected = (static_cast<long double>(x(r, i)) - mean) / scale;
        worst = std::max(worst, std::abs(static_cast<long double>(result.out(r, i)) - expected));
        largest = std::max(largest, std::abs(expected));
      }
      EXPECT_LE(static_cast<double>(worst / largest) * 0x1p24, kLayerNormError) << n;
    }
  }
}

TEST(RmsNorm, IsItsScalarTwinAndWithinItsBound) {
  const RunContext ctx({.threads = 2});
  Values values(13);
  for (const std::int64_t n : kWidths) {
    const Tensor x = values.tensor({2, n}, false);
    on_every_target([&](const Target&) {
      Tensor scale({2});
      Tensor out({2, n});
      rms_norm_scale(ctx, x, kEps, scale);
      rms_norm_apply(ctx, x, scale, out);
      for (std::int64_t r = 0; r < 2; ++r) {
        const float square = scalar::sum_of_squares(x[r].flat(), 0.0F);
        EXPECT_EQ(scale(r), std::sqrt(square / static_cast<float>(n) + kEps)) << n;
        long double mean = 0;
        for (std::int64_t i = 0; i < n; ++i) {
          mean += static_cast<long double>(x(r, i)) * static_cast<long double>(x(r, i)) / n;
        }
        const long double true_scale = std::sqrt(mean + static_cast<long double>(kEps));
        for (std::int64_t i = 0; i < n; ++i) {
          ASSERT_EQ(out(r, i), x(r, i) / scale(r));
          const long double expected = static_cast<long double>(x(r, i)) / true_scale;
          const long double error = std::abs(static_cast<long double>(out(r, i)) - expected);
          ASSERT_LE(static_cast<double>(error),
                    std::abs(static_cast<double>(expected)) * 0x1p-24 * kRmsNormError);
        }
      }
    });
  }
}

TEST(Softmax, IsItsScalarTwinBitForBitOnEveryTarget) {
  const RunContext ctx({.threads = 1});
  Values values(14);
  for (const std::int64_t n : kWidths) {
    Tensor x = values.tensor({1, n}, false);
    for (float& value : x.flat()) value *= 20;
    Tensor expected = x;
    scalar::softmax(expected.flat());
    on_every_target([&](const Target&) {
      Tensor out({1, n});
      softmax(ctx, x, out);
      EXPECT_EQ(differing(out, expected), 0) << n;
      Tensor in_place = x;
      softmax_row(in_place.data(), n);
      EXPECT_EQ(differing(in_place, expected), 0) << n;
    });
  }
}

// Relative error of a probability in 2^−24: this, |x − max|, which the subtraction rounds, and what
// the sum of n terms adds, n / 2048. Error of a log-probability beside max(1, |value|).
constexpr double kSoftmaxError = 8;
constexpr double kLogSoftmaxError = 3e-7;  // 2.5e-7

TEST(Softmax, AndItsLogarithmAreWithinTheirBounds) {
  const RunContext ctx({.threads = 2});
  Values values(15);
  for (const std::int64_t n : kWidths) {
    Tensor x = values.tensor({4, n}, false);
    for (float& value : x.flat()) value *= 15;
    Tensor p(x.shape());
    Tensor log_p(x.shape());
    softmax(ctx, x, p);
    log_softmax(ctx, x, log_p);
    for (std::int64_t r = 0; r < 4; ++r) {
      const double max = static_cast<double>(std::ranges::max(x[r].flat()));
      double sum = 0;
      for (const float value : x[r].flat()) sum += std::exp(static_cast<double>(value) - max);
      for (std::int64_t i = 0; i < n; ++i) {
        const double expected = std::exp(static_cast<double>(x(r, i)) - max) / sum;
        const double log_expected = static_cast<double>(x(r, i)) - max - std::log(sum);
        ASSERT_LE(
            std::abs(static_cast<double>(p(r, i)) - expected) / expected * 0x1p24,
            kSoftmaxError + max - static_cast<double>(x(r, i)) + static_cast<double>(n) / 2048)
            << n;
        ASSERT_LE(std::abs(static_cast<double>(log_p(r, i)) - log_expected) /
                      std::max(1.0, std::abs(log_expected)),
                  kLogSoftmaxError)
            << n;
      }
    }
  }
}

TEST(Softmax, MinusInfinityWeighsNothingAndAloneGivesZeros) {
  const RunContext ctx({.threads = 1});
  const float minus = -std::numeric_limits<float>::infinity();
  Tensor x({2, 3});
  std::ranges::copy(std::vector<float>{1, minus, 1, minus, minus, minus}, x.data());
  softmax(ctx, x, x);
  EXPECT_EQ(std::vector<float>(x.flat().begin(), x.flat().end()),
            (std::vector<float>{0.5F, 0, 0.5F, 0, 0, 0}));
}

TEST(Softmax, OneNotANumberMakesItsWholeRowNotANumber) {
  const RunContext ctx({.threads = 1});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Tensor x({2, 3});
  std::ranges::copy(std::vector<float>{1, nan, 2, 0, 0, 0}, x.data());
  Tensor p(x.shape());
  Tensor log_p(x.shape());
  softmax(ctx, x, p);
  log_softmax(ctx, x, log_p);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::isnan(p(0, i)) && std::isnan(log_p(0, i))) << i;
    EXPECT_TRUE(p(1, i) > 0 && log_p(1, i) < 0) << i;
  }
}

TEST(Normalization, ARowAloneHasTheBitsItHasInABatch) {
  const RunContext ctx({.threads = 3});
  Values values(16);
  const Tensor x = values.tensor({65, 100}, false);
  const Tensor w = values.tensor({100});
  const Tensor b = values.tensor({100});
  const Normalized batch = layer_norm(ctx, x, w, b);
  Tensor soft(x.shape());
  softmax(ctx, x, soft);
  for (std::int64_t r = 0; r < 65; ++r) {
    const Tensor row = Tensor::copy_of(x.view().rows(r, r + 1));
    EXPECT_EQ(differing(layer_norm(ctx, row, w, b).out.flat(), batch.out[r].flat()), 0);
    Tensor alone(row.shape());
    softmax(ctx, row, alone);
    EXPECT_EQ(differing(alone.flat(), soft[r].flat()), 0);
  }
}

}  // namespace
}  // namespace patchbay
