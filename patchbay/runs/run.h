// A model and a task's prompts, loaded once, and experiments that run on them: with where they come
// from recorded, with files, and going on where they were interrupted.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/hub/find_model.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/results/journal.h"
#include "patchbay/runs/spec.h"

namespace patchbay::runs {

/// A table, and the files that it was written to.
struct Result {
  EffectTable table;
  std::vector<std::filesystem::path> files{};
};

/// Says nothing itself: progress and planned memory come through the context. Wrong names and
/// settings are kUsage with the nearest name; the rest throws as hub::find_model, load_model and
/// make_prompts.
class Run {
 public:
  /// Opens the model, whose weights' digest is taken, and makes the prompts. The context must
  /// outlive the Run.
  Run(const RunContext& ctx, const std::string& model, const WeightProcessing& process,
      const TaskChoice& task, const hub::Settings& settings = hub::settings_from());

  [[nodiscard]] const HookedTransformer& model() const { return model_; }
  [[nodiscard]] const PromptSet& prompts() const { return prompts_; }
  /// The task's options with its defaults for what was not said.
  [[nodiscard]] tasks::TaskOptions task_options() const;
  /// The experiment as a run of its own on this model and these prompts.
  [[nodiscard]] RunSpec spec(const ExperimentChoice& experiment) const;

  /// Throws what `result` would throw for the experiment, as far as it is known without running.
  void check(const ExperimentChoice& experiment) const;
  /// Runs the experiment. With a folder, finished values are kept there while it runs, an
  /// interrupted run goes on from them, and files as Output says are written at the end, their
  /// stem being the experiment's name.
  [[nodiscard]] Result result(const ExperimentChoice& experiment, const Output& output = {}) const;
  /// Computes one shard's values into shard_folder(output.folder, shard), and leaves the record
  /// that merge_shards needs. Throws kUsage for an experiment that cannot be parted.
  void run_shard(const ExperimentChoice& experiment, const Output& output, const Shard& shard,
                 const std::map<std::string, std::string>& notes = {}) const;

  /// A step of something larger: the stem of its files, and the command that results record.
  struct Step {
    std::string stem;
    std::string command;
  };
  /// As above, but without pictures and without the shard's record.
  [[nodiscard]] Result result(const ExperimentChoice& experiment, const Output& output,
                              const Step& step) const;
  void run_shard(const ExperimentChoice& experiment, const std::string& folder,
                 const std::string& stem, const Shard& shard) const;

  /// Everything that decides the result, as text.
  [[nodiscard]] std::string key(const ExperimentChoice& experiment) const;

 private:
  [[nodiscard]] PromptSet prompts_of(const ExperimentChoice& experiment) const;
  [[nodiscard]] EffectTable table(const ExperimentChoice& experiment, const PromptSet& prompts,
                                  Journal* journal) const;

  const RunContext& ctx_;
  RunSpec spec_;  // but for the experiment
  hub::FoundModel found_;
  HookedTransformer model_;
  PromptSet prompts_;
  Provenance provenance_;
};

/// Whether shards can part the experiment: whether all that it computes is known beforehand.
bool can_be_sharded(const ExperimentChoice& experiment);

}  // namespace patchbay::runs
