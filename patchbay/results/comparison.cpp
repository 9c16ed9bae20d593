#include "patchbay/results/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/results/prompt_identity.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

std::vector<std::string> axis_names(const EffectTable& table) {
  std::vector<std::string> names;
  for (const TableAxis& axis : table.axes) names.push_back(axis.name);
  return names;
}

// The same prompt's place in both results.
struct SamePrompt {
  std::size_t first;
  std::size_t second;
};

// In the order of the first. Of one that repeats, as many as both have.
std::vector<SamePrompt> same_prompts(const EffectTable& first, const EffectTable& second,
                                     PromptParts parts) {
  std::vector<SamePrompt> same;
  const Provenance& a = first.provenance;
  const Provenance& b = second.provenance;
  if (!a.tokens_sha256.empty() && a.tokens_sha256 == b.tokens_sha256 &&
      first.n_prompts() == second.n_prompts()) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(first.n_prompts()); ++i) {
      same.push_back({i, i});
    }
    return same;
  }
  const bool by_tokens =
      !a.model_sha256.empty() && a.model_sha256 == b.model_sha256 && a.prepend_bos == b.prepend_bos;
  std::multimap<std::string, std::size_t> left;  // those of one text in their order
  const std::vector<std::string> of_second = prompt_identities(second, parts, by_tokens);
  for (std::size_t i = 0; i < of_second.size(); ++i) {
    if (!of_second[i].empty()) left.emplace(of_second[i], i);
  }
  const std::vector<std::string> of_first = prompt_identities(first, parts, by_tokens);
  for (std::size_t i = 0; i < of_first.size(); ++i) {
    const auto found = left.lower_bound(of_first[i]);
    if (found == left.end() || found->first != of_first[i]) continue;
    same.push_back({i, found->second});
    left.erase(found);
  }
  return same;
}

// What a label names, without what it says of it in parentheses: "subject (3-5 tokens)", and
// "0 (heads 0-2)" of a model with shared heads.
std::string_view place_of(std::string_view label) { return label.substr(0, label.find(" (")); }

std::int64_t count_of_place(const std::vector<std::string>& labels, std::string_view place) {
  return std::ranges::count_if(labels,
                               [&](const std::string& one) { return place_of(one) == place; });
}

// Where a place is among some labels: the label itself, or else the only one of the same place.
// Names that people choose may have parentheses of their own: "mover (early)", "mover (late)".
auto find_place(const std::vector<std::string>& labels, std::string_view label) {
  const auto itself = std::ranges::find(labels, label);
  const std::string_view place = place_of(label);
  if (itself != labels.end() || count_of_place(labels, place) != 1) return itself;
  return std::ranges::find_if(labels,
                              [&](const std::string& one) { return place_of(one) == place; });
}

// What both call a place that the first calls `label`; "" where the second does not have it.
std::string common_label(const std::string& label, const std::vector<std::string>& first,
                         const std::vector<std::string>& second) {
  const auto other = find_place(second, label);
  if (other == second.end()) return "";
  if (*other == label) return label;
  const std::string place(place_of(label));
  return count_of_place(first, place) == 1 ? place : "";
}

// The table with these labels on the axes but the last, in this order, and these prompts.
EffectTable cut(const EffectTable& table, const std::vector<TableAxis>& axes,
                const std::vector<std::size_t>& prompts) {
  const auto chosen = [&](const auto& all) {
    std::remove_cvref_t<decltype(all)> some;
    for (const std::size_t prompt : prompts) some.push_back(all[prompt]);
    return some;
  };
  EffectTable result = table;
  result.axes = axes;
  result.axes.push_back({table.axes.back().name, chosen(table.axes.back().labels)});
  for (std::vector<double>* side : {&result.baselines.clean, &result.baselines.corrupted}) {
    if (!side->empty()) *side = chosen(*side);
  }
  for (TextColumn& column : result.columns) column.texts = chosen(column.texts);
  result.values.clear();
  for (std::int64_t cell = 0; cell < result.cells(); ++cell) {
    const auto labels = result.cell_labels(cell);
    std::int64_t from = 0;
    for (std::size_t axis = 0; axis < labels.size(); ++axis) {
      const auto& all = table.axes[axis].labels;
      from = from * std::ssize(all) + (find_place(all, labels[axis]) - all.begin());
    }
    const auto values = table.cell_values(from);
    for (const std::size_t prompt : prompts) result.values.push_back(values[prompt]);
  }
  return result;
}

