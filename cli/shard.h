// Shards: parts of one run that several processes compute, each into a folder of its own.
//
// DIR/shard-2-of-5 holds the finished values of sharded experiments (ID.partial), the results of
// whole ones (ID.json) and, once the shard is done, shard.json with the words of the whole run.
#pragma once

#include <filesystem>
#include <string>

#include "cli/commands.h"

namespace patchbay::cli {

/// DIR/shard-2-of-5
std::filesystem::path shard_folder(const std::string& folder, const Shard& shard);

/// Writes shard.json, and says what comes next.
void finish_shard(const CommonOptions& common, const std::string& folder,
                  const ShardChoice& choice);

}  // namespace patchbay::cli
