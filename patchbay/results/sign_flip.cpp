// Whether an effect could be chance: the paired sign-flip test, cell by cell, and Holm's
// correction.
//
// Under the null hypothesis a prompt's effect is as likely to have either sign, so the observed sum
// is compared with the sums under all patterns of signs (Fisher, The Design of Experiments, 1935,
// section 21). p is the share of patterns whose sum is at least as far from 0.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"
#include "patchbay/base/split_mix.h"
#include "patchbay/base/stop_check.h"
#include "patchbay/results/metric_traits.h"
#include "patchbay/results/prompt_identity.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

constexpr std::int64_t kExactPrompts = 20;
// Drawing stops at so many patterns as extreme as the observed one; the estimate is then h / l
// (Besag and Clifford, "Sequential Monte Carlo p-values", 1991), within some 10 %. So only cells
// that may be significant cost all draws.
constexpr std::int64_t kEnoughExtremes = 100;
constexpr std::size_t kGroup = 8;  // prompts whose signs are one byte of a pattern
// Sums of the same effects in another order differ by rounding. What is nearer than this part of
// the sum of magnitudes is a tie, and ties count as extreme.
constexpr double kTie = 0x1p-40;
// The bootstrap draws from the seed itself; this keeps the two streams apart.
constexpr std::uint64_t kSignStream = 0x7369676E666C6970;

// A cell's raw effects, [cluster], each summed over prompts that are the same; 0 where none has the
// cell: 0 changes no sum.
struct CellEffects {
  std::vector<double> effects;
  std::int64_t n = 0;  // clusters that have the cell
};

// [prompt] Which prompts are the same.
struct Clusters {
  std::vector<std::size_t> of;
  std::size_t count;
};

CellEffects raw_effects(const EffectTable& table, const Clusters& clusters, std::int64_t cell) {
  const auto values = table.cell_values(cell);
  const auto base = table.base();
  CellEffects result{std::vector<double>(clusters.count), 0};
  std::vector<bool> is_there(clusters.count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    const std::size_t cluster = clusters.of[i];
    result.effects[cluster] += base.empty() ? values[i] : values[i] - base[i];
    is_there[cluster] = true;
  }
  result.n = std::ranges::count(is_there, true);
  return result;
}

// The smallest |sum| that counts as extreme as the observed one.
double threshold(std::span<const double> effects) {
  double sum = 0;
  double magnitude = 0;
  for (const double effect : effects) {
    sum += effect;
    magnitude += std::abs(effect);
  }
  return std::abs(sum) - kTie * magnitude;
}

// The sums under all patterns of signs, in ascending order: merges sums - x with sums + x.
std::vector<double> sorted_signed_sums(std::span<const double> effects) {
  std::vector<double> sums = {0};
  for (const double effect : effects) {
    const double x = std::abs(effect);
    std::vector<double> lower(sums);
    std::vector<double> upper(sums);
    for (double& sum : lower) sum -= x;
    for (double& sum : upper) sum += x;
    sums.resize(2 * sums.size());
    std::merge(lower.begin(), lower.end(), upper.begin(), upper.end(), sums.begin());
  }
  return sums;
}

// Every pattern is one of the first half's with one of the second half's, so 2^n patterns are
// counted in 2^(n/2) steps.
double exact_p(const CellEffects& cell) {
  const double extreme = threshold(cell.effects);
  if (extreme <= 0) return 1;
  std::vector<double> present;
  for (const double effect : cell.effects) {
    if (effect != 0) present.push_back(effect);
  }
  const std::span all(present);
  const auto first = sorted_signed_sums(all.first(all.size() / 2));
  const auto second = sorted_signed_sums(all.subspan(all.size() / 2));
  std::size_t from = second.size();  // second[from …] reach the threshold
  std::uint64_t count = 0;
  for (const double sum : first) {
    while (from > 0 && sum + second[from - 1] >= extreme) --from;
    count += second.size() - from;
  }
  // As many sums are as far below 0.
  return 2 * static_cast<double>(count) / static_cast<double>(first.size() * second.size());
}

// Patterns of signs that all cells share, one byte for kGroup prompts.
class DrawnSigns {
 public:
  DrawnSigns(std::size_t n_prompts, std::int64_t flips, std::uint64_t seed)
      : groups_((n_prompts + kGroup - 1) / kGroup),
        flips_(flips),
        bytes_(groups_ * static_cast<std::size_t>(flips)) {
    SplitMix64 random(seed);
    for (std::size_t i = 0; i < bytes_.size(); i += 8) {
      const std::uint64_t bits = random.next();
      const std::size_t n = std::min<std::size_t>(8, bytes_.size() - i);
      for (std::size_t j = 0; j < n; ++j) bytes_[i + j] = static_cast<std::uint8_t>(bits >> 8 * j);
    }
  }

