// Pearson's correlation of paired numbers.
#pragma once

#include <span>

namespace patchbay {

/// Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² · Σ (y − ȳ)²) over the pairs that are both finite; NaN for fewer
/// than two, or where one side is constant. Throws kUsage for sides of different lengths.
double correlation(std::span<const double> x, std::span<const double> y);

}  // namespace patchbay
