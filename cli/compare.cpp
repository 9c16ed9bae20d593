// patchbay compare: two results side by side, and their difference.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cli/commands.h"
#include "cli/experiment_run.h"
#include "cli/output.h"
#include "cli/pictures.h"
#include "cli/provenance.h"
#include "cli/result_text.h"
#include "patchbay/base/version.h"
#include "patchbay/io/file.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/page.h"
#include "patchbay/report/scatter_plot.h"
#include "patchbay/results/comparison.h"
#include "patchbay/results/correlation.h"
#include "patchbay/results/result_json.h"

namespace patchbay::cli {
namespace {

struct Side {
  std::string name;  // "first: gpt2, ioi, without BOS"
  std::vector<CellSummary> cells;
};

Side side_of(std::string_view which, const EffectTable& table, EffectKind effect) {
  const Provenance& from = table.provenance;
  std::string corruption;
  for (const TextColumn& column : table.columns) {
    if (column.name == "corrupted" && !column.texts.empty()) corruption = column.texts.front();
  }
  return {fmt::format("{}: {}, {}, {} BOS, {} prompts", which, from.model, from.task,
                      from.prepend_bos ? "with" : "without", table.n_prompts()),
          summarize(table, effect, table.aggregate)};
}

// The cells of both against each other.
Drawing scatter_of(const Comparison& both, EffectKind effect, const Side& first,
                   const Side& second) {
  const TableStatistics statistics = table_statistics(both.difference);
  ScatterPlot plot{.title = fmt::format("every place: second against first"),
                   .x_name = fmt::format("first, {}", name_of(effect)),
                   .y_name = fmt::format("second, {}", name_of(effect)),
                   .points = {},
                   .kinds = {"places"},
                   .diagonal = true};
  for (std::size_t cell = 0; cell < first.cells.size(); ++cell) {
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

StudyList list_of(const Comparison& both, const Side& first, const Side& second, std::int64_t top) {
  const std::vector<CellSummary> cells =
      summarize(both.difference, EffectKind::kRaw, both.difference.aggregate);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (std::isfinite(cells[i].value)) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::size_t i) { return std::abs(cells[i].value); });
  order.resize(std::min(order.size(), static_cast<std::size_t>(top)));
  StudyList list{.title = "largest differences", .columns = {}, .rows = {}, .sentences = {}};
  for (std::size_t axis = 0; axis + 1 < both.difference.axes.size(); ++axis) {
    list.columns.push_back(both.difference.axes[axis].name);
  }
  list.columns.insert(list.columns.end(), {"first", "second", "second - first", "95 % interval"});
  const auto text = [](double value) { return effect_text(value, EffectKind::kRaw, true); };
  for (const std::size_t cell : order) {
    std::vector<std::string> row;
    for (const auto label : both.difference.cell_labels(static_cast<std::int64_t>(cell)))
      row.emplace_back(label);
    row.insert(
        row.end(),
        {text(first.cells[cell].value), text(second.cells[cell].value), text(cells[cell].value),
         both.is_paired ? fmt::format("{} … {}", text(cells[cell].low), text(cells[cell].high))
                        : "-"});
    list.rows.push_back(std::move(row));
  }
  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t i = 0; i < first.cells.size(); ++i) {
    x.push_back(first.cells[i].value);
    y.push_back(second.cells[i].value);
  }
  list.sentences.push_back(
      fmt::format("correlation over {} places: {:.4f}", x.size(), correlation(x, y)));
  list.sentences.insert(list.sentences.end(), both.difference.notes.begin(),
                        both.difference.notes.end());
  return list;
}

Page page_of(const Comparison& both, const CompareResults& command, EffectKind effect,
             const Side& first, const Side& second) {
  Page page{.title = "Two results side by side",
            .text = first.name + "\n" + second.name,
            .model = both.first.provenance.model == both.second.provenance.model
                         ? both.first.provenance.model
                         : both.first.provenance.model + " and " + both.second.provenance.model,
            .command = shell_line({"patchbay", "compare", command.first, command.second, "--effect",
                                   std::string(name_of(effect))}),
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
  PageSection difference{
      section("difference", both.first.experiment, "second - first",
              "Red: the second result has more, blue: less. A difference is only as sure as "
              "its interval."),
      both.difference};
  difference.section.lists.push_back(list_of(both, first, second, command.top));
  difference.more.emplace_back(
      "Each point is one place in both results; on the dotted line they agree. A high correlation "
      "says that "
      "the two have the same order, not the same sizes.",
      scatter_of(both, effect, first, second));
  page.sections.push_back(std::move(difference));
  return page;
}

std::string json_of(const Comparison& both, EffectKind effect, const Side& first,
                    const Side& second) {
  const std::vector<CellSummary> cells =
      summarize(both.difference, EffectKind::kRaw, both.difference.aggregate);
  JsonWriter json;
  json.begin_object()
      .member("patchbay", std::string_view(kVersion))
      .member("effect", name_of(effect));
  json.member("first", first.name).member("second", second.name).member("paired", both.is_paired);
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

}  // namespace

int run(const CompareResults& command) {
  const EffectTable first_table = read_result(command.first).table;
  const EffectTable second_table = read_result(command.second).table;
  const EffectKind effect =
      command.effect ? parse_effect_kind(*command.effect) : first_table.effect;
  const Comparison both = compare(first_table, second_table, effect);
  const Side first = side_of("first", both.first, effect);
  const Side second = side_of("second", both.second, effect);
  if (command.common.json) {
    write_output(json_of(both, effect, first, second));
  } else {
    std::string text = fmt::format("{}\n{}\n\n", printable(first.name), printable(second.name));
    const TableStatistics statistics = table_statistics(both.difference);
    text += fmt::format("{}\n{}", heading(fmt::format("second - first, {}", name_of(effect))),
                        result_grids(both.difference, statistics));
    text += list_text(list_of(both, first, second, command.top));
    write_output(text);
  }
  if (command.out.empty()) return 0;
  const bool is_file = command.out.ends_with(".html");
  const Page page = page_of(both, command, effect, first, second);
  for (const PageSection& part : page.sections) {
    if (is_file) continue;
    const Picture picture{.table = *part.table, .title = part.section.title};
    for (const auto& path :
         write_pictures(picture, command.out, part.section.id, command.formats)) {
      message(command.common, fmt::format("wrote {}", path.string()));
    }
  }
  if (std::ranges::find(command.formats, "html") != command.formats.end()) {
    const std::filesystem::path path =
        is_file ? std::filesystem::path(command.out) : path_in(command.out, "compare", ".html");
    const std::string html = html_page(page);
    if (!is_file) make_folder(command.out);
    write_file(path, html);
    message(command.common, fmt::format("wrote {}", path.string()));
  }
  return 0;
}

}  // namespace patchbay::cli
