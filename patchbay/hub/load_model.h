// Models by name: patchbay/families with find_model in front.
#pragma once

#include <string>

#include "patchbay/families/family.h"
#include "patchbay/hub/find_model.h"
#include "patchbay/model/weights.h"

namespace patchbay::hub {

/// The functions of patchbay/families/family.h for a model that was found: the config has the
/// model's name, where the folder's name is no more than a commit.
HookedTransformerConfig load_config(const FoundModel& model);
LoadedCheckpoint load_checkpoint(const RunContext& ctx, const FoundModel& model);

/// The model that was found, its weights processed as `process` says.
HookedTransformer load_model(const RunContext& ctx, const FoundModel& model,
                             const WeightProcessing& process);

/// The model of that name, weights as they are in the file: `load_model(ctx, "gpt2")`. Nothing is
/// downloaded; pull_model does that. Throws as find_model and patchbay::load_model do.
HookedTransformer load_model(const RunContext& ctx, const std::string& name,
                             const Settings& settings = settings_from());

}  // namespace patchbay::hub
