#include "patchbay/results/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

std::vector<std::string> axis_names(const EffectTable& table) {
  std::vector<std::string> names;
  for (const TableAxis& axis : table.axes) names.push_back(axis.name);
  return names;
}

const std::vector<std::string>* clean_texts(const EffectTable& table) {
  const auto column =
      std::ranges::find(table.columns, std::string_view("clean"), &TextColumn::name);
  return column == table.columns.end() ? nullptr : &column->texts;
}

// How many prompts from the first on are the same.
std::size_t same_prompts(const EffectTable& first, const EffectTable& second) {
  const auto* a = clean_texts(first);
  const auto* b = clean_texts(second);
  if (a == nullptr || b == nullptr) return 0;
  return static_cast<std::size_t>(std::ranges::mismatch(*a, *b).in1 - a->begin());
}

// The table with these labels alone, in this order, and its first so many prompts.
EffectTable cut(const EffectTable& table, const std::vector<TableAxis>& axes, std::size_t prompts) {
  EffectTable result = table;
  result.axes = axes;
  result.axes.back().labels.assign(
      table.axes.back().labels.begin(),
      table.axes.back().labels.begin() + static_cast<std::ptrdiff_t>(prompts));
  for (std::vector<double>* side : {&result.baselines.clean, &result.baselines.corrupted}) {
    if (!side->empty()) side->resize(prompts);
  }
  for (TextColumn& column : result.columns) column.texts.resize(prompts);
  result.values.clear();
  for (std::int64_t cell = 0; cell < result.cells(); ++cell) {
    const auto labels = result.cell_labels(cell);
    std::int64_t from = 0;
    for (std::size_t axis = 0; axis < labels.size(); ++axis) {
      const auto& all = table.axes[axis].labels;
      from = from * std::ssize(all) + (std::ranges::find(all, labels[axis]) - all.begin());
    }
    const auto values = table.cell_values(from).first(prompts);
    result.values.insert(result.values.end(), values.begin(), values.end());
  }
  return result;
}

// Labels of the first that the second has too, in the order of the first.
std::vector<TableAxis> common_axes(const EffectTable& first, const EffectTable& second) {
  std::vector<TableAxis> axes;
  for (std::size_t i = 0; i < first.axes.size(); ++i) {
    TableAxis axis{first.axes[i].name, {}};
    for (const std::string& label : first.axes[i].labels) {
      const auto& others = second.axes[i].labels;
      if (std::ranges::find(others, label) != others.end()) axis.labels.push_back(label);
    }
    if (axis.labels.empty()) {
      throw Error(
          ErrorKind::kUsage, "compare",
          fmt::format("the two results have no {} in common; compare results of the same places",
                      axis.name));
    }
    axes.push_back(std::move(axis));
  }
  return axes;
}

}  // namespace

Comparison compare(const EffectTable& first, const EffectTable& second, EffectKind effect) {
  first.check();
  second.check();
  if (axis_names(first) != axis_names(second)) {
    throw Error(
        ErrorKind::kUsage, "compare",
        fmt::format(
            "the first result has the axes {}, the second {}; compare results of the same kind",
            fmt::join(axis_names(first), ", "), fmt::join(axis_names(second), ", ")));
  }
  for (const EffectTable* table : {&first, &second}) {
    if (table->has_effect(effect)) continue;
    throw Error(ErrorKind::kUsage, "compare",
                fmt::format("the result of {} has no effect {}; give both by `effect`",
                            table->experiment, name_of(effect)));
  }
  const std::vector<TableAxis> axes = common_axes(first, second);
  const std::size_t same = same_prompts(first, second);
  const bool paired = effect == EffectKind::kRaw && same > 0;
  const auto prompts = [&](const EffectTable& table) {
    return paired ? same : static_cast<std::size_t>(table.n_prompts());
  };
  Comparison result{.first = cut(first, axes, prompts(first)),
                    .second = cut(second, axes, prompts(second)),
                    .difference = {},
                    .is_paired = paired};
  for (EffectTable* table : {&result.first, &result.second}) table->effect = effect;
  EffectTable& difference = result.difference;
  difference.experiment = "comparison";
  difference.metric =
      first.metric == second.metric ? first.metric : first.metric + " and " + second.metric;
  difference.effect = EffectKind::kRaw;
  difference.axes = result.first.axes;
  difference.provenance = second.provenance;
  if (paired) {
    difference.columns = result.first.columns;
    const auto raw = [](const EffectTable& table, std::int64_t cell, std::int64_t prompt) {
      const auto base = table.base();
      const double value = table.value(cell, prompt);
      return base.empty() ? value : value - base[static_cast<std::size_t>(prompt)];
    };
    for (std::int64_t cell = 0; cell < result.first.cells(); ++cell) {
      for (std::int64_t prompt = 0; prompt < static_cast<std::int64_t>(same); ++prompt) {
        difference.values.push_back(raw(result.second, cell, prompt) -
                                    raw(result.first, cell, prompt));
      }
    }
    difference.notes = {
        "second - first, prompt by prompt: its intervals are those of paired samples"};
    return result;
  }
  difference.axes.back().labels = {"0"};
  const auto a = summarize(result.first, effect, first.aggregate);
  const auto b = summarize(result.second, effect, second.aggregate);
  for (std::size_t cell = 0; cell < a.size(); ++cell) {
    difference.values.push_back(b[cell].value - a[cell].value);
  }
  difference.metric += fmt::format(", {}", name_of(effect));
  difference.notes = {
      fmt::format("second - first, of the two summaries: it has no interval of its own; {}",
                  same > 0 ? "with `effect` raw the prompts are compared one by one"
                           : "the prompts are not the same")};
  return result;
}

}  // namespace patchbay
