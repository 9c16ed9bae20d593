// patchbay compare: two results side by side, and their difference.
#include <fmt/format.h>

#include "cli/error_text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/report/side_by_side.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/pictures.h"

namespace patchbay::cli::verbs {

const Verb& compare();

namespace {

int run_given(const Given& given) {
  const std::string first_file = given.required("FIRST", "name two result files");
  const std::string second_file = given.required("SECOND", "name two result files");
  const auto wanted = given.one("--effect");
  const std::int64_t top = top_of(given);
  const runs::PageFiles files{
      .out = given.text("--out"),
      .stem = "compare",
      .formats = formats_of(given, {"html", "svg", "png", "pdf"}, {"html"}, true),
      .overwrite = given.flag("--overwrite")};
  runs::check_place(files.out, files.formats);
  const EffectTable first = read_result(first_file).table;
  const EffectTable second = read_result(second_file).table;
  const EffectKind effect = wanted ? parse_effect_kind(*wanted) : first.effect;
  const bool anyway = given.flag("--anyway");
  SideBySide compared = side_by_side(first, second, effect, {.anyway = anyway});
  for (std::string& note : compared.both.difference.notes) note = with_options(note);
  write_output(given.flag("--json") ? to_json(compared)
                                    : side_by_side_text(compared, top, text_style()));
  if (files.out.empty()) return 0;
  std::vector<std::string> words = {"patchbay",  "compare",  first_file,
                                    second_file, "--effect", std::string(name_of(effect))};
  if (anyway) words.emplace_back("--anyway");
  const std::string command = runs::shell_line(words);
  runs::write_files(page_of(compared, top, command), files, [](const std::filesystem::path& path) {
    message(fmt::format("wrote {}", path.string()));
  });
  return 0;
}

}  // namespace

const Verb& compare() {
  static const Verb verb = {
      .place = 110,
      .path = "compare",
      .what = "two results side by side, and their difference",
      .examples =
          "patchbay compare tests/golden/report/heads.json tests/golden/report/heads_bos.json\n"
          "patchbay compare tests/golden/report/heads.json tests/golden/report/heads_bos.json "
          "--effect raw --out compare.html",
      .options = together(
          {{{"FIRST", "", "a result file"},
            {"SECOND", "", "another of the same kind: of another model, corruption or BOS"},
            {"--effect", "KIND", "what is compared (the first result's own)"},
            {"--anyway", "", "compare other metrics, directions, sources or corruptions too"},
            {"-o,--out", "PATH", "a file that ends in .html, or a folder"},
            {"--format", "LIST", "the files to write: html, svg, png, pdf (html)"}},
           overwrite_option(),
           top_option("differences")}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
