#include "patchbay/report/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "patchbay/base/check.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/base/words.h"
#include "patchbay/results/token_list.h"

namespace patchbay {
namespace {

constexpr std::string_view kAcross[] = {"head", "key_value_head", "position", "source", "neuron"};

std::optional<std::size_t> index_of(const EffectTable& table, std::string_view name) {
  for (std::size_t i = 0; i + 1 < table.axes.size(); ++i) {
    if (table.axes[i].name == name) return i;
  }
  return std::nullopt;
}

// Indices of the axes that go down and across.
std::pair<std::optional<std::size_t>, std::optional<std::size_t>> chosen(const EffectTable& table) {
  if (const auto layer = index_of(table, "layer")) {
    for (const std::string_view name : kAcross) {
      if (const auto across = index_of(table, name)) return {layer, across};
    }
  }
  std::vector<std::size_t> long_ones;
  for (std::size_t i = 0; i + 1 < table.axes.size(); ++i) {
    if (table.axes[i].labels.size() > 1) long_ones.push_back(i);
  }
  if (long_ones.empty() && table.axes.size() > 1) long_ones.push_back(table.axes.size() - 2);
  if (long_ones.empty()) return {};
  if (long_ones.size() == 1) return {long_ones.front(), std::nullopt};
  return {long_ones[long_ones.size() - 2], long_ones.back()};
}

std::size_t step_of(const EffectTable& table, std::size_t axis) {
  std::size_t step = 1;
  for (std::size_t i = axis + 1; i + 1 < table.axes.size(); ++i)
    step *= table.axes[i].labels.size();
  return step;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Numbers of positions with the token there, if it is the same in all prompts.
std::vector<std::string> with_tokens(const EffectTable& table, const TableAxis& axis) {
  std::vector<std::string> labels = axis.labels;
  if (axis.name != "position" && axis.name != "source" && axis.name != "destination") return labels;
  if (!std::ranges::all_of(labels, is_number)) return labels;
  std::vector<std::vector<std::string>> prompts;
  for (std::size_t i = 0; i < static_cast<std::size_t>(table.n_prompts()); ++i) {
    prompts.push_back(tokens_of(table, i));
  }
  for (std::string& label : labels) {
    if (label.size() > 6) continue;
    const auto at = static_cast<std::size_t>(std::stoul(label));
    const auto same = [&](const auto& tokens) {
      return at < tokens.size() && tokens[at] == prompts.front()[at];
    };
    if (!prompts.empty() && at < prompts.front().size() && std::ranges::all_of(prompts, same)) {
      label += fmt::format(" {}", visible_text(prompts.front()[at], 24));
    }
  }
  return labels;
}

}  // namespace

const TableAxis* axis_of(const EffectTable& table, std::string_view name) {
  const auto index = index_of(table, name);
  return index ? &table.axes[*index] : nullptr;
}

std::string head_of(const EffectTable& table, std::size_t cell) {
  const auto layer = index_of(table, "layer");
  const auto head = index_of(table, "head");
  if (const auto node = index_of(table, "node")) {
    const std::string_view name = table.cell_labels(static_cast<std::int64_t>(cell))[*node];
    const std::size_t dot = name.find('.');
    const bool is_head = dot != std::string_view::npos && is_number(name.substr(0, dot)) &&
                         is_number(name.substr(dot + 1));
    return is_head ? std::string(name) : "";
  }
  if (!layer || !head) return "";
  const auto labels = table.cell_labels(static_cast<std::int64_t>(cell));
  // "1 (k, v: heads 3-5)" is head 1 of every site but k and v, which share it.
  const std::string_view label = labels[*head];
  const std::size_t open = std::min(label.find(" ("), label.size());
  const std::string_view sharing = label.substr(open, label.find(':') - open);
  const auto site = index_of(table, "site");
  if (!sharing.empty() && site) {
    for (const std::string_view one : split(sharing.substr(2), ',')) {
      if (one == labels[*site]) return "";
    }
  }
  return fmt::format("{}.{}", labels[*layer], label.substr(0, open));
}

std::vector<std::string> tokens_of(const EffectTable& table, std::size_t prompt) {
  const auto column =
      std::ranges::find(table.columns, std::string_view("clean tokens"), &TextColumn::name);
  if (column == table.columns.end()) return {};
  check_index("grid", "prompt", static_cast<std::int64_t>(prompt), std::ssize(column->texts));
  return split_tokens(column->texts[prompt]);
}

Grid grid_of(const EffectTable& table) {
  table.check();
  const auto [down, across] = chosen(table);
  Grid grid{.rows = {"", {""}, 0}, .columns = {"", {""}, 0}, .panels = {}};
  const auto take = [&](std::size_t axis) -> GridAxis {
    return {table.axes[axis].name, with_tokens(table, table.axes[axis]), step_of(table, axis)};
  };
  if (down) grid.rows = take(*down);
  if (across) grid.columns = take(*across);
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i + 1 < table.axes.size(); ++i) {
    if (i != down && i != across) others.push_back(i);
  }
  std::vector<std::size_t> at(others.size(), 0);
  while (true) {
    GridPanel panel;
    for (std::size_t i = 0; i < others.size(); ++i) {
      const TableAxis& axis = table.axes[others[i]];
      panel.first += at[i] * step_of(table, others[i]);
      panel.title += fmt::format("{}{} {}", i == 0 ? "" : ", ", visible_text(axis.name, 24),
                                 visible_text(axis.labels[at[i]], 40));
    }
    grid.panels.push_back(std::move(panel));
    std::size_t i = others.size();
    while (i > 0 && ++at[i - 1] == table.axes[others[i - 1]].labels.size()) at[--i] = 0;
    if (i == 0) return grid;
  }
}

}  // namespace patchbay
