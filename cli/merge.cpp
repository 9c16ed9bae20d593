// patchbay merge DIR: the shards of a run or study put together, and the whole finished from them.
#include <utility>
#include <variant>

#include "cli/commands.h"
#include "cli/shard_notes.h"
#include "patchbay/runs/shard.h"

namespace patchbay::cli {

int run(const MergeShards& merge) {
  runs::Whole whole = runs::merge_shards(merge.folder);
  const ShardNotes notes = read_notes(whole.notes);
  const runs::Output output{.folder = merge.folder, .formats = std::move(whole.formats)};
  if (const auto* experiment = std::get_if<runs::RunSpec>(&whole.what)) {
    RunExperiment whole_run{.common = merge.common, .run = *experiment, .output = output};
    whole_run.max_memory = notes.max_memory;
    if (notes.top) whole_run.top = *notes.top;
    return run(whole_run);
  }
  return run(RunStudy{.common = merge.common,
                      .study = std::get<runs::StudySpec>(whole.what),
                      .output = output,
                      .max_memory = notes.max_memory});
}

}  // namespace patchbay::cli
