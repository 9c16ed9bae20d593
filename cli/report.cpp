// patchbay report: result files as one HTML page, as pictures, or in the terminal.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/output.h"
#include "patchbay/report/page.h"
#include "patchbay/report/result_text.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/page_of_files.h"
#include "patchbay/runs/pictures.h"

namespace patchbay::cli {
namespace {

std::string terminal_text(const Page& page) {
  std::string text;
  for (const PageSection& part : page.sections) {
    if (!part.table) continue;
    text += fmt::format("{}\n", heading("== " + printable(part.section.title))) +
            result_text(*part.table, 10, text_style()) + "\n";
  }
  return text;
}

}  // namespace

int run(const DrawReport& command) {
  runs::check_place(command.out, command.formats);
  const auto wants = [&](std::string_view format) {
    return std::ranges::find(command.formats, format) != command.formats.end();
  };
  const bool pictures = std::ranges::any_of(command.formats, runs::is_picture_format);
  Page page = runs::page_of_files(command.inputs);
  if (command.picture.circuit) page.known = runs::known_heads(*command.picture.circuit);
  if (command.picture.title) page.title = *command.picture.title;
  if (command.picture.effect) runs::show_effect(page, parse_effect_kind(*command.picture.effect));
  if (page.title.empty()) page.title = "patchbay results";
  std::vector<std::string> words = {"patchbay", "report"};
  words.insert(words.end(), command.inputs.begin(), command.inputs.end());
  if (page.command.empty()) page.command = runs::shell_line(words);
  const std::string out = command.out.empty() ? "." : command.out;
  for (const PageSection& part : page.sections) {
    if (!part.table || !pictures) continue;
    check_interrupted();
    const runs::Picture picture{.table = *part.table,
                                .title = command.picture.title.value_or(part.section.title),
                                .figure = command.picture.figure,
                                .known = page.known};
    for (const auto& path : runs::write_pictures(picture, out, part.section.id, command.formats)) {
      message(command.common, fmt::format("wrote {}", path.string()));
    }
  }
  if (wants("html")) {
    message(command.common,
            fmt::format("wrote {}", runs::write_page(page, out, "report").string()));
  }
  if (wants("text")) write_output(terminal_text(page));
  return 0;
}

}  // namespace patchbay::cli
