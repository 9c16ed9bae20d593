#include "patchbay/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <vector>

#include "patchbay/base/stop_check.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/report/attention.h"
#include "patchbay/report/chapters.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"
#include "patchbay/report/page_data.h"
#include "patchbay/report/page_files.h"
#include "patchbay/report/rows.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

// A paragraph for every line.
std::string paragraphs(std::string_view text, std::string_view attributes = "") {
  std::string html;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    if (!line.empty()) html += fmt::format("<p{}>{}</p>\n", attributes, markup_text(line));
    begin = end + 1;
  }
  return html;
}

// A box that may be wider than a small screen: it scrolls, the page does not.
std::string scrolling(std::string_view name, std::string_view html) {
  return fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n{}</div>\n",
      markup_text(name), html);
}

// How a column looks: numbers to the right, and room for texts that are read as sentences.
std::string_view column_class(const figures::Rows& rows, std::size_t column) {
  constexpr std::size_t kLong = 28;
  if (!rows.rows.empty() && is_numeric_column(rows, column)) return " class=\"number\"";
  const bool is_long =
      std::ranges::any_of(rows.rows, [&](const auto& row) { return row[column].size() > kLong; });
  return is_long ? " class=\"long\"" : "";
}

std::string html_table(std::string_view caption, const figures::Rows& rows, std::string_view id) {
  std::string html =
      fmt::format("<table class=\"rows\" id=\"{}\">\n<caption>{}</caption>\n<thead><tr>",
                  markup_text(id), markup_text(caption));
  std::vector<std::string_view> classes;
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    classes.push_back(column_class(rows, c));
    const std::string name = rows.columns[c].empty() ? "–" : markup_text(rows.columns[c]);
    html += fmt::format("<th scope=\"col\"{}>{}</th>", classes[c], name);
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows.rows) {
    html += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) {
      html += fmt::format("<td{}><bdi>{}</bdi></td>", classes[c], markup_text(row[c]));
    }
    html += "</tr>\n";
  }
  return scrolling(caption, html + "</tbody>\n</table>\n");
}

std::string lists_html(const StudySection& section) {
  std::string html;
  for (std::size_t i = 0; i < section.lists.size(); ++i) {
    const StudyList& list = section.lists[i];
    const std::string id = fmt::format("list-{}-{}", section.id, i);
    html += "<div>\n";
    if (!list.rows.empty()) {
      html += html_table(fmt::format("{}: {}", section.title, list.title),
                         {list.columns, list.rows}, id);
    }
    for (const std::string& sentence : list.sentences) html += paragraphs(sentence);
    html += "</div>\n";
  }
  return html.empty() ? "" : fmt::format("<div class=\"lists\">\n{}</div>\n", html);
}

// One figure, with `all_effects` a picture for every definition of the effect: the first is seen
// without scripts, the others get their sentences from the page's data.
std::string figure_html(const figures::Figure& figure, const PageSection& part, const Page& page,
                        const TableStatistics& statistics, bool all_effects) {
  const EffectTable& table = *part.table;
  const std::string id = fmt::format("{}-{}", part.section.id, figure.name);
  std::string html = fmt::format("<figure id=\"figure-{}\" data-figure=\"{}\" data-table=\"{}\">\n",
                                 id, figure.name, part.section.id);
  std::vector<EffectKind> kinds = {table.effect};
  for (const EffectSummary& summary : statistics.effects) {
    if (all_effects && summary.effect != table.effect) kinds.push_back(summary.effect);
  }
  std::string pictures;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    stop_check();
    const figures::Request request{.table = table,
                                   .statistics = statistics,
                                   .effect = kinds[i],
                                   .title = part.section.title,
                                   .known = page.known,
                                   .with_sentences = i == 0};
    const std::string_view effect = name_of(kinds[i]);
    pictures += fmt::format("<div class=\"variant\" data-effect=\"{}\"{}>\n", effect,
                            i == 0 ? "" : " hidden");
    if (figure.has_rows()) {
      pictures += html_table(fmt::format("{}: {}", part.section.title, figure.summary),
                             figure.rows(request), fmt::format("table-{}-{}", id, effect));
    } else {
      pictures +=
          scrolling(fmt::format("{}, {}", part.section.title, figure.name),
                    svg_element(figure.draw(request), fmt::format("svg-{}-{}", id, effect)));
    }
    pictures += "</div>\n";
  }
  return html + pictures +
         fmt::format("<figcaption>{}</figcaption>\n</figure>\n", markup_text(figure.reading));
}

