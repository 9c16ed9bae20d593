// patchbay run: one experiment on the prompts of one task, to a result file and the terminal.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/experiment_run.h"
#include "cli/interruption.h"
#include "cli/memory_note.h"
#include "cli/output.h"
#include "cli/pictures.h"
#include "cli/progress.h"
#include "cli/result_text.h"
#include "cli/shard.h"
#include "patchbay/base/error.h"
#include "patchbay/results/result_json.h"

namespace patchbay::cli {

int run(const RunExperiment& command) {
  const experiments::Experiment& experiment = experiments::find(command.experiment);
  Progress progress(command.common);
  const InterruptibleContext ctx({.threads = command.common.threads,
                                  .max_memory = command.max_memory,
                                  .progress = progress.function(),
                                  .memory_plan = memory_note(command.common, progress)});
  const ExperimentRun run(ctx, command.model, command.process, command.task);
  run.report(command.common);
  if (command.shard) {
    if (!experiment.can_be_sharded) {
      throw Error(
          ErrorKind::kUsage, "--shard",
          fmt::format("{} cannot be sharded: what it asks next depends on what it found, or "
                      "it is one short pass; run it whole",
                      experiment.name));
    }
    run.part(experiment, command.settings,
             {.folder = shard_folder(command.out, command.shard->shard).string(),
              .command = command_line_of(command)},
             command.shard->shard);
    progress.clear();
    finish_shard(command.common, command.out, *command.shard);
    return 0;
  }
  const EffectTable table = run.result(
      experiment, command.settings,
      {.folder = command.out, .formats = command.formats, .command = command_line_of(command)});
  progress.clear();
  write_output(command.common.json ? to_json(table) : result_text(table, command.top));
  if (!command.out.empty()) {
    for (const std::string& format : command.formats) {
      if (!is_table_format(format)) continue;
      message(command.common, fmt::format("wrote {}/{}.{}", command.out, table.experiment, format));
    }
  }
  for (const auto& path :
       write_pictures({.table = table}, command.out, table.experiment, command.formats)) {
    message(command.common, fmt::format("wrote {}", path.string()));
  }
  return 0;
}

}  // namespace patchbay::cli
