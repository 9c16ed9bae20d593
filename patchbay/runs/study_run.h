// A study on its model: every experiment with its words, resumed where it was interrupted, and the
// files and the page that come of it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "patchbay/report/page.h"
#include "patchbay/results/study_result.h"
#include "patchbay/runs/run.h"
#include "patchbay/runs/spec.h"
#include "patchbay/study/circuit_names.h"
#include "patchbay/study/study.h"

namespace patchbay::runs {

/// A step that is over.
struct StudyEvent {
  const StudyStep& step;
  const StudySection& section;                     ///< says why, where the step was left out
  const EffectTable* table = nullptr;              ///< null where it was left out
  bool resumed = false;                            ///< finished before this process began
  std::span<const std::filesystem::path> files{};  ///< that the step wrote just now
};

/// Who is told what a study does, on the thread that runs it. Functions may be empty; what they
/// throw ends the study, which goes on from there the next time.
struct StudyObserver {
  /// An experiment begins, and the context's progress is about it from now on: the step's id.
  std::function<void(const std::string& id)> begins{};
  std::function<void(const StudyEvent& event)> ended{};
  /// All steps are over; pictures and the page are made.
  std::function<void()> completes{};
};

/// What a study gives.
struct StudyOutcome {
  StudyResult result;
  std::map<std::string, EffectTable> tables;  ///< by the ids of sections
  std::vector<std::filesystem::path> files;   ///< written this time, in order
  std::optional<std::filesystem::path> page;  ///< report.html, one of them
};

/// A step's experiment, with settings in which braces are filled.
ExperimentChoice choice_of(const StudyStep& step, std::map<std::string, std::string> settings);

class StudyRun {
 public:
  /// Finds the study, opens its model or the one that `spec` names instead, makes the prompts, and
  /// refuses with kBadConfig what this model or these prompts cannot have, naming the study's line.
  StudyRun(const RunContext& ctx, const StudySpec& spec,
           const hub::Settings& settings = hub::settings_from());

  [[nodiscard]] const Study& study() const { return study_; }
  [[nodiscard]] const Run& run() const { return run_; }
  /// Whether the model is the one that published numbers are about.
  [[nodiscard]] bool is_reference() const { return is_reference_; }

  /// What all of the study's results are about.
  [[nodiscard]] Question question() const;

  /// Runs it. With a folder, files of every step go there, and study.json; with html among the
  /// formats also the attention patterns of heads that stand out, and report.html. A study that was
  /// stopped goes on where it was, with the same bytes in the end. Throws kUsage before anything is
  /// computed where that would replace another study, or results of other questions.
  [[nodiscard]] StudyOutcome result(const Output& output = {},
                                    const StudyObserver& observer = {}) const;

  /// Computes one shard into shard_folder(output.folder, shard), with the record that merge_shards
  /// needs. Experiments that can be parted are parted value by value; the others are dealt out
  /// whole, in turn, but for the search for the study's circuit, which every shard needs and runs.
  void run_shard(const Output& output, const Shard& shard,
                 const std::map<std::string, std::string>& notes = {},
                 const StudyObserver& observer = {}) const;

 private:
  void check() const;
  void refuse_overwriting(const Output& output) const;
  /// The names that stand for heads, when the study has a circuit.
  [[nodiscard]] std::optional<CircuitNames> names() const;

  const RunContext& ctx_;
  StudySpec spec_;
  Study study_;
  std::string model_name_;
  Run run_;
  bool is_reference_;
  std::string line_;  // the command
};

}  // namespace patchbay::runs
