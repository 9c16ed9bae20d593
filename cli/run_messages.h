// What run and study say on standard error, unless --quiet.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "cli/commands.h"
#include "patchbay/patching/shard.h"
#include "patchbay/prompts/prompt_set.h"

namespace patchbay::cli {

/// "ioi: 100 prompts with BOS; corruption ABC", and the set's warnings.
void tell_prompts(const CommonOptions& common, const PromptSet& set,
                  const tasks::CompletedOptions& completed);
/// "wrote DIR/accuracy.json", for the files of a result.
void tell_files(const CommonOptions& common, const std::string& folder,
                std::span<const std::filesystem::path> files);
/// "wrote DIR/shard-2-of-5; when all 5 shards are done: patchbay merge DIR"
void tell_shard(const CommonOptions& common, const std::string& folder, const Shard& shard);

}  // namespace patchbay::cli
