// The commands that repeat runs and studies, as results record them.
#pragma once

#include <string>
#include <vector>

#include "patchbay/runs/spec.h"

namespace patchbay::runs {

/// The words as a shell would have to be given them.
std::string shell_line(const std::vector<std::string>& words);

/// "patchbay run accuracy --model …": what decides the result, in one order. Empty for a run of the
/// first prompts alone, which no command makes.
std::string command_line(const RunSpec& run);

/// "patchbay study NAME --model …"; `name` is the study's own, which for a file is the file's name
/// without its folder.
std::string command_line(const StudySpec& study, const std::string& name);

}  // namespace patchbay::runs
