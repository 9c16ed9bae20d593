// One pass over the steps of a study, whole or one shard of it. For study_run.cpp alone.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/patching/session.h"
#include "patchbay/runs/finished_values.h"
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
  StepResult find_or_run(const std::string& id, const ExperimentChoice& choice);
  [[nodiscard]] std::optional<EffectTable> finished_table(const std::string& id,
                                                          const std::string& mark) const;
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
  Question question_;
  const std::string& line_;
  const Output& output_;
  const StudyObserver& observer_;
  std::optional<FinishedValues> finished_;  // with a folder
  Session session_;                         // that all steps share
  std::optional<CircuitNames> names_;
  std::string others_;  // why steps about the reference model are left out on others
  StudyOutcome outcome_;
};

}  // namespace patchbay::runs
