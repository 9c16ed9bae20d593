// Effects of cells with their errors and intervals.
#include "patchbay/results/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"
#include "patchbay/base/stop_check.h"
#include "patchbay/results/effect_ratio-inl.h"
#include "patchbay/results/prompt_identity.h"
#include "patchbay/results/resampling.h"

namespace patchbay {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kMostResamples = 100'000;

double ratio(double above, double below) { return below == 0 ? kNaN : above / below; }

void check_options(const StatisticsOptions& options) {
  if (const std::string rule = options.broken_rule(); !rule.empty()) {
    throw Error(ErrorKind::kUsage, "statistics", rule);
  }
}

// Which prompts count in a cell, [prompt].
using Mask = std::vector<bool>;

// Sums of what does not depend on the cell's values, [resample]. Most cells have the same mask.
struct BaseSums {
  std::vector<double> clean;
  std::vector<double> corrupted;
  std::vector<double> n;
};

class Summarizer {
 public:
  Summarizer(const EffectTable& table, const StatisticsOptions& options,
             std::vector<std::size_t> clusters)
      : table_(table),
        options_(options),
        clusters_(std::move(clusters)),
        n_clusters_(*std::ranges::max_element(clusters_) + 1),
        resampling_(static_cast<std::int64_t>(n_clusters_), options.bootstrap_resamples,
                    options.seed),
        clean_(or_zeros(table.baselines.clean)),
        corrupted_(or_zeros(table.baselines.corrupted)) {}

  std::vector<EffectSummary> summarize(std::span<const EffectKind> kinds, Aggregate aggregate) {
    std::vector<EffectSummary> result;
    for (const EffectKind kind : kinds) {
      result.push_back({kind, aggregate, {}, {}});
      if (aggregate == Aggregate::kMeanOfRatios) result.back().left_out_prompts = too_small(kind);
    }
    for (std::int64_t cell = 0; cell < table_.cells(); ++cell) {
      stop_check();
      if (aggregate == Aggregate::kRatioOfMeans) {
        ratios_of_means(cell, result);
      } else {
        for (EffectSummary& summary : result) {
          summary.cells.push_back(mean_of_ratios(cell, summary));
        }
      }
    }
    return result;
  }

 private:
  [[nodiscard]] std::vector<double> or_zeros(const std::vector<double>& baseline) const {
    if (!baseline.empty()) return baseline;
    return std::vector<double>(static_cast<std::size_t>(table_.n_prompts()));
  }

  [[nodiscard]] Metrics of_sequence(std::int64_t cell, std::size_t i) const {
    return {table_.cell_values(cell)[i], clean_[i], corrupted_[i], 1};
  }

  // The prompts whose ratio would say more about the denominator than about the effect.
  [[nodiscard]] std::vector<std::int64_t> too_small(EffectKind kind) const {
    std::vector<std::int64_t> prompts;
    for (std::size_t i = 0; i < clean_.size(); ++i) {
      const double below = denominator(kind, {0, clean_[i], corrupted_[i], 1});
      if (std::abs(below) < options_.smallest_gap || below == 0) {
        prompts.push_back(static_cast<std::int64_t>(i));
      }
    }
    return prompts;
  }

  // [cluster] Sums over the same prompts, of those that count.
  [[nodiscard]] std::vector<double> cluster_sums(const Mask& mask,
                                                 std::span<const double> values) const {
    std::vector<double> sums(n_clusters_);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (mask[i]) sums[clusters_[i]] += values[i];
    }
    return sums;
  }

  // The sums over resamples of the values whose prompt counts.
  [[nodiscard]] std::vector<double> masked_sums(const Mask& mask,
                                                std::span<const double> values) const {
    return resampling_.sums(cluster_sums(mask, values));
  }

