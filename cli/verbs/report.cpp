// patchbay report: result files as one HTML page, as pictures, or in the terminal.
#include <fmt/format.h>

#include <algorithm>

#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/report/page.h"
#include "patchbay/report/result_text.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/page_of_files.h"
#include "patchbay/runs/pictures.h"

namespace patchbay::cli::verbs {

const Verb& report();

namespace {

std::string text_of(const Page& page) {
  std::string text;
  for (const PageSection& part : page.sections) {
    if (!part.table) continue;
    text += fmt::format("{}\n", heading("== " + printable(part.section.title))) +
            result_text(*part.table, 10, text_style()) + "\n";
  }
  return text;
}

int run_given(const Given& given) {
  const std::vector<std::string>& inputs = given.all("FILE");
  const auto effect = given.one("--effect");
  const auto circuit = given.one("--circuit");
  runs::PageFiles files{
      .out = given.text("--out"),
      .stem = "report",
      .formats = formats_of(given, {"html", "svg", "png", "pdf", "text"}, {"html"}, false),
      .figure = given.one("--figure"),
      .title = given.one("--title"),
      .overwrite = given.flag("--overwrite")};
  if (inputs.empty()) {
    given.fail("no result is named; name result files or the folder of a study");
  }
  runs::check_place(files.out, files.formats);
  if (files.out.empty()) files.out = ".";
  Page page = runs::page_of_files(inputs);
  if (circuit) page.known = runs::known_heads(*circuit);
  if (files.title) page.title = *files.title;
  if (effect) runs::show_effect(page, parse_effect_kind(*effect));
  if (page.title.empty()) page.title = "patchbay results";
  std::vector<std::string> words = {"patchbay", "report"};
  words.insert(words.end(), inputs.begin(), inputs.end());
  if (page.command.empty()) page.command = runs::shell_line(words);
  runs::write_files(page, files, [](const std::filesystem::path& path) {
    message(fmt::format("wrote {}", path.string()));
  });
  const bool as_text = std::ranges::find(files.formats, "text") != files.formats.end();
  if (as_text) write_output(text_of(page));
  return 0;
}

}  // namespace

const Verb& report() {
  static const Verb verb = {
      .place = 100,
      .path = "report",
      .what = "draw result files: one HTML page, or pictures",
      .examples =
          "patchbay report tests/golden/report/heads.json\n"
          "patchbay report tests/golden/report/heads.json --format svg,png --out pictures\n"
          "patchbay report tests/golden/report/heads.json --format text\n"
          "patchbay report tests/golden/report/heads.json --figure heat_map --effect "
          "percent_of_clean --circuit \"mover: 2.1 1.2\" --format svg --out pictures",
      .options =
          together({{{"FILE", "…", "result files, or folders of them such as a study's"},
                     {"-o,--out", "PATH", "a file that ends in .html, or a folder (report.html)"},
                     {"--format", "LIST", "html, svg, png, pdf, or text for the terminal (html)"},
                     {"--figure", "NAME", "this picture alone; patchbay help figures lists them"},
                     {"--effect", "KIND", "instead of the result's own; patchbay help effects"},
                     {"--circuit", "CIRCUIT", "circle these heads; patchbay help circuits"},
                     {"--title", "TEXT", "the title of the page or of the pictures"}},
                    overwrite_option()}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
