// One pass over the steps of a study, whole or one shard of it. For study_run.cpp alone.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/results/journal.h"
#include "patchbay/runs/finished_steps.h"
#include "patchbay/runs/study_run.h"
#include "patchbay/study/circuit_names.h"

namespace patchbay::runs {

class StudyPass {
 public:
  /// `line` is the study's command; `names` stand for heads, when the study has a circuit. All that
  /// is referred to must outlive the pass.
  StudyPass(const RunContext& ctx, const StudyRun& of, const std::string& line,
            std::optional<CircuitNames> names, const Output& output, const StudyObserver& observer);

  StudyOutcome whole();
  void part(const Shard& shard);

 private:
  struct StepResult {
    EffectTable table;
    std::vector<std::filesystem::path> files{};
    bool resumed = false;
  };

  void begin(const std::string& id) const;
  // Filled; nothing, and the role, when the settings name heads that were not found.
  std::optional<CircuitNames::Settings> settings_of(const StudyStep& step,
                                                    std::string& missing) const;
  [[nodiscard]] bool finds_circuit(const StudyStep& step) const;
  StepResult find_or_run(std::size_t i, const ExperimentChoice& choice);
  void step(std::size_t i);
  void leave_out(const StudyStep& step, const std::string& why);
  void tell(const StudyStep& step, const StepResult* result) const;
  void add_files(const std::vector<std::filesystem::path>& files);
  // study.json, pictures and the page.
  void finish();
  void add_patterns();

  const RunContext& ctx_;
  const Study& study_;
  const Run& run_;
  bool is_reference_;
  const std::string& line_;
  const Output& output_;
  const StudyObserver& observer_;
  FinishedSteps finished_;
  std::optional<CircuitNames> names_;
  std::string others_;  // why steps about the reference model are left out on others
  StudyOutcome outcome_;
};

}  // namespace patchbay::runs