// Labels of the first that the second has too, in the order of the first; without the prompts.
std::vector<TableAxis> common_axes(const EffectTable& first, const EffectTable& second) {
  std::vector<TableAxis> axes;
  for (std::size_t i = 0; i + 1 < first.axes.size(); ++i) {
    TableAxis axis{first.axes[i].name, {}};
    for (const std::string& label : first.axes[i].labels) {
      std::string common = common_label(label, first.axes[i].labels, second.axes[i].labels);
      if (!common.empty()) axis.labels.push_back(std::move(common));
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

std::string source_of(const EffectTable& table) {
  const auto source = std::ranges::find(table.options, std::string_view("source"), &Option::name);
  if (source == table.options.end()) return "";
  const auto* text = std::get_if<std::string>(&source->value);
  return text == nullptr ? "" : *text;
}

std::string text_of(const EffectTable& table, std::string_view name, std::size_t prompt) {
  const auto column = std::ranges::find(table.columns, name, &TextColumn::name);
  return column == table.columns.end() ? "?" : column->texts[prompt];
}

// What makes two results no repetition of one question, naming both.
std::vector<std::string> differences_of(const EffectTable& first, const EffectTable& second) {
  std::vector<std::string> differs;
  const auto add = [&](std::string_view what, std::string_view a, std::string_view b) {
    if (a != b) differs.push_back(fmt::format("the {} ({} and {})", what, a, b));
  };
  add("metric", first.metric, second.metric);
  add("direction", name_of(first.direction), name_of(second.direction));
  const std::string source = source_of(first);
  const std::string other = source_of(second);
  if (!source.empty() && !other.empty()) add("source", source, other);
  const auto clean = same_prompts(first, second, PromptParts::kClean);
  const std::size_t whole = same_prompts(first, second, PromptParts::kWhole).size();
  const auto another = std::ranges::find_if(clean, [&](const SamePrompt& same) {
    return text_of(first, "corrupted", same.first) != text_of(second, "corrupted", same.second);
  });
  if (whole < clean.size() && another != clean.end()) {
    add("corruption of the same clean prompts",
        fmt::format("“{}”", visible_text(text_of(first, "corrupted", another->first), 80)),
        fmt::format("“{}”", visible_text(text_of(second, "corrupted", another->second), 80)));
  }
  return differs;
}

// "1 of 20 prompts is the same"
std::string same_text(const Comparison& both) {
  const char* verb = both.n_same == 1 ? "is" : "are";
  if (both.n_first == both.n_second) {
    return fmt::format("{} of {} {} {} the same", both.n_same, both.n_first,
                       both.n_first == 1 ? "prompt" : "prompts", verb);
  }
  return fmt::format("{} of the first result's {} and the second's {} prompts {} the same",
                     both.n_same, both.n_first, both.n_second, verb);
}

std::vector<std::size_t> all_prompts(const EffectTable& table) {
  std::vector<std::size_t> prompts(static_cast<std::size_t>(table.n_prompts()));
  std::iota(prompts.begin(), prompts.end(), std::size_t{0});
  return prompts;
}

void check_comparable(const EffectTable& first, const EffectTable& second, EffectKind effect) {
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
}

// second - first of every prompt; both tables have the same prompts in the same order.
void subtract_prompts(Comparison& both) {
  EffectTable& difference = both.difference;
  difference.axes = both.first.axes;
  difference.columns = both.first.columns;
  const auto raw = [](const EffectTable& table, std::int64_t cell, std::int64_t prompt) {
    const auto base = table.base();
    const double value = table.value(cell, prompt);
    return base.empty() ? value : value - base[static_cast<std::size_t>(prompt)];
  };
  for (std::int64_t cell = 0; cell < both.first.cells(); ++cell) {
    for (std::int64_t prompt = 0; prompt < both.first.n_prompts(); ++prompt) {
      difference.values.push_back(raw(both.second, cell, prompt) - raw(both.first, cell, prompt));
    }
  }
  difference.notes = {fmt::format(
      "second - first, prompt by prompt ({}): its intervals are those of paired samples",
      same_text(both))};
}

// second - first of what all prompts of each give.
void subtract_summaries(Comparison& both, EffectKind effect) {
  EffectTable& difference = both.difference;
  difference.axes = both.first.axes;
  difference.axes.back().labels = {std::string(kAllPrompts)};
  const auto a = summarize(both.first, effect, both.first.aggregate);
  const auto b = summarize(both.second, effect, both.second.aggregate);
  for (std::size_t cell = 0; cell < a.size(); ++cell) {
    difference.values.push_back(b[cell].value - a[cell].value);
  }
  difference.metric += fmt::format(", {}", name_of(effect));
  const bool could_pair = effect != EffectKind::kRaw && both.n_same > 0 &&
                          both.n_same == std::min(both.n_first, both.n_second);
  difference.notes = {fmt::format(
      "second - first, of the {} over all prompts of each ({}): it has no interval of its own{}",
      effect == EffectKind::kRaw ? "means" : "two summaries", same_text(both),
      could_pair ? "; with `effect` raw the prompts are compared one by one" : "")};
}

}  // namespace

Comparison compare(const EffectTable& first, const EffectTable& second, EffectKind effect,
                   const ComparisonOptions& options) {
  check_comparable(first, second, effect);
  Comparison both{.first = {}, .second = {}, .difference = {}, .differs = {}};
  both.differs = differences_of(first, second);
  if (!both.differs.empty() && !options.anyway) {
    throw Error(
        ErrorKind::kUsage, "compare",
        fmt::format("the two results do not agree in {}; compare results of one question, or "
                    "add `anyway`",
                    fmt::join(both.differs, ", ")));
  }
  const auto same =
      same_prompts(first, second, both.differs.empty() ? PromptParts::kWhole : PromptParts::kClean);
  both.n_same = std::ssize(same);
  both.n_first = first.n_prompts();
  both.n_second = second.n_prompts();
  both.is_paired = effect == EffectKind::kRaw && first.metric == second.metric &&
                   first.direction == second.direction && both.n_same > 0 &&
                   both.n_same == std::min(both.n_first, both.n_second);
  std::vector<std::size_t> of_first = all_prompts(first);
  std::vector<std::size_t> of_second = all_prompts(second);
  if (both.is_paired) {
    of_first.clear();
    of_second.clear();
    for (const SamePrompt& prompt : same) {
      of_first.push_back(prompt.first);
      of_second.push_back(prompt.second);
    }
  }
  const std::vector<TableAxis> axes = common_axes(first, second);
  both.first = cut(first, axes, of_first);
  both.second = cut(second, axes, of_second);
  for (EffectTable* table : {&both.first, &both.second}) table->effect = effect;
  EffectTable& difference = both.difference;
  difference.experiment = "comparison";
  difference.metric =
      first.metric == second.metric ? first.metric : first.metric + " and " + second.metric;
  difference.effect = EffectKind::kRaw;
  difference.provenance = second.provenance;
  if (both.is_paired) {
    subtract_prompts(both);
  } else {
    subtract_summaries(both, effect);
  }
  for (const std::string& what : both.differs) {
    difference.notes.push_back(fmt::format("the two results do not agree in {}", what));
  }
  return both;
}

}  // namespace patchbay
