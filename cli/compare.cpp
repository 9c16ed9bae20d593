// patchbay compare: two results side by side, and their difference.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/error_text.h"
#include "cli/output.h"
#include "patchbay/report/result_text.h"
#include "patchbay/report/side_by_side.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/pictures.h"

namespace patchbay::cli {

int run(const CompareResults& command) {
  runs::check_place(command.out, command.formats);
  const EffectTable first = read_result(command.first).table;
  const EffectTable second = read_result(command.second).table;
  const EffectKind effect = command.effect ? parse_effect_kind(*command.effect) : first.effect;
  SideBySide compared = side_by_side(first, second, effect);
  for (std::string& note : compared.both.difference.notes) note = with_options(note);
  if (command.common.json) {
    write_output(to_json(compared));
  } else {
    write_output(fmt::format(
        "{}\n{}\n\n{}\n{}{}", printable(compared.first.name), printable(compared.second.name),
        heading(fmt::format("second - first, {}", name_of(effect))),
        result_grids(compared.both.difference, compared.difference, text_style()),
        list_text(largest_differences(compared, command.top), text_style())));
  }
  if (command.out.empty()) return 0;
  const Page page = page_of(compared, command.top,
                            runs::shell_line({"patchbay", "compare", command.first, command.second,
                                              "--effect", std::string(name_of(effect))}));
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
