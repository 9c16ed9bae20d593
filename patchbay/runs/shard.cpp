#include "patchbay/runs/shard.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/runs/files.h"

namespace patchbay::runs {

std::filesystem::path shard_folder(const std::string& folder, const Shard& shard) {
  return std::filesystem::path(folder) /
         fmt::format("shard-{}-of-{}", shard.number + 1, shard.count);
}

void check_shard(const Shard& shard, const Output& output) {
  if (shard.number < 0 || shard.number >= shard.count) {
    throw Error(ErrorKind::kUsage, "`shard`",
                fmt::format("there is no shard {} of {}; they are numbered from 0", shard.number,
                            shard.count));
  }
  if (output.folder.empty()) {
    throw Error(ErrorKind::kUsage, "`shard`",
                "a shard writes its part to a folder; name it with `out`");
  }
  if (std::ranges::find(output.formats, "json") == output.formats.end()) {
    throw Error(ErrorKind::kUsage, "`shard`",
                "shards hand finished experiments on as json; add it to the formats");
  }
}

void finish_shard(const std::string& folder, const Shard& shard, const Whole& whole) {
  const std::filesystem::path own = shard_folder(folder, shard);
  make_folder(own.string());
  write_file(own / "shard.json", to_json(ShardRecord{shard, whole}));
}

}  // namespace patchbay::runs
