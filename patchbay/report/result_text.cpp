#include "patchbay/report/result_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/words.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/terminal.h"
#include "patchbay/report/text_table.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

constexpr auto kRight = TextTable::Align::kRight;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3f}", value); }

const EffectSummary& shown_effect(const EffectTable& table, const TableStatistics& statistics) {
  return *std::ranges::find(statistics.effects, table.effect, &EffectSummary::effect);
}

std::string notes_text(const EffectTable& table, const TableStatistics& statistics) {
  std::string text;
  for (const std::string& note : notes_of(table, statistics, table.effect)) {
    text += fmt::format("{}{}\n", note.starts_with("warning:") ? "" : "note: ", note);
  }
  return text;
}

// How many places the view "largest" or "largest:20" lists; nothing for another view.
std::optional<std::int64_t> places_of(std::string_view view) {
  constexpr std::string_view kLargest = "largest:";
  if (view == "largest") return 10;
  if (!view.starts_with(kLargest)) return std::nullopt;
  const auto top = parse_number<double>(view.substr(kLargest.size()));
  if (!top || !(*top >= 0 && *top < 1e6)) {
    throw Error(
        ErrorKind::kUsage, "show",
        fmt::format("\"{}\" ends in no number; write one after the colon, such as largest:10",
                    view));
  }
  return static_cast<std::int64_t>(*top);
}

}  // namespace

std::string result_heading(const EffectTable& table, const TableStatistics& statistics,
                           const TextStyle& style) {
  std::string text = fmt::format("{}: {}", heading(table.experiment, style), table.metric);
  if (table.direction != Direction::kNone) text += fmt::format(", {}", name_of(table.direction));
  text += fmt::format(", {}\n", prompts_text(table, statistics, table.effect));
  if (!table.baselines.clean.empty()) {
    text += fmt::format("  clean      {} (mean)\n", number(mean(table.baselines.clean)));
  }
  if (!table.baselines.corrupted.empty()) {
    text += fmt::format("  corrupted  {} (mean)\n", number(mean(table.baselines.corrupted)));
  }
  text += fmt::format("  {} = {}, {}\n", name_of(table.effect),
                      formula_of(table.effect, table.direction), name_of(table.aggregate));
  return text;
}

std::string result_grids(const EffectTable& table, const TableStatistics& statistics,
                         const TextStyle& style) {
  if (style.terminal && figures::find("heat_map").fits(table)) {
    return terminal_heat_map({.table = table, .statistics = statistics, .effect = table.effect},
                             *style.terminal) +
           "\n";
  }
  const std::vector<CellSummary>& cells = shown_effect(table, statistics).cells;
  constexpr std::size_t kMostColumns = 40;
  const std::size_t axes = table.axes.size() - 1;  // without the prompts
  if (axes == 0) return {};
  const TableAxis one{"", {""}};
  const TableAxis& columns = axes >= 2 ? table.axes[axes - 1] : one;
  const TableAxis& rows = axes >= 2 ? table.axes[axes - 2] : table.axes[0];
  if (columns.labels.size() > kMostColumns) {
    const bool is_drawn =
        figures::find("heat_map").fits(table) || figures::find("attention_pattern").fits(table);
    return fmt::format(
        "The grid is left out: {} columns ({}) are more than the {} that text holds; {}the result "
        "file has every cell.\n\n",
        columns.labels.size(), printable(columns.name, style), kMostColumns,
        is_drawn ? "the report draws it, and " : "");
  }
  const std::size_t per_grid = rows.labels.size() * columns.labels.size();
  std::string text;
  for (std::size_t first = 0; first < cells.size(); first += per_grid) {
    std::string title;
    const auto labels = table.cell_labels(static_cast<std::int64_t>(first));
    for (std::size_t axis = 0; axis + 2 < axes; ++axis) {
      title += fmt::format("{} {}  ", table.axes[axis].name, labels[axis]);
    }
    if (!title.empty()) text += heading(title, style) + "\n";
    std::vector<TextTable::Column> head = {{fmt::format("{} \\ {}", rows.name, columns.name)}};
    if (columns.name.empty()) head = {{rows.name}};
    for (const std::string& label : columns.labels) {
      head.push_back({label.empty() ? std::string(name_of(table.effect)) : label, kRight});
    }
    TextTable grid(head);
    for (std::size_t row = 0; row < rows.labels.size(); ++row) {
      std::vector<std::string> line = {rows.labels[row]};
      for (std::size_t column = 0; column < columns.labels.size(); ++column) {
        line.push_back(number(cells[first + row * columns.labels.size() + column].value));
      }
      grid.add(std::move(line));
    }
    text += grid.str(style) + "\n";
  }
  return text;
}

