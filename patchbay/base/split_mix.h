// Random numbers that are the same everywhere: SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014).
#pragma once

#include <cstdint>

#include "patchbay/base/error.h"

namespace patchbay {

/// A stream of 64-bit numbers; equal seeds give equal streams.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  /// A number from 0 to n - 1, each equally likely: draws beyond the last whole multiple of n are
  /// drawn again. Throws kUsage when n is 0.
  std::uint64_t below(std::uint64_t n) {
    if (n == 0)
      throw Error(ErrorKind::kUsage, "random", "there is no number below 0; draw below 1 or more");
    const std::uint64_t beyond = (0 - n) % n;  // 2^64 mod n
    std::uint64_t draw = next();
    while (draw < beyond) draw = next();
    return draw % n;
  }

 private:
  std::uint64_t state_;
};

}  // namespace patchbay