std::string notes_html(const EffectTable& table, const TableStatistics& statistics) {
  const std::vector<std::string> notes = notes_of(table, statistics, table.effect);
  if (notes.empty()) return "";
  std::string html = "<ul class=\"notes\">\n";
  for (const std::string& note : notes) html += fmt::format("<li>{}</li>\n", markup_text(note));
  return html + "</ul>\n";
}

// A sentence where a table of two axes has no picture because it is too large for one.
std::string left_out_html(const EffectTable& table) {
  const Grid grid = grid_of(table);
  const std::size_t most = std::max(grid.rows.labels.size(), grid.columns.labels.size());
  if (grid.columns.name.empty() || most <= kMostGridLabels || attention_of(table)) return "";
  const GridAxis& longest = grid.rows.labels.size() == most ? grid.rows : grid.columns;
  return paragraphs(fmt::format("The grid is left out: {} places along {} are more than the {} "
                                "that a picture holds; the result file has every cell.",
                                most, visible_text(longest.name, 80), kMostGridLabels),
                    " class=\"left-out\"");
}

// The most telling figure, and beside it, where there is room, other ways to look.
std::string views_html(const PageSection& part, const Page& page,
                       const TableStatistics& statistics) {
  std::string html;
  std::string others;
  for (const figures::Figure* figure : figures::fitting(*part.table)) {
    const bool is_first = html.empty();
    const std::string drawn = figure_html(*figure, part, page, statistics, is_first);
    if (is_first) {
      html += drawn;
    } else {
      others += fmt::format("<details><summary>{}</summary>\n{}</details>\n",
                            markup_text(figure->summary), drawn);
    }
  }
  if (!others.empty()) html += fmt::format("<div class=\"others\">\n{}</div>\n", others);
  if (!html.empty()) html = fmt::format("<div class=\"views\">\n{}</div>\n", html);
  return left_out_html(*part.table) + html;
}

std::string section_html(const PageSection& part, const Page& page,
                         const TableStatistics& statistics) {
  const StudySection& section = part.section;
  std::string html = fmt::format("<section class=\"result\" id=\"{}\">\n<h3>{}</h3>\n",
                                 markup_text("result-" + section.id), markup_text(section.title));
  html += paragraphs(section.text);
  if (!section.left_out.empty()) html += paragraphs(section.left_out, " class=\"left-out\"");
  if (part.table) html += views_html(part, page, statistics) + notes_html(*part.table, statistics);
  std::string more;
  for (std::size_t i = 0; i < part.more.size(); ++i) {
    const auto& [reading, drawing] = part.more[i];
    more += fmt::format(
        "<figure data-figure=\"more\">\n{}<figcaption>{}</figcaption>\n</figure>\n",
        scrolling(section.title, svg_element(drawing, fmt::format("more-{}-{}", section.id, i))),
        markup_text(reading));
  }
  if (!more.empty()) html += fmt::format("<div class=\"views\">\n{}</div>\n", more);
  return html + lists_html(section) + "</section>\n";
}

