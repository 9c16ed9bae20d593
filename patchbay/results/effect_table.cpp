// The shape of a result table, its rules, and the names of its parts.
#include "patchbay/results/effect_table.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

template <typename Enum>
using Names = std::span<const std::pair<Enum, std::string_view>>;

constexpr std::pair<Direction, std::string_view> kDirections[] = {
    {Direction::kNone, "none"}, {Direction::kNoise, "noise"}, {Direction::kDenoise, "denoise"}};
constexpr std::pair<EffectKind, std::string_view> kEffects[] = {
    {EffectKind::kRaw, "raw"},
    {EffectKind::kFraction, "fraction"},
    {EffectKind::kRecovered, "recovered"},
    {EffectKind::kPercentOfClean, "percent_of_clean"},
    {EffectKind::kOfGap, "of_gap"}};
constexpr std::pair<Aggregate, std::string_view> kAggregates[] = {
    {Aggregate::kRatioOfMeans, "ratio_of_means"}, {Aggregate::kMeanOfRatios, "mean_of_ratios"}};

template <typename Enum>
std::string_view name_in(Names<Enum> names, Enum value) {
  for (const auto& [candidate, name] : names) {
    if (candidate == value) return name;
  }
  return "";
}

template <typename Enum>
Enum parse(Names<Enum> names, std::string_view what, std::string_view name) {
  std::vector<std::string> all;
  std::string list;
  for (const auto& [value, known] : names) {
    if (known == name) return value;
    all.emplace_back(known);
    list += (list.empty() ? "" : ", ") + all.back();
  }
  throw Error(ErrorKind::kUsage, "results",
              fmt::format("there is no {} \"{}\"{}; it is one of {}", what, name,
                          did_you_mean(name, all), list));
}

// Each of these gives the first rule that is broken, or "".

std::string axes_rule(const EffectTable& table) {
  if (table.axes.empty() || table.axes.back().name != "prompt") {
    return "the last axis must be \"prompt\"";
  }
  std::set<std::string_view> names;
  std::size_t size = 1;
  for (const TableAxis& axis : table.axes) {
    if (!names.insert(axis.name).second) {
      return fmt::format("the axis {} is given twice", json_quoted(axis.name));
    }
    if (axis.labels.empty()) {
      return fmt::format("the axis {} has no labels", json_quoted(axis.name));
    }
    if (size > std::numeric_limits<std::size_t>::max() / axis.labels.size()) {
      return "the axes make more cells than there can be";
    }
    size *= axis.labels.size();
  }
  if (table.values.size() == size) return "";
  return fmt::format("there are {} values, but the axes make {}", table.values.size(), size);
}

std::string baseline_rule(const EffectTable& table, std::string_view name,
                          const std::vector<double>& baseline) {
  if (baseline.empty()) return "";
  if (!std::cmp_equal(baseline.size(), table.n_prompts())) {
    return fmt::format("the {} baseline has {} values for {} prompts", name, baseline.size(),
                       table.n_prompts());
  }
  for (std::size_t i = 0; i < baseline.size(); ++i) {
    if (!std::isfinite(baseline[i])) {
      return fmt::format("the {} baseline of prompt {} is not finite", name, i);
    }
  }
  return "";
}

std::string options_rule(const EffectTable& table) {
  std::set<std::string_view> names;
  for (const Option& option : table.options) {
    if (!names.insert(option.name).second) {
      return fmt::format("the option {} is given twice", json_quoted(option.name));
    }
    const auto* number = std::get_if<double>(&option.value);
    if (number != nullptr && !std::isfinite(*number)) {
      return fmt::format("the option {} is not finite", json_quoted(option.name));
    }
  }
  return "";
}

std::string columns_rule(const EffectTable& table) {
  std::set<std::string_view> names;
  for (const TextColumn& column : table.columns) {
    if (!names.insert(column.name).second) {
      return fmt::format("the column {} is given twice", json_quoted(column.name));
    }
    if (!std::cmp_equal(column.texts.size(), table.n_prompts())) {
      return fmt::format("the column {} has {} texts for {} prompts", json_quoted(column.name),
                         column.texts.size(), table.n_prompts());
    }
  }
  return "";
}

std::string effect_rule(const EffectTable& table) {
  if (!table.has_effect(EffectKind::kRaw)) {
    return fmt::format("the direction {} needs its baseline", name_of(table.direction));
  }
  if (table.has_effect(table.effect)) return "";
  return fmt::format("the effect {} needs a direction or baselines that are not there",
                     name_of(table.effect));
}

}  // namespace

