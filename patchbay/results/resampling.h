// The bootstrap's resampled prompts, drawn once for all cells. Used by statistics.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace patchbay {

/// Draws of n prompts out of n with replacement (Efron, "Bootstrap methods: another look at the
/// jackknife", 1979), kept as how often each prompt was drawn.
class Resampling {
 public:
  /// Throws kUsage unless both counts are at least 1.
  Resampling(std::int64_t n_prompts, std::int64_t n_resamples, std::uint64_t seed);

  [[nodiscard]] std::size_t n_resamples() const { return n_resamples_; }
  /// The sum over each resample's prompts, [n_resamples] of [prompt]. Prompts are added in their
  /// order, so equal values give equal sums to the bit. Throws kUsage unless there is one a prompt.
  [[nodiscard]] std::vector<double> sums(std::span<const double> values) const;

 private:
  // Resamples lie side by side in groups of this many, which one pass over the prompts adds up.
  static constexpr std::size_t kGroup = 8;

  std::size_t n_prompts_;
  std::size_t n_resamples_;
  std::vector<double> counts_;  // [group, prompt, kGroup]
};

/// The quantiles (1 - confidence) / 2 and (1 + confidence) / 2, linear between neighbours as
/// numpy's default. Reorders `values`. Throws kUsage when there are none, or when the confidence is
/// not from 0 to 1.
std::pair<double, double> central_interval(std::span<double> values, double confidence);

}  // namespace patchbay