  // How many distinct prompts count.
  [[nodiscard]] std::int64_t distinct(const Mask& mask) const {
    std::vector<bool> counts(n_clusters_);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i]) counts[clusters_[i]] = true;
    }
    return std::ranges::count(counts, true);
  }

  // The error of a mean over n prompts whose residuals add up to 0, the same ones together: where
  // all are distinct, sqrt(sum of squares / (n (n - 1))).
  [[nodiscard]] double error_of(const Mask& mask, std::span<const double> residuals,
                                double n) const {
    const auto d = static_cast<double>(distinct(mask));
    double squares = 0;
    for (const double sum : cluster_sums(mask, residuals)) squares += sum * sum;
    const double error = std::sqrt(squares / (d * (d - 1)));
    return d == n ? error : error * d / n;
  }

  const BaseSums& base_sums(const Mask& mask) {
    constexpr std::size_t kMostMasks = 64;
    if (base_sums_.size() >= kMostMasks && !base_sums_.contains(mask)) base_sums_.clear();
    const auto [place, is_new] = base_sums_.try_emplace(mask);
    if (is_new) {
      const std::vector<double> ones(mask.size(), 1);
      place->second = {masked_sums(mask, clean_), masked_sums(mask, corrupted_),
                       masked_sums(mask, ones)};
    }
    return place->second;
  }

  // Fills in the interval of a statistic over resamples, those left out where it has no value.
  void add_interval(CellSummary& summary, std::vector<double> resampled) const {
    std::erase_if(resampled, [](double value) { return !std::isfinite(value); });
    if (summary.n_distinct < kFewestResampled || resampled.empty()) return;
    std::tie(summary.low, summary.high) = central_interval(resampled, options_.confidence);
  }

  void ratios_of_means(std::int64_t cell, std::vector<EffectSummary>& result) {
    const auto values = table_.cell_values(cell);
    Mask mask(values.size());
    Metrics sum{0, 0, 0, 0};
    for (std::size_t i = 0; i < values.size(); ++i) {
      mask[i] = std::isfinite(values[i]);
      if (!mask[i]) continue;
      sum.patched += values[i];
      sum.clean += clean_[i];
      sum.corrupted += corrupted_[i];
      sum.n += 1;
    }
    const std::vector<double> patched = masked_sums(mask, values);
    const BaseSums& base = base_sums(mask);
    const std::int64_t n_distinct = distinct(mask);
    for (EffectSummary& effect : result) {
      const auto statistic = [&](const Metrics& m) {
        if (m.n == 0) return kNaN;
        return ratio(numerator(effect.effect, table_.direction, m), denominator(effect.effect, m));
      };
      CellSummary summary = empty_summary(static_cast<std::int64_t>(sum.n), n_distinct);
      summary.value = statistic(sum);
      summary.standard_error = delta_error(cell, mask, effect.effect, sum);
      std::vector<double> resampled(patched.size());
      for (std::size_t b = 0; b < patched.size(); ++b) {
        resampled[b] = statistic({patched[b], base.clean[b], base.corrupted[b], base.n[b]});
      }
      add_interval(summary, std::move(resampled));
      effect.cells.push_back(summary);
    }
  }

  // Of a ratio R of sums of x and y: the error of the mean of x - R y, over the mean of y.
  [[nodiscard]] double delta_error(std::int64_t cell, const Mask& mask, EffectKind kind,
                                   const Metrics& sum) const {
    const double below = denominator(kind, sum);
    const double R = ratio(numerator(kind, table_.direction, sum), below);
    if (distinct(mask) < 2 || std::isnan(R)) return kNaN;
    std::vector<double> residuals(mask.size());
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (!mask[i]) continue;
      const Metrics m = of_sequence(cell, i);
      residuals[i] = numerator(kind, table_.direction, m) - R * denominator(kind, m);
    }
    return error_of(mask, residuals, sum.n) / std::abs(below / sum.n);
  }

  [[nodiscard]] CellSummary mean_of_ratios(std::int64_t cell, const EffectSummary& effect) {
    const auto values = table_.cell_values(cell);
    Mask mask(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) mask[i] = std::isfinite(values[i]);
    for (const std::int64_t i : effect.left_out_prompts) mask[static_cast<std::size_t>(i)] = false;
    std::vector<double> ratios(values.size());
    double sum = 0;
    double n = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!mask[i]) continue;
      const Metrics m = of_sequence(cell, i);
      ratios[i] = numerator(effect.effect, table_.direction, m) / denominator(effect.effect, m);
      sum += ratios[i];
      n += 1;
    }
    CellSummary summary = empty_summary(static_cast<std::int64_t>(n), distinct(mask));
    summary.value = ratio(sum, n);
    std::vector<double> residuals(ratios);
    for (double& residual : residuals) residual -= summary.value;
    if (summary.n_distinct > 1) summary.standard_error = error_of(mask, residuals, n);
    std::vector<double> resampled = masked_sums(mask, ratios);
    const std::vector<double>& counts = base_sums(mask).n;
    for (std::size_t b = 0; b < resampled.size(); ++b) {
      resampled[b] = ratio(resampled[b], counts[b]);
    }
    add_interval(summary, std::move(resampled));
    return summary;
  }

  [[nodiscard]] CellSummary empty_summary(std::int64_t n, std::int64_t n_distinct) const {
    return {kNaN, kNaN, kNaN, kNaN, std::nullopt, n, table_.n_prompts() - n, n_distinct};
  }

  const EffectTable& table_;
  const StatisticsOptions& options_;
  std::vector<std::size_t> clusters_;  // [prompt]
  std::size_t n_clusters_;
  Resampling resampling_;          // of clusters
  std::vector<double> clean_;      // [prompt], zeros when the table has none
  std::vector<double> corrupted_;  // [prompt]
  std::map<Mask, BaseSums> base_sums_;
};

