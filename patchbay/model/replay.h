// How a replay enters the pass: its start checked, and reduced to the rows that really change.
#pragma once

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/hooks/hook_name.h"
#include "patchbay/model/base_run.h"
#include "patchbay/model/forward.h"

namespace patchbay {

/// Throws kUsage when the start does not fit the model or the base run.
void check_start(const HookedTransformerConfig& cfg, const BaseRun& base, const ReplayStart& start);

/// The first activation that is computed after a door.
HookName first_name_after(const HookedTransformerConfig& cfg, const Door& door);

/// The rows of the start whose value differs from the base run's, bit for bit. With none, nothing
/// is computed and the result is the base run's.
Stream changed_rows(const BaseRun& base, const ReplayStart& start);

}  // namespace patchbay