  // (c + 1) / (B + 1) of c extreme sums in B draws (Phipson and Smyth, 2010), or the early
  // estimate.
  [[nodiscard]] double p(const CellEffects& cell) const {
    const double extreme = threshold(cell.effects);
    if (extreme <= 0) return 1;
    if (is_beyond_drawing(cell.effects, extreme)) return 1 / static_cast<double>(flips_ + 1);
    const std::vector<double> sums = group_sums(cell.effects);
    std::int64_t count = 0;
    std::int64_t draws = 0;
    for (auto pattern = bytes_.begin(); pattern != bytes_.end(); ++draws) {
      double sum = 0;
      for (std::size_t g = 0; g < groups_; ++g) sum += sums[g << kGroup | *pattern++];
      if (std::abs(sum) < extreme) continue;
      if (++count == kEnoughExtremes) {
        return static_cast<double>(count) / static_cast<double>(draws + 1);
      }
    }
    return static_cast<double>(count + 1) / static_cast<double>(draws + 1);
  }

 private:
  // Whether p is below 1 / (B + 1) for sure, so that drawing could only show that same value. By
  // Hoeffding's inequality (1963) p <= 2 exp(-t^2 / (2 sum of squares)); ln x <= ln 2 times the
  // bits of x.
  [[nodiscard]] bool is_beyond_drawing(std::span<const double> effects, double extreme) const {
    constexpr double kLn2RoundedUp = 0.6932;
    double squares = 0;
    for (const double effect : effects) squares += effect * effect;
    const auto bits = std::bit_width(2 * static_cast<std::uint64_t>(flips_ + 1));
    return extreme * extreme >= 2 * squares * kLn2RoundedUp * bits;
  }

  // [group, byte]: the sum of a group's effects under the signs of each byte.
  [[nodiscard]] std::vector<double> group_sums(std::span<const double> effects) const {
    std::vector<double> sums(groups_ << kGroup);
    for (std::size_t i = 0; i < effects.size(); ++i) {
      double* group = sums.data() + (i / kGroup << kGroup);
      const std::size_t bit = std::size_t{1} << i % kGroup;
      for (std::size_t byte = 0; byte < bit; ++byte) {
        group[byte | bit] = group[byte] + effects[i];
        group[byte] -= effects[i];
      }
    }
    // The last group may be short: its unused bits mean nothing.
    const std::size_t used = effects.size() % kGroup;
    if (used != 0) {
      double* group = sums.data() + ((groups_ - 1) << kGroup);
      for (std::size_t byte = std::size_t{1} << used; byte < 1 << kGroup; ++byte) {
        group[byte] = group[byte % (std::size_t{1} << used)];
      }
    }
    return sums;
  }

  std::size_t groups_;
  std::int64_t flips_;
  std::vector<std::uint8_t> bytes_;  // [draw, group]
};

// Holm, "A simple sequentially rejective multiple test procedure", 1979: the k-th smallest of m is
// multiplied by m - k + 1, and no corrected value is smaller than one before it.
void correct(std::vector<std::optional<double>>& p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i) {
    if (p_values[i]) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return *p_values[a] < *p_values[b]; });
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    double& p = *p_values[order[k]];
    largest = std::max(largest, std::min(1.0, p * static_cast<double>(order.size() - k)));
    p = largest;
  }
}

}  // namespace

Significance sign_flip_test(const EffectTable& table, const StatisticsOptions& options) {
  const FloatEnvironment environment;
  table.check();
  if (const std::string rule = options.broken_rule(); !rule.empty()) {
    throw Error(ErrorKind::kUsage, "statistics", rule);
  }
  Clusters clusters{prompt_clusters(table), 0};
  clusters.count = *std::ranges::max_element(clusters.of) + 1;
  std::vector<bool> can_change;
  std::int64_t there = 0;
  std::int64_t tested = 0;
  std::int64_t n = 0;
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    const std::int64_t of_cell = raw_effects(table, clusters, cell).n;
    can_change.push_back(of_cell > 0 && can_change_sign(table, cell));
    there += of_cell > 0 ? 1 : 0;
    if (!can_change.back()) continue;
    ++tested;
    n = std::max(n, of_cell);
  }
  if (there == 0) return {{}, "no prompt has any of the cells", 0};
  if (tested == 0) {
    return {{},
            fmt::format("no test: {} cannot change its sign{}",
                        table.direction == Direction::kNone ? table.metric : "the effect",
                        table.direction == Direction::kNone ? "" : " in every prompt"),
            0};
  }
  // The smallest p is 2 / 2^n, times the cells for Holm; 0.05 is 1 / 20.
  const std::int64_t needed = std::bit_width(static_cast<std::uint64_t>(40 * tested - 1));
  if (n < needed) {
    return {{},
            fmt::format("too few {}prompts to test (n = {}; {} {} {})",
                        std::cmp_less(clusters.count, table.n_prompts()) ? "distinct " : "", n,
                        tested, tested == 1 ? "cell needs" : "cells need", needed),
            0};
  }
  Significance result;
  // Enough for the smallest p, times the cells, to be half the level.
  if (n > kExactPrompts) result.flips = std::max<std::int64_t>(10'000, 40 * tested) - 1;
  const DrawnSigns drawn(clusters.count, result.flips, options.seed ^ kSignStream);
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    stop_check();
    auto& p = result.p_values.emplace_back();
    if (!can_change[static_cast<std::size_t>(cell)]) continue;
    const CellEffects effects = raw_effects(table, clusters, cell);
    p = effects.n <= kExactPrompts ? exact_p(effects) : drawn.p(effects);
  }
  correct(result.p_values);
  return result;
}

std::int64_t Significance::n_tested() const {
  return std::ranges::count_if(p_values, [](const auto& p) { return p.has_value(); });
}

}  // namespace patchbay