void add_p_values(std::vector<CellSummary>& cells, const Significance& significance) {
  for (std::size_t i = 0; i < significance.p_values.size(); ++i) {
    cells[i].p_value = significance.p_values[i];
  }
}

}  // namespace

std::string StatisticsOptions::broken_rule() const {
  if (bootstrap_resamples < 1 || bootstrap_resamples > kMostResamples) {
    return fmt::format("bootstrap_resamples is {}; it must be from 1 to {}", bootstrap_resamples,
                       kMostResamples);
  }
  if (!(confidence > 0 && confidence < 1)) {
    return fmt::format("confidence is {}; it must be between 0 and 1", confidence);
  }
  if (!(smallest_gap >= 0 && std::isfinite(smallest_gap))) {
    return fmt::format("smallest_gap is {}; it must be 0 or more", smallest_gap);
  }
  return "";
}

TableStatistics table_statistics(const EffectTable& table, const StatisticsOptions& options) {
  const FloatEnvironment environment;
  table.check();
  check_options(options);
  std::vector<EffectKind> kinds;
  std::ranges::copy_if(kEffectKinds, std::back_inserter(kinds),
                       [&](EffectKind kind) { return table.has_effect(kind); });
  const std::vector<std::size_t> clusters = prompt_clusters(table);
  TableStatistics result{Summarizer(table, options, clusters).summarize(kinds, table.aggregate),
                         sign_flip_test(table, options),
                         static_cast<std::int64_t>(*std::ranges::max_element(clusters)) + 1};
  for (EffectSummary& effect : result.effects) add_p_values(effect.cells, result.significance);
  return result;
}

std::vector<CellSummary> summarize(const EffectTable& table, EffectKind kind, Aggregate aggregate,
                                   const StatisticsOptions& options) {
  const FloatEnvironment environment;
  table.check();
  check_options(options);
  if (!table.has_effect(kind)) {
    throw Error(ErrorKind::kUsage, "statistics",
                fmt::format("{} has no effect {}: a direction or a baseline is missing; ask for {}",
                            table.experiment, name_of(kind), name_of(EffectKind::kRaw)));
  }
  const EffectKind kinds[] = {kind};
  auto summary = Summarizer(table, options, prompt_clusters(table)).summarize(kinds, aggregate);
  add_p_values(summary.front().cells, sign_flip_test(table, options));
  return std::move(summary.front().cells);
}

std::vector<std::size_t> by_size(std::span<const CellSummary> cells, std::size_t count) {
  std::vector<std::size_t> order;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    if (!std::isnan(cells[cell].value)) order.push_back(cell);
  }
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::size_t cell) { return std::abs(cells[cell].value); });
  order.resize(std::min(order.size(), count));
  return order;
}

}  // namespace patchbay
