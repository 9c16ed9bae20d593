// Where a result comes from: digests of the weights and of the tokens.
#pragma once

#include <string>

#include "patchbay/base/run_context.h"
#include "patchbay/hub/find_model.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/results/effect_table.h"

namespace patchbay::runs {

/// SHA-256 of the weights' file; of several, of the lines "DIGEST  NAME" in the order of names.
std::string weights_sha256(const RunContext& ctx, const hub::FoundModel& model);

/// SHA-256 of one line a pair: the ids of clean, corrupted, answers and wrongs, separated by |.
std::string tokens_sha256(const PromptSet& prompts);

/// Everything but the command. `found` is where the model was loaded from.
Provenance provenance_of(const RunContext& ctx, const hub::FoundModel& found,
                         const HookedTransformer& model, const PromptSet& prompts);

}  // namespace patchbay::runs
