// Shards: parts of one run or study that several processes compute, each into a folder of its own.
//
// DIR/shard-2-of-5 holds the finished values of parted experiments (study.partial, or
// EXPERIMENT.partial of a run), the results of whole ones (ID.json) and, once the shard is done,
// shard.json, which says what the whole is.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "patchbay/patching/shard.h"
#include "patchbay/runs/spec.h"

namespace patchbay::runs {

/// What shards are parts of.
struct Whole {
  std::variant<RunSpec, StudySpec> what;
  std::vector<std::string> formats;  ///< of Output
  /// What whoever starts the shards wants back from merge_shards; decides no result.
  std::map<std::string, std::string> notes{};
};

/// The record of a shard that is done.
struct ShardRecord {
  Shard shard;
  Whole whole;
};

/// The text of shard.json.
std::string to_json(const ShardRecord& record);
/// Reads it back. Every key is checked. Throws kBadData naming file, key and rule; a record of the
/// words of a command, as older versions wrote, is refused.
ShardRecord parse_shard_record(std::string_view text, std::string_view where);
/// Throws as read_file and parse_shard_record.
ShardRecord read_shard_record(const std::filesystem::path& path);

/// DIR/shard-2-of-5
std::filesystem::path shard_folder(const std::string& folder, const Shard& shard);
/// Throws kUsage for a shard that is not one of its count, without a folder, or without json among
/// the formats, by which finished experiments are handed on.
void check_shard(const Shard& shard, const Output& output);
/// Writes shard.json: the shard is done.
void finish_shard(const std::string& folder, const Shard& shard, const Whole& whole);

/// Puts the shards of DIR together: their finished values and results are then in DIR as if one
/// process had been stopped just before its end, and the run or study that comes back, run with
/// that folder and its formats, goes on from there and writes the bytes of one that was never
/// parted. The shards are left alone. Throws kNoInput where shards are missing, kBadData where they
/// are of different runs, kUsage where DIR holds results or finished values of another question,
/// unless those are to be overwritten.
Whole merge_shards(const std::string& folder, bool overwrite = false);

}  // namespace patchbay::runs
