// One shard of a study: what it computes of each experiment.
#pragma once

#include "cli/experiment_run.h"
#include "cli/progress.h"
#include "patchbay/study/study.h"

namespace patchbay::cli {

/// Experiments that can be sharded are parted value by value; the others are dealt out whole, in
/// turn, but for the search for the study's circuit, which every shard needs and runs.
void run_study_shard(const RunStudy& command, const Study& study, const ExperimentRun& run,
                     bool is_reference, Progress& progress);

}  // namespace patchbay::cli
