#include "patchbay/report/side_by_side.h"

#include <fmt/format.h>

#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include "patchbay/base/version.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/result_text.h"
#include "patchbay/report/scatter_plot.h"
#include "patchbay/results/correlation.h"

namespace patchbay {
namespace {

ComparedSide side_of(std::string_view which, const EffectTable& table, EffectKind effect) {
  const Provenance& from = table.provenance;
  return {fmt::format("{}: {}, {}, {} BOS, {} prompts", which, from.model, from.task,
                      from.prepend_bos ? "with" : "without", table.n_prompts()),
          summarize(table, effect, table.aggregate)};
}

// The cells of both against each other.
Drawing scatter_of(const SideBySide& compared) {
  const auto& [both, effect, first, second, statistics] = compared;
  ScatterPlot plot{.title = "every place: second against first",
                   .x_name = fmt::format("first, {}", name_of(effect)),
                   .y_name = fmt::format("second, {}", name_of(effect)),
                   .points = {},
                   .kinds = {"places"},
                   .diagonal = true};
  for (std::size_t cell = 0; cell < first.cells.size(); ++cell) {
    if (!std::isfinite(first.cells[cell].value) || !std::isfinite(second.cells[cell].value))
      continue;
    plot.points.push_back({first.cells[cell].value, second.cells[cell].value, 0,
                           fmt::format("{}: {:.4g}, {:.4g}", cell_place(both.difference, cell),
                                       first.cells[cell].value, second.cells[cell].value)});
  }
  Svg svg;
  draw_scatter(svg, plot);
  return framed({.table = both.difference,
                 .statistics = statistics,
                 .effect = EffectKind::kRaw,
                 .title = "Do the two agree?"},
                svg, kScatterWidth, kScatterHeight);
}

// How far the two agree over the places where both have a value.
std::string correlation_text(std::span<const CellSummary> first,
                             std::span<const CellSummary> second) {
  constexpr std::size_t kFewest = 3;  // through two points there is always a line
  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!std::isfinite(first[i].value) || !std::isfinite(second[i].value)) continue;
    x.push_back(first[i].value);
    y.push_back(second[i].value);
  }
  const std::string places =
      x.size() == first.size()
          ? fmt::format("{} places", x.size())
          : fmt::format("{} of {} places, those with a value in both", x.size(), first.size());
  if (x.size() < kFewest) return fmt::format("no correlation over {}: too few", places);
  const double both = correlation(x, y);
  if (!std::isfinite(both)) {
    return fmt::format("no correlation over {}: one of the two has the same value everywhere",
                       places);
  }
  return fmt::format("correlation over {}: {:.4f}", places, both);
}

}  // namespace

SideBySide side_by_side(const EffectTable& first, const EffectTable& second, EffectKind effect,
                        const ComparisonOptions& options) {
  Comparison both = compare(first, second, effect, options);
  ComparedSide first_side = side_of("first", both.first, effect);
  ComparedSide second_side = side_of("second", both.second, effect);
  TableStatistics difference = table_statistics(both.difference);
  return {std::move(both), effect, std::move(first_side), std::move(second_side),
          std::move(difference)};
}

StudyList largest_differences(const SideBySide& compared, std::int64_t top) {
  const auto& [both, effect, first, second, statistics] = compared;
  const std::vector<CellSummary>& cells = compared.cells();
  StudyList list{.title = "largest differences", .columns = {}, .rows = {}, .sentences = {}};
  for (std::size_t axis = 0; axis + 1 < both.difference.axes.size(); ++axis) {
    list.columns.push_back(both.difference.axes[axis].name);
  }
  list.columns.insert(list.columns.end(), {"first", "second", "second - first", "95 % interval"});
  const auto text = [](double value) { return effect_text(value, EffectKind::kRaw, true); };
  for (const std::size_t cell : by_size(cells, static_cast<std::size_t>(top))) {
    std::vector<std::string> row;
    for (const auto label : both.difference.cell_labels(static_cast<std::int64_t>(cell)))
      row.emplace_back(label);
    row.insert(row.end(),
               {text(first.cells[cell].value), text(second.cells[cell].value),
                text(cells[cell].value), both.is_paired ? interval_text(cells[cell], text) : "-"});
    list.rows.push_back(std::move(row));
  }
  list.sentences.push_back(correlation_text(first.cells, second.cells));
  list.sentences.insert(list.sentences.end(), both.difference.notes.begin(),
                        both.difference.notes.end());
  return list;
}

Page page_of(const SideBySide& compared, std::int64_t top, const std::string& command) {
  const auto& [both, effect, first, second, statistics] = compared;
  Page page{.title = "Two results side by side",
            .text = first.name + "\n" + second.name,
            .model = both.first.provenance.model == both.second.provenance.model
                         ? both.first.provenance.model
                         : both.first.provenance.model + " and " + both.second.provenance.model,
            .command = command,
            .attention_command = "",
            .known = {},
            .sections = {}};
  const auto section = [](const char* id, const std::string& experiment, std::string title,
                          std::string text) {
    return StudySection{.id = id,
                        .experiment = experiment,
                        .title = std::move(title),
                        .text = std::move(text),
                        .left_out = "",
                        .lists = {}};
  };
  page.sections.push_back({section("first", both.first.experiment, first.name, ""), both.first});
  page.sections.push_back(
      {section("second", both.second.experiment, second.name, ""), both.second});
  PageSection difference{section("difference", both.first.experiment, "second - first",
                                 "Red: the second result has more, blue: less. A difference is "
                                 "only as sure as its interval."),
                         both.difference};
  difference.section.lists.push_back(largest_differences(compared, top));
  difference.more.emplace_back(
      "Each point is one place in both results; on the dotted line they agree. A high correlation "
      "says that the two have the same order, not the same sizes.",
      scatter_of(compared));
  page.sections.push_back(std::move(difference));
  return page;
}

std::string side_by_side_text(const SideBySide& compared, std::int64_t top,
                              const TextStyle& style) {
  return fmt::format("{}\n{}\n\n{}\n{}{}", printable(compared.first.name, style),
                     printable(compared.second.name, style),
                     heading(fmt::format("second - first, {}", name_of(compared.effect)), style),
                     result_grids(compared.both.difference, compared.difference, style),
                     list_text(largest_differences(compared, top), style));
}

std::string to_json(const SideBySide& compared) {
  const auto& [both, effect, first, second, statistics] = compared;
  const std::vector<CellSummary>& cells = compared.cells();
  JsonWriter json;
  json.begin_object()
      .member("patchbay", std::string_view(kVersion))
      .member("effect", name_of(effect));
  json.member("first", first.name).member("second", second.name).member("paired", both.is_paired);
  json.member("first_prompts", both.n_first).member("second_prompts", both.n_second);
  json.member("same_prompts", both.n_same).row("differs", both.differs);
  json.key("places").begin_array();
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    json.begin_object(JsonLayout::kInline);
    const auto labels = both.difference.cell_labels(static_cast<std::int64_t>(cell));
    for (std::size_t axis = 0; axis < labels.size(); ++axis)
      json.member(both.difference.axes[axis].name, labels[axis]);
    json.member("first_value", first.cells[cell].value)
        .member("second_value", second.cells[cell].value);
    json.member("difference", cells[cell].value)
        .member("low", cells[cell].low)
        .member("high", cells[cell].high);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace patchbay
