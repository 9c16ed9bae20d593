// What statistics say in words: of how many prompts they are, and what to know before believing
// them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/results/comparison.h"
#include "patchbay/results/metric_traits.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

const EffectSummary& summary_of(const TableStatistics& statistics, EffectKind effect) {
  const auto found = std::ranges::find(statistics.effects, effect, &EffectSummary::effect);
  if (found != statistics.effects.end()) return *found;
  throw Error(ErrorKind::kUsage, "statistics",
              fmt::format("these statistics have no effect {}; ask for one that the table has",
                          name_of(effect)));
}

// The fewest and the most prompts of places that have any.
struct Counts {
  std::int64_t fewest;
  std::int64_t most;
};
Counts counts_of(const EffectSummary& summary) {
  Counts counts{0, 0};
  for (const CellSummary& cell : summary.cells) {
    if (cell.n == 0) continue;
    counts.fewest = counts.most == 0 ? cell.n : std::min(counts.fewest, cell.n);
    counts.most = std::max(counts.most, cell.n);
  }
  return counts;
}

std::string some_of(const Counts& counts, std::int64_t all) {
  if (counts.fewest == counts.most) return fmt::format("{} of {} prompts", counts.most, all);
  return fmt::format("{} to {} of {} prompts", counts.fewest, counts.most, all);
}

std::string repeats_note(const EffectTable& table, const TableStatistics& statistics) {
  if (statistics.n_distinct == table.n_prompts()) return "";
  return fmt::format(
      "{} distinct of {} prompts: the others repeat them, and errors, intervals and tests count "
      "each once",
      statistics.n_distinct, table.n_prompts());
}

// "3 (prompts 2, 5, 7)", the first ten of many.
std::string some_prompts(const std::vector<std::int64_t>& prompts) {
  constexpr std::size_t kMost = 10;
  const auto end = prompts.begin() + static_cast<std::ptrdiff_t>(std::min(prompts.size(), kMost));
  return fmt::format("{} ({} {}{})", prompts.size(), prompts.size() == 1 ? "prompt" : "prompts",
                     fmt::join(prompts.begin(), end, ", "), end == prompts.end() ? "" : ", …");
}

std::string left_out_note(const EffectTable& table, const EffectSummary& summary) {
  const Counts counts = counts_of(summary);
  const std::int64_t all = table.n_prompts();
  if (counts.most == 0 || counts.fewest == all) return "";
  const auto small = static_cast<std::int64_t>(summary.left_out_prompts.size());
  std::vector<std::string> reasons;
  if (small > 0) {
    reasons.push_back(fmt::format(
        "{} left out because {} is near 0", some_prompts(summary.left_out_prompts),
        summary.effect == EffectKind::kPercentOfClean ? "the clean metric" : "the gap"));
  }
  if (counts.fewest < all - small) {
    reasons.push_back(
        "a place counts the prompts that have a value there (the position, a wrong answer)");
  }
  return fmt::format("{} is of {}: {}", name_of(summary.effect), some_of(counts, all),
                     fmt::join(reasons, "; "));
}

std::string exchanged_note(const EffectTable& table) {
  const int better = traits_of_metric(table.metric).better;
  const auto& [clean, corrupted] = table.baselines;
  if (better == 0 || clean.empty() || corrupted.empty()) return "";
  std::int64_t worse = 0;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    worse += better * (clean[i] - corrupted[i]) < 0 ? 1 : 0;
  }
  if (2 * worse <= table.n_prompts()) return "";
  return fmt::format(
      "warning: {} is {} on the clean than on the corrupted prompt in {} of {} prompts; are right "
      "and wrong answers, or the two prompts, exchanged?",
      table.metric, better > 0 ? "lower" : "higher", worse, table.n_prompts());
}

}  // namespace

std::string p_text(double p) {
  constexpr double kSmallest = 1e-4;
  return p < kSmallest ? "< 0.0001" : fmt::format("{:.4f}", p);
}

std::string prompts_text(const EffectTable& table, const TableStatistics& statistics,
                         EffectKind effect) {
  const Counts counts = counts_of(summary_of(statistics, effect));
  const std::int64_t all = table.n_prompts();
  if (all == 1 && table.axes.back().labels.front() == kAllPrompts) return "all prompts of both";
  std::string text = counts.fewest == all || counts.most == 0
                         ? fmt::format("{} {}", all, all == 1 ? "prompt" : "prompts")
                         : some_of(counts, all);
  if (statistics.n_distinct < all) text += fmt::format(", {} distinct", statistics.n_distinct);
  return text;
}

std::vector<std::string> notes_of(const EffectTable& table, const TableStatistics& statistics,
                                  EffectKind effect) {
  std::vector<std::string> notes = table.notes;
  for (const std::string& note :
       {repeats_note(table, statistics), left_out_note(table, summary_of(statistics, effect)),
        exchanged_note(table)}) {
    if (!note.empty()) notes.push_back(note);
  }
  return notes;
}

}  // namespace patchbay
