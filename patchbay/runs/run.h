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
#include "patchbay/patching/session.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/runs/question.h"
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
  [[nodiscard]] tasks::CompletedOptions task_options() const;
  /// The experiment as a run of its own on this model and these prompts.
  [[nodiscard]] RunSpec spec(const ExperimentChoice& experiment) const;

  /// Throws what `result` would throw for the experiment, as far as it is known without running.
  void check(const ExperimentChoice& experiment) const;
  /// Runs the experiment. With a folder, finished values are kept there while it runs, an
  /// interrupted run goes on from them, and files as Output says are written at the end, their
  /// stem being the experiment's name. Throws kUsage before anything is computed where that would
  /// replace what answers another question.
  [[nodiscard]] Result result(const ExperimentChoice& experiment, const Output& output = {}) const;
  /// Computes one shard's values into shard_folder(output.folder, shard), and leaves the record
  /// that merge_shards needs. Throws kUsage for an experiment that cannot be parted.
  void run_shard(const ExperimentChoice& experiment, const Output& output, const Shard& shard,
                 const std::map<std::string, std::string>& notes = {}) const;

  /// What everything computed with these weights depends on beside what it was asked, as text.
  [[nodiscard]] std::string scope() const;
  /// A session on all of the run's prompts, which lasts no longer than the run and the store.
  [[nodiscard]] Session session(CellStore* store = nullptr) const;
  /// The question that the experiment's result would answer.
  [[nodiscard]] Question question(const ExperimentChoice& experiment) const;
  /// What the model and the prompts are, of all experiments.
  [[nodiscard]] const Provenance& provenance() const { return provenance_; }
  /// Everything that decides the experiment's result, as text.
  [[nodiscard]] std::string key(const ExperimentChoice& experiment) const;

  /// A step of something larger: the stem of its files, and the command that results record.
  struct Step {
    std::string stem;
    std::string command;
  };
  /// The result of a step, which shares what `session`, of this run's model and prompts, has: no
  /// finished values of its own, no pictures.
  [[nodiscard]] Result step(const Session& session, const ExperimentChoice& experiment,
                            const Output& output, const Step& step) const;
  /// Only computes what `session` keeps.
  void compute(const Session& session, const ExperimentChoice& experiment) const;

 private:
  [[nodiscard]] PromptSet prompts_of(const ExperimentChoice& experiment) const;

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
