// What memory a run will take, said before it takes it.
#pragma once

#include <cstdint>
#include <functional>

#include "cli/commands.h"
#include "cli/progress.h"

namespace patchbay::cli {

/// For RunOptions::memory_plan: a line on standard error before a sweep that needs more than those
/// before it. What the process has by then (program, model, what an earlier sweep needed) is
/// measured, what the sweep adds is planned. Both must outlive the function.
std::function<void(std::int64_t)> memory_note(const CommonOptions& common, Progress& progress);

}  // namespace patchbay::cli
