#include "cli/shard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/experiment_run.h"
#include "cli/output.h"
#include "patchbay/base/version.h"
#include "patchbay/io/file.h"

namespace patchbay::cli {

std::filesystem::path shard_folder(const std::string& folder, const Shard& shard) {
  return std::filesystem::path(folder) /
         fmt::format("shard-{}-of-{}", shard.number + 1, shard.count);
}

void finish_shard(const CommonOptions& common, const std::string& folder,
                  const ShardChoice& choice) {
  const std::filesystem::path own = shard_folder(folder, choice.shard);
  make_folder(own.string());
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion));
  json.member("shard", choice.shard.number + 1).member("of", choice.shard.count);
  write_strings(json, "whole", choice.whole);
  write_file(own / "shard.json", json.end_object().take());
  message(common, fmt::format("wrote {}; when all {} shards are done: patchbay merge {}",
                              own.string(), choice.shard.count, folder));
}

}  // namespace patchbay::cli
