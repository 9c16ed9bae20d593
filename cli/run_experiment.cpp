// patchbay run: one experiment on the prompts of one task, to a result file and the terminal.
#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/memory_note.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_messages.h"
#include "cli/shard_notes.h"
#include "patchbay/report/result_text.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/run.h"

namespace patchbay::cli {

int run(const RunExperiment& command) {
  const std::string& folder = command.output.folder;
  const runs::ExperimentChoice& experiment = command.run.experiment;
  Progress progress(command.common);
  const InterruptibleContext ctx({.threads = command.common.threads,
                                  .max_memory = command.max_memory,
                                  .progress = progress.function(),
                                  .memory_plan = memory_note(command.common, progress)});
  const runs::Run run(ctx, command.run.model, command.run.process, command.run.task);
  tell_prompts(command.common, run.prompts(), run.task_options());
  if (command.shard) {
    run.run_shard(experiment, command.output, *command.shard,
                  written({command.max_memory, command.top}));
    progress.clear();
    tell_shard(command.common, folder, *command.shard);
    return 0;
  }
  const runs::Result result = run.result(experiment, command.output);
  progress.clear();
  write_output(command.common.json ? to_json(result.table)
                                   : result_text(result.table, command.top, text_style()));
  tell_files(command.common, folder, result.files);
  return 0;
}

}  // namespace patchbay::cli
