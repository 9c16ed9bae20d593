// Which prompts a verb runs: the options that say it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "patchbay/tasks/task.h"

namespace patchbay::cli {

/// An option that says something about prompts.
struct TaskOption {
  const char* name;  ///< "--prompts"
  const char* type;  ///< "N"; empty for a flag
  const char* what;
};

/// All of them but the task's own name.
std::span<const TaskOption> task_options();

/// What was given for an option: its text, "" for a flag, nothing when it is not there.
using GivenTaskOption = std::function<std::optional<std::string>(const TaskOption&)>;

/// Throws kUsage.
tasks::TaskOptions read_task_options(const GivenTaskOption& given);

}  // namespace patchbay::cli
