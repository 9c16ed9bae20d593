// Resampled sums as a product of counts and values, and percentiles.
#include "patchbay/results/resampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "patchbay/base/error.h"
#include "patchbay/base/split_mix.h"

namespace patchbay {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, "resampling", what);
}

std::size_t at_least_one(std::int64_t count, std::string_view what) {
  if (count < 1) fail(fmt::format("{} {} were asked for; give 1 or more", count, what));
  return static_cast<std::size_t>(count);
}

}  // namespace

Resampling::Resampling(std::int64_t n_prompts, std::int64_t n_resamples, std::uint64_t seed)
    : n_prompts_(at_least_one(n_prompts, "prompts")),
      n_resamples_(at_least_one(n_resamples, "resamples")),
      counts_((n_resamples_ + kGroup - 1) / kGroup * kGroup * n_prompts_) {
  SplitMix64 random(seed);
  for (std::size_t resample = 0; resample < n_resamples_; ++resample) {
    double* group = counts_.data() + resample / kGroup * kGroup * n_prompts_;
    for (std::size_t draw = 0; draw < n_prompts_; ++draw) {
      group[random.below(n_prompts_) * kGroup + resample % kGroup] += 1;
    }
  }
}

std::vector<double> Resampling::sums(std::span<const double> values) const {
  if (values.size() != n_prompts_) {
    fail(fmt::format("{} values for {} prompts; give one each", values.size(), n_prompts_));
  }
  std::vector<double> result(counts_.size() / n_prompts_);
  const double* counts = counts_.data();
  for (std::size_t first = 0; first < result.size(); first += kGroup) {
    std::array<double, kGroup> sum{};
    for (const double value : values) {
      for (std::size_t i = 0; i < kGroup; ++i) sum[i] += counts[i] * value;
      counts += kGroup;
    }
    std::copy(sum.begin(), sum.end(), result.begin() + static_cast<std::ptrdiff_t>(first));
  }
  result.resize(n_resamples_);
  return result;
}

std::pair<double, double> central_interval(std::span<double> values, double confidence) {
  if (values.empty()) fail("no values have no interval; give one at least");
  if (!(confidence >= 0 && confidence <= 1)) {
    fail(fmt::format("confidence is {}; it must be from 0 to 1", confidence));
  }
  // The quantile so far from `first` in the order of `before`. The ends of an interval are near the
  // ends of the order, where a partial sort passes over most values after one comparison.
  const double tail = (1 - confidence) / 2 * static_cast<double>(values.size() - 1);
  const auto at = std::min(static_cast<std::size_t>(tail), values.size() - 1);
  const auto next = std::min(at + 1, values.size() - 1);
  const auto quantile = [&](const auto& first, const auto& last, auto before) {
    const auto place = [&](std::size_t i) { return first + static_cast<std::ptrdiff_t>(i); };
    std::partial_sort(first, place(next + 1), last, before);
    return *place(at) + (*place(next) - *place(at)) * (tail - static_cast<double>(at));
  };
  const double low = quantile(values.begin(), values.end(), std::less<>());
  return {low, quantile(values.rbegin(), values.rend(), std::greater<>())};
}

}  // namespace patchbay
