// The steps that an interrupted study has finished, and what both whole and sharded studies say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/experiment_run.h"
#include "patchbay/results/cell_store.h"
#include "patchbay/study/study.h"

namespace patchbay::cli {

/// "patchbay study ioi_paper --model …": what is recorded in results.
std::string study_line(const RunStudy& command, const Study& study);
/// What the study wants done to the weights, but for what a norm without centring cannot have.
WeightProcessing processing_of(const Study& study, const std::string& model);

/// Kept while the study lasts, in FOLDER/study.partial. The tables of finished steps are read from
/// their files, so a study that goes on runs none of them again.
class FinishedSteps {
 public:
  /// Nothing is kept without a folder or without json among the formats.
  FinishedSteps(const Study& study, const ExperimentRun& run, const std::string& line,
                const RunStudy& given, const std::string& folder);

  /// The table of a step that was finished; nothing when it was not, or its file is gone or
  /// damaged.
  [[nodiscard]] std::optional<EffectTable> find(std::int64_t step, const std::string& id) const;
  void add(std::int64_t step);
  /// The study is over.
  void remove();

 private:
  std::string folder_;
  std::optional<CellStore> store_;
};

}  // namespace patchbay::cli
