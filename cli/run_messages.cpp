#include "cli/run_messages.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/shard.h"

namespace patchbay::cli {

void tell_prompts(const CommonOptions& common, const PromptSet& set,
                  const tasks::CompletedOptions& completed) {
  std::string line = fmt::format("{}: {} prompt{} {} BOS", set.task, set.size(),
                                 set.size() == 1 ? "" : "s", set.prepend_bos ? "with" : "without");
  if (tasks::find(set.task).seed) line += fmt::format("; seed {}", completed.seed);
  if (!completed.prompt_type.empty()) line += fmt::format("; {}", completed.prompt_type);
  if (!completed.corruption.empty()) line += fmt::format("; corruption {}", completed.corruption);
  if (completed.collisions) line += " with collisions";
  message(common, line);
  for (const std::string& warning : set.warnings) message(common, "warning: " + warning);
}

void tell_files(const CommonOptions& common, const std::string& folder,
                std::span<const std::filesystem::path> files) {
  for (const std::filesystem::path& file : files) {
    const std::string format = file.extension().string().substr(1);
    if (format == "dot") continue;  // a circuit's graph goes without saying
    message(common, runs::is_table_format(format)
                        ? fmt::format("wrote {}/{}", folder, file.filename().string())
                        : fmt::format("wrote {}", file.string()));
  }
}

void tell_shard(const CommonOptions& common, const std::string& folder, const Shard& shard) {
  message(common, fmt::format("wrote {}; when all {} shards are done: patchbay merge {}",
                              runs::shard_folder(folder, shard).string(), shard.count, folder));
}

}  // namespace patchbay::cli
