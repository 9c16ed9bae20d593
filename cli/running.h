// What run, study and merge share: a run that is watched and can be stopped, and what is said of it
// on standard error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "cli/interruption.h"
#include "cli/progress.h"
#include "patchbay/patching/shard.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/runs/spec.h"
#include "patchbay/tasks/task.h"

namespace patchbay::cli {

/// How something is run: what decides no value of its result.
struct HowToRun {
  int threads = 0;  ///< 0: every processor
  bool json = false;
  std::int64_t max_memory = RunOptions::kDefaultMemory;
  std::optional<std::int64_t> top{};  ///< how many effects are listed; of run alone
  std::optional<Shard> shard{};       ///< this part alone
};

/// What patchbay run and patchbay study do; the exit code.
int run_experiment(const runs::RunSpec& spec, const runs::Output& output, const HowToRun& how);
int run_study(const runs::StudySpec& spec, const runs::Output& output, const HowToRun& how);

/// A context with progress, and with a line on memory before a sweep that needs more than those
/// before it.
class WatchedContext {
 public:
  explicit WatchedContext(const HowToRun& how);

  operator const RunContext&() const { return ctx_; }  // NOLINT: implicit, to be passed as one
  [[nodiscard]] Progress& progress() { return progress_; }

 private:
  Progress progress_;
  InterruptibleContext ctx_;
};

/// What a shard's command tells the command that merges the shards.
std::map<std::string, std::string> notes_of(const HowToRun& how);
/// Throws kBadData for what notes_of did not write.
void read_notes(const std::map<std::string, std::string>& notes, HowToRun& how);

/// "ioi: 100 prompts with BOS; corruption ABC", and the set's warnings.
void tell_prompts(const PromptSet& set, const tasks::CompletedOptions& completed);
/// "wrote DIR/accuracy.json", for the files of a result.
void tell_files(const std::string& folder, std::span<const std::filesystem::path> files);
/// "wrote DIR/shard-2-of-5; when all 5 shards are done: patchbay merge DIR"
void tell_shard(const std::string& folder, const Shard& shard);

}  // namespace patchbay::cli
