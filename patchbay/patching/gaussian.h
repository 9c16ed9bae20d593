// Gaussian noise that is the same everywhere.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "patchbay/base/split_mix.h"

namespace patchbay {

/// Standard normal numbers by Marsaglia's polar method (Marsaglia & Bray 1964).
class Gaussian {
 public:
  explicit Gaussian(std::uint64_t seed) : random_(seed) {}
  double next();

 private:
  SplitMix64 random_;
  bool has_spare_ = false;
  double spare_ = 0.0;
};

/// A seed that depends on each of some numbers and on their order.
std::uint64_t mixed_seed(std::initializer_list<std::uint64_t> numbers);

}  // namespace patchbay
