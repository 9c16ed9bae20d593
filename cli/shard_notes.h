// Options that decide no result, on their way from the command that starts a shard to the command
// that merges the shards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace patchbay::cli {

struct ShardNotes {
  std::int64_t max_memory = 0;
  std::optional<std::int64_t> top{};  ///< of run alone
};

std::map<std::string, std::string> written(const ShardNotes& notes);
/// Throws kBadData for what `written` did not write.
ShardNotes read_notes(const std::map<std::string, std::string>& notes);

}  // namespace patchbay::cli
