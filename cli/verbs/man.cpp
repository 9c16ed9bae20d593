// patchbay man: the pages of verbs for man.
#include <algorithm>

#include "cli/help_page.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/topics.h"
#include "patchbay/io/file.h"
#include "patchbay/runs/files.h"

namespace patchbay::cli::verbs {

const Verb& man();

namespace {

int run_given(const Given& given) {
  const std::string out = given.text("--out");
  if (out.empty()) {
    write_output(render_roff(verb_named(given.all("COMMAND"))));
    return 0;
  }
  runs::make_folder(out);
  for (const Verb& verb : all_verbs()) {
    std::string stem = verb.command();
    std::ranges::replace(stem, ' ', '-');
    write_file(runs::path_in(out, stem, ".1"), render_roff(verb));
  }
  return 0;
}

}  // namespace

const Verb& man() {
  static const Verb verb = {
      .place = 130,
      .path = "man",
      .what = "a command's page for man",
      .examples = "patchbay man run\npatchbay man --out man1",
      .options = {{"COMMAND", "…", "the words of a command; without them patchbay's own page"},
                  {"-o,--out", "DIR", "write the pages of all commands"}},
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
