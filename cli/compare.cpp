// patchbay compare: two results side by side, and their difference.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/field_errors.h"
#include "cli/output.h"
#include "cli/result_text.h"
#include "patchbay/base/version.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/page.h"
#include "patchbay/report/scatter_plot.h"
#include "patchbay/results/comparison.h"
#include "patchbay/results/correlation.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/pictures.h"

namespace patchbay::cli {
namespace {

struct Side {
  std::string name;  // "first: gpt2, ioi, without BOS"
  std::vector<CellSummary> cells;
};

Side side_of(std::string_view which, const EffectTable& table, EffectKind effect) {
  const Provenance& from = table.provenance;
  return {fmt::format("{}: {}, {}, {} BOS, {} prompts", which, from.model, from.task,
                      from.prepend_bos ? "with" : "without", table.n_prompts()),
          summarize(table, effect, table.aggregate)};
}

// Two results, and what every part of the answer is made from.
struct Compared {
  Comparison both;
  EffectKind effect;
  Side first;
  Side second;
  TableStatistics difference;

  [[nodiscard]] const std::vector<CellSummary>& cells() const {
    return difference.effects.front().cells;  // raw: the difference has no other effect
  }
};

// The library's words, with options where it names settings.
Comparison compare_as_options(const EffectTable& first, const EffectTable& second,
                              EffectKind effect) {
  try {
    Comparison both = compare(first, second, effect);
    for (std::string& note : both.difference.notes) note = with_options(note);
    return both;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUsage) throw;
    throw Error(error.kind(), "compare", with_options(error.reason()));
  }
}

// The cells of both against each other.
Drawing scatter_of(const Compared& compared) {
  const auto& [both, effect, first, second, statistics] = compared;
  ScatterPlot plot{.title = "every place: second against first",
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

StudyList list_of(const Compared& compared, std::int64_t top) {
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

Page page_of(const Compared& compared, const CompareResults& command) {
  const auto& [both, effect, first, second, statistics] = compared;
  Page page{.title = "Two results side by side",
            .text = first.name + "\n" + second.name,
            .model = both.first.provenance.model == both.second.provenance.model
                         ? both.first.provenance.model
                         : both.first.provenance.model + " and " + both.second.provenance.model,
            .command = runs::shell_line({"patchbay", "compare", command.first, command.second,
                                         "--effect", std::string(name_of(effect))}),
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
  difference.section.lists.push_back(list_of(compared, command.top));
  difference.more.emplace_back(
      "Each point is one place in both results; on the dotted line they agree. A high correlation "
      "says that the two have the same order, not the same sizes.",
      scatter_of(compared));
  page.sections.push_back(std::move(difference));
  return page;
}

std::string json_of(const Compared& compared) {
  const auto& [both, effect, first, second, statistics] = compared;
  const std::vector<CellSummary>& cells = compared.cells();
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
  runs::check_place(command.out, command.formats);
  const EffectTable first = read_result(command.first).table;
  const EffectTable second = read_result(command.second).table;
  const EffectKind effect = command.effect ? parse_effect_kind(*command.effect) : first.effect;
  Comparison both = compare_as_options(first, second, effect);
  const Side first_side = side_of("first", both.first, effect);
  const Side second_side = side_of("second", both.second, effect);
  TableStatistics difference = table_statistics(both.difference);
  const Compared compared{std::move(both), effect, first_side, second_side, std::move(difference)};
  if (command.common.json) {
    write_output(json_of(compared));
  } else {
    write_output(fmt::format("{}\n{}\n\n{}\n{}{}", printable(first_side.name),
                             printable(second_side.name),
                             heading(fmt::format("second - first, {}", name_of(effect))),
                             result_grids(compared.both.difference, compared.difference),
                             list_text(list_of(compared, command.top))));
  }
  if (command.out.empty()) return 0;
  const Page page = page_of(compared, command);
  for (const PageSection& part : page.sections) {
    const runs::Picture picture{.table = *part.table, .title = part.section.title};
    for (const auto& path :
         runs::write_pictures(picture, command.out, part.section.id, command.formats)) {
      message(command.common, fmt::format("wrote {}", path.string()));
    }
  }
  if (std::ranges::find(command.formats, "html") != command.formats.end()) {
    message(command.common,
            fmt::format("wrote {}", runs::write_page(page, command.out, "compare").string()));
  }
  return 0;
}

}  // namespace patchbay::cli
