#include "patchbay/runs/pictures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/stop_check.h"
#include "patchbay/base/suggest.h"
#include "patchbay/io/file.h"
#include "patchbay/report/raster.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/statistics.h"
#include "patchbay/runs/earlier_files.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/question.h"

namespace patchbay::runs {

namespace {

std::vector<std::filesystem::path> write_drawing(const Drawing& drawing, const std::string& folder,
                                                 const std::string& stem,
                                                 std::span<const std::string> formats) {
  std::vector<std::filesystem::path> written;
  const std::string svg = svg_file(drawing);
  for (const std::string& format : formats) {
    if (!is_picture_format(format)) continue;
    make_folder(folder);
    written.push_back(path_in(folder, stem, "." + format));
    write_file(written.back(), format == "svg" ? svg : format == "png" ? png_of(svg) : pdf_of(svg));
  }
  return written;
}

bool has_page(const PageFiles& files) {
  return std::ranges::find(files.formats, "html") != files.formats.end();
}

void refuse_overwriting(const Page& page, const PageFiles& files) {
  if (files.out.ends_with(".html")) return;  // somebody's own name for it
  if (has_page(files)) refuse_other_page(files.out, files.stem, page.command);
  if (std::ranges::none_of(files.formats, is_picture_format)) return;
  for (const PageSection& part : page.sections) {
    if (!part.table) continue;
    refuse_pictures_beside_other(files.out, part.section.id, question_of(*part.table));
  }
}

}  // namespace

bool is_picture_format(std::string_view format) {
  return format == "svg" || format == "png" || format == "pdf";
}

std::vector<std::string> known_formats(bool has_page) {
  std::vector<std::string> known = {"json", "csv", "effects_csv", "npz", "svg", "png", "pdf"};
  if (has_page) known.emplace_back("html");
  return known;
}

void check_formats(std::span<const std::string> formats, bool has_page) {
  const std::vector<std::string> known = known_formats(has_page);
  for (const std::string& format : formats) {
    if (std::ranges::find(known, format) != known.end()) continue;
    throw Error(ErrorKind::kUsage, "`formats`",
                fmt::format("there is no format \"{}\"{}; there are {}", format,
                            did_you_mean(format, known), fmt::join(known, ", ")));
  }
}

std::vector<const figures::Figure*> figures_of(const Picture& picture) {
  std::vector<const figures::Figure*> fitting = figures::fitting(picture.table);
  if (!picture.figure) return fitting;
  const figures::Figure& wanted = figures::find(*picture.figure);
  if (std::ranges::find(fitting, &wanted) != fitting.end()) return {&wanted};
  std::vector<std::string_view> names;
  for (const figures::Figure* figure : fitting) names.push_back(figure->name);
  throw Error(ErrorKind::kUsage, "`figure`",
              fmt::format("{} cannot show a result of {}; these can: {}", wanted.name,
                          picture.table.experiment, fmt::join(names, ", ")));
}

std::vector<std::filesystem::path> write_pictures(const Picture& picture, const std::string& folder,
                                                  const std::string& stem,
                                                  std::span<const std::string> formats) {
  std::vector<std::filesystem::path> written;
  if (std::ranges::none_of(formats, is_picture_format)) return written;
  const TableStatistics statistics = table_statistics(picture.table);
  for (const figures::Figure* figure : figures_of(picture)) {
    const Drawing drawing = figure->draw({.table = picture.table,
                                          .statistics = statistics,
                                          .effect = picture.effect.value_or(picture.table.effect),
                                          .title = picture.title,
                                          .known = picture.known});
    for (auto& path :
         write_drawing(drawing, folder, fmt::format("{}.{}", stem, figure->name), formats)) {
      written.push_back(std::move(path));
    }
  }
  return written;
}

void check_place(const std::string& out, std::span<const std::string> formats) {
  const bool page_alone = std::ranges::all_of(formats, [](const auto& f) { return f == "html"; });
  if (!out.ends_with(".html") || page_alone) return;
  throw Error(ErrorKind::kUsage, "`out`",
              "pictures go into a folder; name one that does not end in .html");
}

std::filesystem::path write_page(const Page& page, const std::string& out,
                                 const std::string& stem) {
  const bool is_file = out.ends_with(".html");
  const std::filesystem::path path =
      is_file ? std::filesystem::path(out) : path_in(out, stem, ".html");
  const std::string html = html_page(page);
  if (!is_file) make_folder(out);
  write_file(path, html);
  return path;
}

void write_files(const Page& page, const PageFiles& files,
                 const std::function<void(const std::filesystem::path&)>& wrote) {
  const auto tell = [&](const std::filesystem::path& path) {
    if (wrote) wrote(path);
  };
  if (!files.overwrite) refuse_overwriting(page, files);
  for (const PageSection& part : page.sections) {
    if (!part.table) continue;
    stop_check();
    const Picture picture{.table = *part.table,
                          .title = files.title.value_or(part.section.title),
                          .figure = files.figure,
                          .known = page.known};
    for (const auto& path : write_pictures(picture, files.out, part.section.id, files.formats)) {
      tell(path);
    }
  }
  if (!has_page(files)) return;
  tell(write_page(page, files.out, files.stem));
}

std::vector<KnownHeads> known_heads(const Circuit& circuit) {
  std::vector<KnownHeads> known;
  for (const HeadClass& one : circuit.classes) {
    known.push_back({one.name, {}});
    for (const Head& head : one.heads) known.back().heads.push_back(text_of(head));
  }
  return known;
}

std::vector<KnownHeads> known_heads(const std::string& text) {
  Circuit circuit;
  const std::vector<std::string> published = published_circuit_names();
  if (text.ends_with(".json")) {
    circuit = circuit_of(read_result(text).table);
  } else if (std::ranges::find(published, text) != published.end()) {
    circuit = published_circuit(text);
  } else {
    circuit = parse_circuit(text);
  }
  return known_heads(circuit);
}

}  // namespace patchbay::runs
