// The engine behind Session: every question about every prompt as replays from shared base runs.
#pragma once

#include "patchbay/patching/kept_runs.h"
#include "patchbay/patching/path_patching.h"
#include "patchbay/patching/shard.h"
#include "patchbay/patching/source.h"
#include "patchbay/patching/sweep.h"
#include "patchbay/results/cell_store.h"

namespace patchbay {

/// What the questions of one session have in common.
struct Asked {
  const RunContext& ctx;
  const HookedTransformer& model;
  const PromptSet& prompts;
  KeptRuns& runs;
  MeanCache& means;
  CellStore& store;
  Shard shard;
  bool is_last;  ///< no question follows, so nothing is left for one
};

/// `sweep` is a checked one.
SweepResult ask(const Asked& asked, const PathSweep& sweep);

}  // namespace patchbay
