#include "patchbay/tensor/rotary.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>

#include "patchbay/base/check.h"

namespace patchbay {
namespace {

constexpr double kLn2 = 0.69314718055994530942;
// π/2 in two parts; a multiple of the first, below 2^20, is exact in double.
constexpr double kHalfPi = 1.5707963267341256;
constexpr double kHalfPiRest = 6.0771005065061922e-11;

// c0 + c1·x + c2·x² + …, by Horner's rule.
template <std::size_t N>
double polynomial(double x, const std::array<double, N>& c) {
  double result = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) result = result * x + c[i];
  return result;
}

// 1/first!, 1/(first + step)!, …, with alternating signs if asked for.
template <std::size_t N>
constexpr std::array<double, N> inverse_factorials(int first, int step, bool alternating) {
  std::array<double, N> c{};
  double factorial = 1.0;
  int k = 0;
  for (std::size_t i = 0; i < N; ++i) {
    while (k < first + static_cast<int>(i) * step) factorial *= ++k;
    c[i] = (alternating && i % 2 == 1 ? -1.0 : 1.0) / factorial;
  }
  return c;
}

// ln x for x ≥ 1: x = m·2^e with m near 1, and ln m = 2·artanh((m − 1)/(m + 1)).
double natural_logarithm(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // exact
  if (m < 0.70710678) {
    m *= 2.0;
    --exponent;
  }
  const double s = (m - 1.0) / (m + 1.0);
  double sum = 0.0;
  for (int k = 25; k >= 1; k -= 2) sum = sum * s * s + 1.0 / k;
  return exponent * kLn2 + 2.0 * s * sum;
}

// e^x for x ≤ 0: x = n·ln 2 + r with |r| ≤ ln 2 / 2, and a Taylor polynomial for e^r.
double exponential(double x) {
  static constexpr auto kTaylor = inverse_factorials<15>(0, 1, false);
  const double n = std::floor(x / kLn2 + 0.5);
  return std::ldexp(polynomial(x - n * kLn2, kTaylor), static_cast<int>(n));  // ldexp is exact
}

struct CosSin {
  double cos;
  double sin;
};

// Of an angle from 0 to 2^20: the angle is a multiple of π/2 and a rest of at most π/4, for which
// Taylor polynomials of degree 18 and 17 are exact to double precision.
CosSin cos_sin(double angle) {
  static constexpr auto kCos = inverse_factorials<10>(0, 2, true);
  static constexpr auto kSin = inverse_factorials<9>(1, 2, true);
  const double n = std::floor(angle / kHalfPi + 0.5);
  const double rest = (angle - n * kHalfPi) - n * kHalfPiRest;
  const double square = rest * rest;
  const double c = polynomial(square, kCos);
  const double s = rest * polynomial(square, kSin);
  switch (static_cast<std::int64_t>(n) % 4) {
    case 0:
      return {c, s};
    case 1:
      return {-s, c};
    case 2:
      return {-c, -s};
    default:
      return {s, -c};
  }
}

void turn(float& a, float& b, float cos, float sin) {
  const float turned = a * cos - b * sin;
  b = b * cos + a * sin;
  a = turned;
}

}  // namespace

RotaryTable::RotaryTable(const RunContext& ctx, double base, std::int64_t n_ctx, std::int64_t dims,
                         RotaryPairs arranged)
    : pairs(arranged) {
  if (dims < 2 || dims % 2 != 0 || n_ctx < 0 || !(base >= 1.0 && std::isfinite(base))) {
    throw Error(
        ErrorKind::kUsage, "rotary",
        fmt::format("no table of base {} for {} positions and {} dimensions; give a base of 1 "
                    "or more and an even number of dimensions",
                    base, n_ctx, dims));
  }
  cos = Tensor::uninitialized({n_ctx, dims / 2});
  sin = Tensor::uninitialized({n_ctx, dims / 2});
  const std::int64_t n_pairs = dims / 2;
  const double logarithm = natural_logarithm(base);
  constexpr std::int64_t kPiece = 256;  // positions
  ctx.parallel_for(n_ctx, kPiece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < n_pairs; ++i) {
      const double frequency =
          exponential(-logarithm * static_cast<double>(i) / static_cast<double>(n_pairs));
      for (std::int64_t position = begin; position < end; ++position) {
        const CosSin value = cos_sin(static_cast<double>(position) * frequency);
        cos(position, i) = static_cast<float>(value.cos);
        sin(position, i) = static_cast<float>(value.sin);
      }
    }
  });
}

void rotate(const RunContext& ctx, const RotaryTable& table,
            std::span<const std::int32_t> positions, std::int64_t d_head, TensorView x) {
  const Shape& known = table.cos.shape();  // [n_ctx, dims/2]
  const bool fits = known.rank() == 2 && known[1] > 0 && table.sin.shape() == known &&
                    x.shape().rank() == 2 && d_head >= 2 * known[1] && x.shape()[1] % d_head == 0 &&
                    x.shape()[0] == std::ssize(positions);
  if (!fits) {
    throw Error(ErrorKind::kUsage, "rotary",
                fmt::format("x {} at {} positions with heads of {} cannot be turned by a table {}; "
                            "check the shapes",
                            x.shape().str(), positions.size(), d_head, known.str()));
  }
  for (const std::int32_t position : positions) {
    check_index("rotary", "position", position, known[0]);
  }
  const std::int64_t pairs = table.cos.shape()[1];
  const std::int64_t width = x.shape()[1];  // heads·d_head
  const bool adjacent = table.pairs == RotaryPairs::kAdjacent;
  constexpr std::int64_t kPiece = 16;  // rows
  ctx.parallel_for(x.shape()[0], kPiece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t position = positions[static_cast<std::size_t>(row)];
      const float* cos = table.cos[position].data();
      const float* sin = table.sin[position].data();
      for (float* head = x[row].data(); head < x[row].data() + width; head += d_head) {
        if (adjacent) {
          for (std::int64_t i = 0; i < pairs; ++i)
            turn(head[2 * i], head[2 * i + 1], cos[i], sin[i]);
          continue;
        }
        for (std::int64_t i = 0; i < pairs; ++i) {
          turn(head[i], head[i + pairs], cos[i], sin[i]);
        }
      }
    }
  });
}

}  // namespace patchbay
