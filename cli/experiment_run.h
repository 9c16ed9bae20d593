// A model and a task's prompts, loaded once, and experiments that run on them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/hub/find_model.h"

namespace patchbay::cli {

class ExperimentRun {
 public:
  ExperimentRun(const RunContext& ctx, const std::string& model, const WeightProcessing& process,
                const TaskChoice& task);

  /// A line about the prompts, and their warnings.
  void report(const CommonOptions& common) const;
  struct Target {
    std::string folder{};                      ///< empty: no file
    std::string stem{};                        ///< of the file; empty: the experiment's name
    std::vector<std::string> formats{"json"};  ///< of the files; json, csv and npz count here
    std::string command{};                     ///< recorded in the result
    std::int64_t first_prompts = 0;            ///< only the first so many; 0: all
  };
  /// Throws what `result` would throw for these settings, as far as it is known without running.
  void check(const experiments::Experiment& experiment,
             const std::map<std::string, std::string>& settings, std::int64_t first_prompts) const;
  /// Runs it. With a folder, finished rows are kept there while it runs, an interrupted run goes on
  /// from them, and FOLDER/STEM.json, .csv and .npz are written at the end.
  [[nodiscard]] EffectTable result(const experiments::Experiment& experiment,
                                   const std::map<std::string, std::string>& settings,
                                   const Target& target) const;

  /// Computes one shard's values and leaves them in FOLDER/STEM.partial.
  void part(const experiments::Experiment& experiment,
            const std::map<std::string, std::string>& settings, const Target& target,
            const Shard& shard) const;

  /// Everything that decides the result.
  [[nodiscard]] std::string key(const experiments::Experiment& experiment,
                                const std::map<std::string, std::string>& settings,
                                std::int64_t first_prompts) const;

  [[nodiscard]] const HookedTransformer& model() const { return model_; }
  [[nodiscard]] const PromptSet& prompts() const { return prompts_; }

 private:
  /// The first so many; 0: all.
  [[nodiscard]] PromptSet first_prompts(std::int64_t count) const;
  [[nodiscard]] EffectTable table(const experiments::Experiment& experiment,
                                  const std::map<std::string, std::string>& settings,
                                  const PromptSet& prompts, CellStore* store) const;

  const RunContext& ctx_;
  hub::FoundModel found_;
  HookedTransformer model_;
  TaskChoice task_;
  PromptSet prompts_;
  Provenance provenance_;
};

/// Whether it is json, csv or npz.
bool is_table_format(std::string_view format);

/// FOLDER/STEM followed by an ending such as ".json".
std::filesystem::path path_in(const std::string& folder, const std::string& stem,
                              std::string_view ending);
/// Throws kCannotCreate.
void make_folder(const std::string& folder);

/// The command that repeats a run: what decides its result, in one order.
std::string command_line_of(const RunExperiment& command);

}  // namespace patchbay::cli
