// How near the activation functions are to the true ones, and that their bits never vary.
#include "patchbay/tensor/activation.h"

#include <cmath>
#include <limits>

#include "tests/tensor/tensor_testing.h"

namespace patchbay {
namespace {

using testing::differing;
using testing::on_every_target;
using testing::ulps;
using testing::Values;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Floats from `low` to `high`: every 127th bit pattern of either sign, which hits every binade.
Tensor samples(float low, float high) {
  std::vector<float> values;
  for (std::uint64_t bits = 0; bits < 0x7F800000U; bits += 127) {
    const auto size = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (size <= high) values.push_back(size);
    if (-size >= low) values.push_back(-size);
  }
  Tensor result = Tensor::uninitialized({static_cast<std::int64_t>(values.size())});
  std::ranges::copy(values, result.data());
  return result;
}

using Function = void (*)(const RunContext&, ConstTensorView, TensorView);

template <class Reference, class Error>
double worst(const Tensor& x, Function function, const Reference& reference, const Error& error) {
  const RunContext ctx({.threads = 2});
  Tensor out = Tensor::uninitialized(x.shape());
  function(ctx, x, out);
  double largest = 0;
  for (std::size_t i = 0; i < x.flat().size(); ++i) {
    const double expected = reference(static_cast<double>(x.flat()[i]));
    largest = std::max(largest, error(out.flat()[i], expected, static_cast<double>(x.flat()[i])));
  }
  return largest;
}

double in_ulps(float value, double expected, double) { return ulps(value, expected); }
// For a product x·f(x), whose size near a tail is far below x's: error beside |x| (at least the
// smallest normal float), in 2^−24.
double beside_x(float value, double expected, double x) {
  return std::abs(static_cast<double>(value) - expected) / std::max(std::abs(x), 0x1p-126) * 0x1p24;
}

void gelu_new(const RunContext& ctx, ConstTensorView x, TensorView out) {
  activate(ctx, ActivationFunction::kGeluNew, x, out);
}
void gelu(const RunContext& ctx, ConstTensorView x, TensorView out) {
  activate(ctx, ActivationFunction::kGelu, x, out);
}
void silu(const RunContext& ctx, ConstTensorView x, TensorView out) {
  activate(ctx, ActivationFunction::kSilu, x, out);
}
void relu(const RunContext& ctx, ConstTensorView x, TensorView out) {
  activate(ctx, ActivationFunction::kRelu, x, out);
}

double true_gelu_new(double x) {
  const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}
double true_gelu(double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double true_silu(double x) { return x / (1 + std::exp(-x)); }

// The stated bounds, and what every seventh float of either sign gave at most. Below 2^−126 an
// error counts in units of the smallest normal's last place.
constexpr double kExpUlps = 1.0;                   // 0.951
constexpr double kTanhUlps = 1.4;                  // 1.358
constexpr double kGeluNewUlpsFromMinusOne = 2.75;  // 2.713 for x ≥ −1
constexpr double kGeluUlpsFromMinusOne = 2.6;      // 2.537 for x ≥ −1
constexpr double kSiluUlpsFromMinusOne = 2.0;      // 1.997 for x ≥ −1
constexpr double kBesideX = 2.1;                   // 2.006·2^−24·|x|, everywhere

TEST(Exp, IsWithinItsBound) {
  EXPECT_LE(worst(
                samples(-103.9F, 88.7F), &exp, [](double x) { return std::exp(x); }, in_ulps),
            kExpUlps);
}
TEST(Tanh, IsWithinItsBound) {
  EXPECT_LE(worst(
                samples(-50, 50), &tanh, [](double x) { return std::tanh(x); }, in_ulps),
            kTanhUlps);
}
TEST(GeluNew, IsWithinItsBounds) {
  EXPECT_LE(worst(samples(-1, 200), &gelu_new, true_gelu_new, in_ulps), kGeluNewUlpsFromMinusOne);
  EXPECT_LE(worst(samples(-200, 200), &gelu_new, true_gelu_new, beside_x), kBesideX);
}
TEST(Gelu, IsWithinItsBounds) {
  EXPECT_LE(worst(samples(-1, 200), &gelu, true_gelu, in_ulps), kGeluUlpsFromMinusOne);
  EXPECT_LE(worst(samples(-200, 200), &gelu, true_gelu, beside_x), kBesideX);
}
TEST(Silu, IsWithinItsBounds) {
  EXPECT_LE(worst(samples(-1, 200), &silu, true_silu, in_ulps), kSiluUlpsFromMinusOne);
  EXPECT_LE(worst(samples(-200, 200), &silu, true_silu, beside_x), kBesideX);
}
TEST(Relu, IsExact) {
  EXPECT_EQ(worst(
                samples(-200, 200), &relu, [](double x) { return x > 0 ? x : 0; }, in_ulps),
            0);
}

TEST(ActivationFunctions, TreatSpecialValuesAsMathematicsDoes) {
  const RunContext ctx({.threads = 1});
  Tensor x({8});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values = {0.0F, -0.0F,  kInfinity, -kInfinity,
                                     nan,  200.0F, -200.0F,   1e-40F};
  std::ranges::copy(values, x.data());
  const auto at = [&](Function function, int i) {
    Tensor out({8});
    function(ctx, x, out);
    return out.flat()[static_cast<std::size_t>(i)];
  };
  on_every_target([&](const Target&) {
    EXPECT_EQ(at(&exp, 0), 1.0F);
    EXPECT_EQ(at(&exp, 1), 1.0F);
    EXPECT_EQ(at(&exp, 2), kInfinity);
    EXPECT_EQ(at(&exp, 3), 0.0F);
    EXPECT_EQ(at(&exp, 5), kInfinity);
    EXPECT_EQ(at(&exp, 6), 0.0F);
    EXPECT_EQ(at(&tanh, 2), 1.0F);
    EXPECT_EQ(at(&tanh, 3), -1.0F);
    EXPECT_TRUE(std::signbit(at(&tanh, 1)));
    for (const Function function : {&gelu_new, &gelu, &silu}) {
      EXPECT_EQ(at(function, 0), 0.0F);
      EXPECT_EQ(at(function, 5), 200.0F);
      EXPECT_EQ(at(function, 6), 0.0F);
    }
    for (const Function function : {&exp, &tanh, &gelu_new, &gelu, &silu, &relu}) {
      EXPECT_TRUE(std::isnan(at(function, 4)));
    }
  });
}

TEST(ActivationFunctions, GiveAnElementTheSameBitsInAnyCompanyOnEveryTarget) {
  const RunContext ctx({.threads = 1});
  Values values(1);
  const Tensor x = values.tensor({67});
  for (const Function function : {&exp, &tanh, &gelu_new, &gelu, &silu, &relu}) {
    Tensor expected({67});
    function(ctx, x, expected);
    on_every_target([&](const Target&) {
      for (std::int64_t begin = 0; begin < 67; ++begin) {
        for (const std::int64_t count : {1, 3, 16, 17, 33}) {
          const std::int64_t end = std::min<std::int64_t>(67, begin + count);
          Tensor part = Tensor::uninitialized({end - begin});
          function(ctx, x.view().rows(begin, end), part);
          ASSERT_EQ(differing(part.flat(), expected.view().rows(begin, end).flat()), 0);
        }
      }
    });
  }
}

}  // namespace
}  // namespace patchbay
