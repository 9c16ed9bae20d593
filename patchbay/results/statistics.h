// Means, errors, intervals and tests of a table's effects, all computed from its per-prompt values.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay {

struct StatisticsOptions {
  std::int64_t bootstrap_resamples = 2000;  ///< 1 … 100,000
  std::uint64_t seed = 0;
  double confidence = 0.95;  ///< how much of the distribution an interval holds, between 0 and 1
  /// The mean of ratios leaves out prompts whose denominator is nearer to 0 than this.
  double smallest_gap = 0.1;

  /// The first option that is out of range, in words, or "".
  [[nodiscard]] std::string broken_rule() const;
};

/// The probability of a false alarm among all cells that a test may have.
inline constexpr double kSignificanceLevel = 0.05;

/// The fewest distinct prompts that are resampled: fewer have no interval.
inline constexpr std::int64_t kFewestResampled = 5;

/// One cell's effect. NaN stands for what cannot be computed: an effect of no prompts or with a
/// denominator of 0, an error of fewer than two distinct prompts, an interval of fewer than
/// kFewestResampled.
struct CellSummary {
  double value;
  double standard_error;
  double low;   ///< where the bootstrap interval begins
  double high;  ///< where the bootstrap interval ends
  /// Of the sign-flip test, Holm-corrected over the cells that are tested; none for a cell that is
  /// not, and when the table cannot be tested.
  std::optional<double> p_value;
  std::int64_t n;           ///< how many prompts count
  std::int64_t n_left_out;  ///< prompts without this cell, or with too small a denominator
  /// How many distinct prompts those n are (prompt_clusters): repeats are no further evidence, so
  /// error, interval and test count each once.
  std::int64_t n_distinct = 0;
};

/// The two-sided paired sign-flip test of raw effects (Fisher 1935, section 21), cell by cell, with
/// Holm's (1979) correction over the cells that are tested.
struct Significance {
  /// [cells], corrected; none for a cell that no prompt has or whose effect cannot change its sign.
  /// Empty when `reason` is not.
  std::vector<std::optional<double>> p_values;
  /// Why nothing was tested: "too few prompts to test (n = 10; 144 cells need 13)", "no test:
  /// attention cannot change its sign".
  std::string reason;
  /// Drawn sign patterns a cell at most; 0 when all patterns were counted.
  std::int64_t flips = 0;

  /// How many cells were tested.
  [[nodiscard]] std::int64_t n_tested() const;
};

/// One kind of effect for all cells.
struct EffectSummary {
  EffectKind effect;
  Aggregate aggregate;
  std::vector<CellSummary> cells;  ///< row-major over the axes but "prompt"
  std::vector<std::int64_t>
      left_out_prompts;  ///< prompts whose denominator is too small for the mean of ratios
};

struct TableStatistics {
  std::vector<EffectSummary>
      effects;  ///< every kind that the table has, in the order of kEffectKinds
  Significance significance;
  std::int64_t n_distinct = 0;  ///< how many of the table's prompts are distinct (prompt_clusters)
};

/// All effects of a table with its own aggregate. Resampled prompts are drawn once and shared by
/// all cells and effects. Throws kUsage for a table that breaks a rule (EffectTable::check) and for
/// options out of range.
///
/// * A prompt without a cell (a value that is not finite) counts in neither sum of that cell.
/// * Ratio of means: the sum of numerators over the sum of denominators; its standard error is the
///   delta method's (Cochran, Sampling Techniques, 1977, section 2.11). Mean of ratios: the mean
///   and its standard error over prompts whose denominator is large enough.
/// * Intervals are percentiles of the statistic over resampled prompts (Efron 1979). Prompts that
///   are the same are drawn together, and errors are those of sums over the same prompts: of n
///   prompts of which d are distinct, d are drawn.
/// * The arithmetic is additions, products, divisions and square roots in a fixed order, and the
///   random numbers are our own: the same table gives the same bits everywhere.
TableStatistics table_statistics(const EffectTable& table, const StatisticsOptions& options = {});

/// One kind of effect, per cell. Throws as table_statistics, and kUsage when the table does not
/// have what the effect is computed from.
std::vector<CellSummary> summarize(const EffectTable& table, EffectKind kind, Aggregate aggregate,
                                   const StatisticsOptions& options = {});

/// The cells with the largest values by magnitude, `count` at most; those without a value are left
/// out.
std::vector<std::size_t> by_size(std::span<const CellSummary> cells, std::size_t count);

/// The test alone, of the cells whose raw effect can have either sign in every prompt
/// (can_change_sign). Repeated prompts change their sign together. Up to 20 distinct prompts every
/// pattern of signs is counted; above, patterns are drawn. Throws as table_statistics.
Significance sign_flip_test(const EffectTable& table, const StatisticsOptions& options = {});

/// A p value as it is printed: "0.0312", "< 0.0001".
std::string p_text(double p);

/// The ends of an interval as they are printed, "0.310 … 0.620", each made by `number`. Without
/// them: "too few prompts" for fewer distinct prompts than kFewestResampled, else "-".
template <typename Number>
std::string interval_text(const CellSummary& cell, const Number& number) {
  if (std::isfinite(cell.low)) return number(cell.low) + " … " + number(cell.high);
  return cell.n > 0 && cell.n_distinct < kFewestResampled ? "too few prompts" : "-";
}

/// Of how many prompts the numbers are: "12 prompts", "9 of 12 prompts", "5 to 12 of 12 prompts"
/// where places differ, and how many are distinct: "200 prompts, 4 distinct".
std::string prompts_text(const EffectTable& table, const TableStatistics& statistics,
                         EffectKind effect);

/// What belongs to the result: the table's own notes, and what follows from its numbers. Each of
/// these is one sentence: how many prompts repeat others, which prompts an effect leaves out and
/// why, and whether the metric is worse on clean than on corrupted prompts in most of them, as it
/// is where right and wrong answers were exchanged.
std::vector<std::string> notes_of(const EffectTable& table, const TableStatistics& statistics,
                                  EffectKind effect);

}  // namespace patchbay
