// Where a result comes from: digests of the weights and of the tokens, and the command to repeat
// it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/hub/find_model.h"
#include "patchbay/prompts/prompt_set.h"

namespace patchbay::cli {

/// SHA-256 of the weights' file; of several, of the lines "DIGEST  NAME" in the order of names.
std::string weights_sha256(const RunContext& ctx, const hub::FoundModel& model);

/// SHA-256 of one line a pair: the ids of clean, corrupted, answers and wrongs, separated by |.
std::string tokens_sha256(const PromptSet& prompts);

/// The words as a shell would have to be given them.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace patchbay::cli
