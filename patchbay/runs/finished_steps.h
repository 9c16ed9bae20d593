// The steps that an interrupted study has finished.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "patchbay/runs/finished_values.h"
#include "patchbay/runs/run.h"
#include "patchbay/study/study.h"

namespace patchbay::runs {

/// A step's experiment, with settings in which braces are filled.
ExperimentChoice choice_of(const StudyStep& step, std::map<std::string, std::string> settings);

/// Kept while the study lasts, in FOLDER/study.partial. The tables of finished steps are read from
/// their files, so a study that goes on runs none of them again.
class FinishedSteps {
 public:
  /// `line` is the study's command. Nothing is kept without a folder or without json among the
  /// formats.
  FinishedSteps(const Study& study, const Run& run, const std::string& line, const Output& output);

  /// The table of a step that was finished; nothing when it was not, or its file is gone or
  /// damaged.
  [[nodiscard]] std::optional<EffectTable> find(std::int64_t step, const std::string& id) const;
  void add(std::int64_t step);
  /// The study is over.
  void remove();

 private:
  std::string folder_;
  std::optional<FinishedValues> finished_;
};

}  // namespace patchbay::runs
