// What a fast way is compared with its plain twin by: the settings it runs with, and equal bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "patchbay/base/run_context.h"

namespace patchbay {

// One thread and three, the small budget and the usual one.
inline std::vector<RunOptions> twin_runs(std::int64_t small_memory) {
  std::vector<RunOptions> runs;
  for (const int threads : {1, 3}) {
    for (const std::int64_t memory : {small_memory, RunOptions::kDefaultMemory}) {
      runs.push_back({.threads = threads, .max_memory = memory});
    }
  }
  return runs;
}

// How many values have different bits; -1 for different sizes.
inline std::int64_t differing(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return -1;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool both_nan = std::isnan(a[i]) && std::isnan(b[i]);
    if (!both_nan && std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i])) {
      ++count;
    }
  }
  return count;
}

}  // namespace patchbay
