// patchbay merge DIR: the shards of a run or study put together, and the whole finished from them.
#include <utility>
#include <variant>

#include "cli/options.h"
#include "cli/running.h"
#include "patchbay/runs/shard.h"

namespace patchbay::cli::verbs {

const Verb& merge();

namespace {

int run_given(const Given& given) {
  const std::string folder =
      given.required("DIR", "no folder is named; name the one that the shards had as --out");
  HowToRun how{.threads = threads_of(given), .json = given.flag("--json")};
  runs::Whole whole = runs::merge_shards(folder, given.flag("--overwrite"));
  read_notes(whole.notes, how);
  const runs::Output output{.folder = folder,
                            .formats = std::move(whole.formats),
                            .overwrite = given.flag("--overwrite")};
  if (const auto* experiment = std::get_if<runs::RunSpec>(&whole.what)) {
    return run_experiment(*experiment, output, how);
  }
  return run_study(std::get<runs::StudySpec>(whole.what), output, how);
}

}  // namespace

const Verb& merge() {
  static const Verb verb = {
      .place = 90,
      .path = "merge",
      .what = "put the shards of a run or study together",
      .examples = "patchbay study figure_3b --shard 1/1 --out sharded && patchbay merge sharded",
      .options = together(
          {{{"DIR", "", "the folder that all shards were given as --out"}}, overwrite_option()}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
