// The words of a study's sections, and why steps are left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "patchbay/results/study_result.h"
#include "patchbay/study/study.h"

namespace patchbay::runs {

/// "left out: this is about GPT-2 small …"
std::string about_reference(const ReferenceModel& reference);
/// Why a step is left out whose settings name heads of `role`; `found`: a circuit was found.
std::string about_missing(const StudyCircuit& circuit, const std::string& role, bool found);

/// The section of a step.
StudySection section_of(const StudyStep& step, const std::string& left_out,
                        std::vector<StudyList> lists);

inline constexpr std::string_view kPatternsId = "patterns_of_heads";
/// The step that a page needs so that a click on a head can show where it looks.
StudyStep patterns_step(const std::vector<std::string>& heads);

}  // namespace patchbay::runs
