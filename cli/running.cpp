#include "cli/running.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>

#include "cli/error_text.h"
#include "cli/given.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/base/machine.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/shard.h"

namespace patchbay::cli {
namespace {

// What the process has before a sweep (program, model, what an earlier sweep needed) is measured,
// what the sweep adds is planned.
std::function<void(std::int64_t)> memory_note(Progress& progress) {
  const auto said = std::make_shared<std::int64_t>(0);
  return [&progress, said](std::int64_t activations) {
    constexpr std::int64_t kMebi = std::int64_t{1} << 20;
    malloc_trim(0);  // what earlier work gave back is not in use
    const Memory now = memory();
    const std::int64_t before = now.resident.value_or(0);
    const std::int64_t most = std::max(now.peak.value_or(0), before + activations);
    if (before == 0 || most <= *said + *said / 20) return;
    *said = most;
    progress.clear();
    message(fmt::format("memory: about {} MiB, of which {} MiB for activations",
                        with_commas(most / kMebi + 1), with_commas(activations / kMebi + 1)));
  };
}

std::optional<std::int64_t> note(const std::map<std::string, std::string>& notes,
                                 const std::string& name, std::int64_t least) {
  const auto found = notes.find(name);
  if (found == notes.end()) return std::nullopt;
  try {
    return read_integer(name, found->second, least, std::numeric_limits<std::int64_t>::max());
  } catch (const Error& error) {
    throw Error(ErrorKind::kBadData, "shard.json", error.what());
  }
}

}  // namespace

WatchedContext::WatchedContext(const HowToRun& how)
    : ctx_({.threads = how.threads,
            .max_memory = how.max_memory,
            .progress = progress_.function(),
            .memory_plan = memory_note(progress_)}) {}

std::map<std::string, std::string> notes_of(const HowToRun& how) {
  std::map<std::string, std::string> notes = {{"max_memory", std::to_string(how.max_memory)}};
  if (how.top) notes["top"] = std::to_string(*how.top);
  return notes;
}

void read_notes(const std::map<std::string, std::string>& notes, HowToRun& how) {
  how.max_memory = note(notes, "max_memory", 1).value_or(RunOptions::kDefaultMemory);
  how.top = note(notes, "top", 0);
}

void tell_prompts(const PromptSet& set, const tasks::CompletedOptions& completed) {
  std::string line = fmt::format("{}: {} prompt{} {} BOS", set.task, set.size(),
                                 set.size() == 1 ? "" : "s", set.prepend_bos ? "with" : "without");
  if (tasks::find(set.task).seed) line += fmt::format("; seed {}", completed.seed);
  if (!completed.prompt_type.empty()) line += fmt::format("; {}", completed.prompt_type);
  if (!completed.corruption.empty()) line += fmt::format("; corruption {}", completed.corruption);
  if (completed.collisions) line += " with collisions";
  if (set.left_out > 0) line += fmt::format("; {} left out", set.left_out);
  message(line);
  for (const std::string& warning : set.warnings) message("warning: " + with_options(warning));
}

void tell_files(const std::string& folder, std::span<const std::filesystem::path> files) {
  for (const std::filesystem::path& file : files) {
    const std::string format = file.extension().string().substr(1);
    if (format == "dot") continue;  // a circuit's graph goes without saying
    message(runs::is_table_format(format)
                ? fmt::format("wrote {}/{}", folder, file.filename().string())
                : fmt::format("wrote {}", file.string()));
  }
}

void tell_shard(const std::string& folder, const Shard& shard) {
  message(fmt::format("wrote {}; when all {} shards are done: patchbay merge {}",
                      runs::shard_folder(folder, shard).string(), shard.count, folder));
}

}  // namespace patchbay::cli
