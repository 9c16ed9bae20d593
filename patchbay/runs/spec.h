// What a run or a study is, as data: enough to do it again, in another process or on another
// machine, with the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/model/weights.h"
#include "patchbay/tasks/task.h"

namespace patchbay::runs {

/// The prompts of a task.
struct TaskChoice {
  std::string name;  ///< "ioi", "file:prompts.jsonl"
  tasks::TaskOptions options{};
};

/// An experiment of patchbay/experiments.
struct ExperimentChoice {
  std::string name;  ///< "activation_patching"
  std::map<std::string, std::string>
      settings{};                              ///< its own, as text; defaults where none is given
  std::optional<std::int64_t> prompt_limit{};  ///< only the first so many of the run's prompts
};

/// One experiment on a task's prompts.
struct RunSpec {
  std::string model;  ///< as hub::find_model takes it
  WeightProcessing process{};
  TaskChoice task;
  ExperimentChoice experiment;
};

/// A study.
struct StudySpec {
  std::string study;                   ///< as find_study takes it
  std::optional<std::string> model{};  ///< instead of the study's own
  bool special = false;                ///< TaskOptions::special of its prompts, beside the study's
};

/// Which files a run or a study writes, and where.
struct Output {
  std::string folder{};  ///< made when it is not there; empty: no files
  /// Of every result: json, csv, npz, and svg, png, pdf for its figures; html is a study's page.
  std::vector<std::string> formats{"json"};
  /// Replace what answers another question: results, unfinished values, a study. Otherwise that is
  /// refused with kUsage before anything is computed; what answers the same question, whatever
  /// version of patchbay made it, is replaced or gone on with.
  bool overwrite = false;
};

}  // namespace patchbay::runs
