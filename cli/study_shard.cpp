#include "cli/study_shard.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/finished_steps.h"
#include "cli/output.h"
#include "cli/shard.h"
#include "patchbay/base/error.h"
#include "patchbay/study/circuit_names.h"

namespace patchbay::cli {

void run_study_shard(const RunStudy& command, const Study& study, const ExperimentRun& run,
                     bool is_reference, Progress& progress) {
  const Shard& shard = command.shard->shard;
  const std::string folder = shard_folder(command.out, shard).string();
  const std::string line = study_line(command, study);
  FinishedSteps finished(study, run, line, command, folder);
  std::optional<CircuitNames> names;
  if (study.circuit) names.emplace(*study.circuit, run.model().cfg(), is_reference);
  std::int64_t whole = 0;
  for (std::size_t i = 0; i < study.steps.size(); ++i) {
    const StudyStep& step = study.steps[i];
    if (step.reference_only && !is_reference) continue;
    std::string missing;
    const auto settings =
        names ? names->filled(step.settings, missing) : std::optional(step.settings);
    if (!settings) continue;
    const auto number = static_cast<std::int64_t>(i);
    const experiments::Experiment& experiment = experiments::find(step.experiment);
    const ExperimentRun::Target target{.folder = folder,
                                       .stem = step.id,
                                       .formats = command.formats,
                                       .command = line,
                                       .first_prompts = step.prompts};
    const bool finds_circuit = names && step.id == study.circuit->found_by;
    progress.begin(step.id);
    if (finds_circuit) {
      try {
        const auto before = finished.find(number, step.id);
        names->find_in(before ? *before : run.result(experiment, *settings, target));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kUsage) throw;
        std::filesystem::remove(path_in(folder, step.id, ".partial"));
        continue;
      }
      finished.add(number);
    } else if (experiment.can_be_sharded) {
      run.part(experiment, *settings, target, shard);
    } else if (whole++ % shard.count == shard.number) {
      if (!finished.find(number, step.id)) (void)run.result(experiment, *settings, target);
      finished.add(number);
    }
  }
  progress.clear();
  finish_shard(command.common, command.out, *command.shard);
}

}  // namespace patchbay::cli