// The table with the most prompts says which there are.
std::string prompts_html(const Page& page) {
  const EffectTable* longest = nullptr;
  for (const PageSection& part : page.sections) {
    if (!part.table || part.table->columns.empty()) continue;
    if (longest == nullptr || part.table->n_prompts() > longest->n_prompts())
      longest = &*part.table;
  }
  if (longest == nullptr) return "";
  figures::Rows rows{.columns = {"prompt"}, .rows = {}};
  std::vector<const TextColumn*> columns;
  for (const char* name : {"clean", "corrupted", "answer", "wrong"}) {
    const auto column =
        std::ranges::find(longest->columns, std::string_view(name), &TextColumn::name);
    if (column == longest->columns.end()) continue;
    columns.push_back(&*column);
    rows.columns.emplace_back(name);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(longest->n_prompts()); ++i) {
    rows.rows.push_back({longest->axes.back().labels[i]});
    for (const TextColumn* column : columns) rows.rows.back().push_back(column->texts[i]);
  }
  const bool has_pairs = std::ranges::find(rows.columns, "corrupted") != rows.columns.end();
  return fmt::format(
      "<section class=\"chapter\" id=\"prompts\">\n<h2>Prompts</h2>\n<p>{} and these prompts, and "
      "need not hold for sentences of another form.</p>\n{}</section>\n",
      has_pairs ? "Every prompt comes as a pair: the clean one has the right answer, the corrupted "
                  "one takes away what decides it. An effect is about this difference"
                : "The prompts have no corrupted side. An effect is about what was put in",
      html_table(fmt::format("Prompts of {}", longest->provenance.task), rows, "all-prompts"));
}

std::string chapters_html(const Page& page, std::span<const TableStatistics> statistics,
                          std::string& contents) {
  std::string html;
  for (const Chapter& chapter : chapters()) {
    std::string body;
    std::string links;
    for (std::size_t i = 0; i < page.sections.size(); ++i) {
      const PageSection& part = page.sections[i];
      if (chapter_of(part.section.experiment).id != chapter.id) continue;
      body += section_html(part, page, statistics[i]);
      links +=
          fmt::format("<li><a href=\"#{}\">{}</a></li>\n", markup_text("result-" + part.section.id),
                      markup_text(part.section.title));
    }
    if (body.empty()) continue;
    contents += fmt::format("<li><a href=\"#{}\">{}</a>\n<ul>\n{}</ul></li>\n", chapter.id,
                            chapter.title, links);
    html +=
        fmt::format("<section class=\"chapter\" id=\"{}\">\n<h2>{}</h2>\n<p>{}</p>\n{}</section>\n",
                    chapter.id, chapter.title, markup_text(chapter.text), body);
  }
  return html;
}

std::string facts_html(const Page& page) {
  std::string html = "<dl class=\"facts\">\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, markup_text(value));
  };
  add("model", page.model);
  for (const PageSection& part : page.sections) {
    if (!part.table) continue;
    add("task", part.table->provenance.task);
    add("version", "patchbay " + part.table->provenance.version);
    break;
  }
  add("command", page.command);
  return html + "</dl>\n";
}

}  // namespace

std::string html_page(const Page& page) {
  const std::string style = std::string(svg_style()) + std::string(page_style());
  const std::string script = page_script();
  std::vector<TableStatistics> statistics;
  std::set<std::string> ids;
  for (const PageSection& part : page.sections) {
    check_section(part.section, ids);
    statistics.push_back(part.table ? table_statistics(*part.table) : TableStatistics{});
  }
  std::string contents;
  const std::string prompts = prompts_html(page);
  if (!prompts.empty()) contents = "<li><a href=\"#prompts\">Prompts</a></li>\n";
  const std::string chapters = chapters_html(page, statistics, contents);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
      "'sha256-{}'; style-src 'sha256-{}'; img-src blob: data:; base-uri 'none'; form-action "
      "'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" "
      "content=\"light dark\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<header>\n<h1>{}</h1>\n{}{}</"
      "header>\n"
      "<nav aria-label=\"Contents\">\n<ol>\n{}</ol>\n</nav>\n<main>\n{}{}</main>\n"
      "<footer><p>Made by patchbay. Every number is in the result files; this page asks the "
      "network for nothing.</p></footer>\n<script type=\"application/json\" "
      "id=\"data\">{}</script>\n<script>{}</script>\n"
      "</body>\n</html>\n",
      sha256_base64(script), sha256_base64(style), markup_text(page.title), style,
      markup_text(page.title), paragraphs(page.text), facts_html(page), contents, prompts, chapters,
      page_data(page, statistics), script);
}

}  // namespace patchbay