std::string result_largest(const EffectTable& table, const TableStatistics& statistics,
                           std::int64_t top, const TextStyle& style) {
  const EffectSummary& shown = shown_effect(table, statistics);
  const Significance& significance = statistics.significance;
  std::vector<TextTable::Column> head;
  for (std::size_t axis = 0; axis + 1 < table.axes.size(); ++axis) {
    head.push_back({table.axes[axis].name});
  }
  head.insert(head.end(), {{std::string(name_of(shown.effect)), kRight},
                           {"standard error", kRight},
                           {"95 % interval", kRight}});
  const bool some_left_out =
      std::ranges::any_of(shown.cells, [](const CellSummary& cell) { return cell.n_left_out > 0; });
  if (some_left_out) head.push_back({"prompts", kRight});
  const bool tested = significance.reason.empty();
  if (tested) head.push_back({"p (Holm)", kRight});
  TextTable list(head);
  for (const std::size_t cell : by_size(shown.cells, static_cast<std::size_t>(top))) {
    const CellSummary& summary = shown.cells[cell];
    std::vector<std::string> line;
    for (const auto label : table.cell_labels(static_cast<std::int64_t>(cell))) {
      line.emplace_back(label);
    }
    line.insert(line.end(), {number(summary.value), number(summary.standard_error),
                             interval_text(summary, number)});
    if (some_left_out) line.push_back(fmt::format("{} of {}", summary.n, table.n_prompts()));
    if (tested) {
      const auto& p = significance.p_values[cell];
      line.push_back(p ? p_text(*p) : "-");
    }
    list.add(std::move(line));
  }
  std::string text = fmt::format("{}\n{}", heading("largest", style), list.str(style));
  if (!tested) text += fmt::format("{}\n", significance.reason);
  return text;
}

std::string list_text(const StudyList& list, const TextStyle& style) {
  std::vector<TextTable::Column> columns;
  for (const std::string& column : list.columns) columns.push_back({column});
  TextTable table(columns);
  for (const auto& row : list.rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(printable(cell, style));
    table.add(std::move(cells));
  }
  std::string text = heading(printable(list.title, style), style) + "\n";
  if (!list.rows.empty()) text += table.str(style);
  for (const std::string& sentence : list.sentences) text += sentence + "\n";
  return text + "\n";
}

std::string section_text(const StudySection& section, const TextStyle& style) {
  const auto words = [&](const std::string& text) { return printable(text, style) + "\n"; };
  const std::string title = heading("== " + printable(section.title, style), style);
  return fmt::format("\n{}\n{}", title, words(section.text)) +
         (section.left_out.empty() ? "" : "\n" + words(section.left_out));
}

std::string section_text(const StudySection& section, const EffectTable& table,
                         std::span<const std::string> views, const TextStyle& style) {
  const TableStatistics statistics = table_statistics(table);
  std::string text = fmt::format("{}\n{}\n", section_text(section, style),
                                 result_heading(table, statistics, style));
  auto list = section.lists.begin();
  for (const std::string& view : views) {
    if (view == "grid") {
      text += result_grids(table, statistics, style);
    } else if (const auto top = places_of(view)) {
      text += result_largest(table, statistics, *top, style) + "\n";
    } else if (list != section.lists.end()) {
      text += list_text(*list++, style);
    } else {
      throw Error(ErrorKind::kUsage, "section_text",
                  fmt::format("there is no list for the view \"{}\"; give the section one", view));
    }
  }
  return text + notes_text(table, statistics);
}

std::string result_text(const EffectTable& table, std::int64_t top, const TextStyle& style) {
  const TableStatistics statistics = table_statistics(table);
  std::string text = result_heading(table, statistics, style) + "\n" +
                     result_grids(table, statistics, style) +
                     result_largest(table, statistics, top, style);
  return text + notes_text(table, statistics);
}

}  // namespace patchbay
