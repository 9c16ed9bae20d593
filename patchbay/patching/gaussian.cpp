#include "patchbay/patching/gaussian.h"

#include <cmath>

#include "patchbay/tensor/logarithm.h"

namespace patchbay {
namespace {

// Of [−1, 1), a multiple of 2^−52.
double uniform(SplitMix64& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-52 - 1.0;
}

}  // namespace

double Gaussian::next() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double x = 0.0;
  double y = 0.0;
  double square = 0.0;
  do {
    x = uniform(random_);
    y = uniform(random_);
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  const double scale = std::sqrt(-2.0 * natural_logarithm(square) / square);
  spare_ = y * scale;
  has_spare_ = true;
  return x * scale;
}

std::uint64_t mixed_seed(std::initializer_list<std::uint64_t> numbers) {
  std::uint64_t seed = 0;
  for (const std::uint64_t number : numbers) seed = SplitMix64(seed + number).next();
  return seed;
}

}  // namespace patchbay