std::vector<std::int64_t> EffectTable::shape() const {
  std::vector<std::int64_t> extents;
  for (const TableAxis& axis : axes) {
    extents.push_back(static_cast<std::int64_t>(axis.labels.size()));
  }
  return extents;
}

std::int64_t EffectTable::cells() const {
  std::int64_t product = 1;
  for (std::size_t i = 0; i + 1 < axes.size(); ++i) {
    product *= static_cast<std::int64_t>(axes[i].labels.size());
  }
  return product;
}

std::int64_t EffectTable::n_prompts() const {
  return axes.empty() ? 0 : static_cast<std::int64_t>(axes.back().labels.size());
}

double EffectTable::value(std::int64_t cell, std::int64_t prompt) const {
  check_index("results", "prompt", prompt, n_prompts());
  return cell_values(cell)[static_cast<std::size_t>(prompt)];
}

std::span<const double> EffectTable::cell_values(std::int64_t cell) const {
  check_index("results", "cell", cell, cells());
  if (static_cast<std::int64_t>(values.size()) < (cell + 1) * n_prompts()) check();
  return std::span(values).subspan(static_cast<std::size_t>(cell * n_prompts()),
                                   static_cast<std::size_t>(n_prompts()));
}

std::vector<std::string_view> EffectTable::cell_labels(std::int64_t cell) const {
  check_index("results", "cell", cell, axes.empty() ? 0 : cells());
  std::vector<std::string_view> labels(axes.size() - 1);
  for (std::size_t i = labels.size(); i-- > 0;) {
    const auto extent = static_cast<std::int64_t>(axes[i].labels.size());
    labels[i] = axes[i].labels[static_cast<std::size_t>(cell % extent)];
    cell /= extent;
  }
  return labels;
}

std::span<const double> EffectTable::base() const {
  if (direction == Direction::kNone) return {};
  return direction == Direction::kNoise ? baselines.clean : baselines.corrupted;
}

bool EffectTable::has_effect(EffectKind kind) const {
  const bool clean = !baselines.clean.empty();
  const bool corrupted = !baselines.corrupted.empty();
  switch (kind) {
    case EffectKind::kRaw:
      return direction == Direction::kNone || !base().empty();
    case EffectKind::kFraction:
    case EffectKind::kOfGap:
      return direction != Direction::kNone && clean && corrupted;
    case EffectKind::kRecovered:
      return clean && corrupted;
    case EffectKind::kPercentOfClean:
      return clean;
  }
  return false;
}

std::string EffectTable::broken_rule() const {
  if (std::string rule = axes_rule(*this); !rule.empty()) return rule;
  for (const std::string& rule : {baseline_rule(*this, "clean", baselines.clean),
                                  baseline_rule(*this, "corrupted", baselines.corrupted),
                                  options_rule(*this), columns_rule(*this), effect_rule(*this)}) {
    if (!rule.empty()) return rule;
  }
  return "";
}

void EffectTable::check() const {
  if (const std::string rule = broken_rule(); !rule.empty()) {
    throw Error(ErrorKind::kUsage, "results",
                fmt::format("the table of {}: {}; give it what broken_rule asks for",
                            json_quoted(experiment), rule));
  }
}

std::string_view name_of(Direction direction) {
  return name_in(Names<Direction>(kDirections), direction);
}
std::string_view name_of(EffectKind kind) { return name_in(Names<EffectKind>(kEffects), kind); }
std::string_view name_of(Aggregate aggregate) {
  return name_in(Names<Aggregate>(kAggregates), aggregate);
}

Direction parse_direction(std::string_view name) {
  return parse(Names<Direction>(kDirections), "direction", name);
}
EffectKind parse_effect_kind(std::string_view name) {
  return parse(Names<EffectKind>(kEffects), "effect", name);
}
Aggregate parse_aggregate(std::string_view name) {
  return parse(Names<Aggregate>(kAggregates), "aggregate", name);
}

std::string_view formula_of(EffectKind kind, Direction direction) {
  switch (kind) {
    case EffectKind::kRaw:
      if (direction == Direction::kNone) return "value";
      return direction == Direction::kNoise ? "patched - clean" : "patched - corrupted";
    case EffectKind::kFraction:
      if (direction == Direction::kNoise) return "(clean - patched) / (clean - corrupted)";
      return "(patched - corrupted) / (clean - corrupted)";
    case EffectKind::kRecovered:
      return "(patched - corrupted) / (clean - corrupted)";
    case EffectKind::kPercentOfClean:
      return "100 (patched - clean) / clean";
    case EffectKind::kOfGap:
      if (direction == Direction::kNoise) return "(patched - clean) / (clean - corrupted)";
      return "(patched - corrupted) / (clean - corrupted)";
  }
  return "";
}

}  // namespace patchbay
