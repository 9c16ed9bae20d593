// Options that several verbs have: their words, and what they say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/given.h"
#include "cli/verb.h"
#include "patchbay/base/run_context.h"
#include "patchbay/model/weights.h"
#include "patchbay/patching/shard.h"
#include "patchbay/runs/spec.h"

namespace patchbay::cli {

/// Those that every verb has.
Options common_options();
/// 0 for every processor.
int threads_of(const Given& given);

Options model_option();
/// Throws kUsage when no model is given, as all here.
std::string model_of(const Given& given);
/// The model as an argument by place, or with --model.
Options model_argument();
std::string model_argument_of(const Given& given);

Options process_option();
WeightProcessing process_of(const Given& given);

/// What --bos and --no-bos say; nothing without them.
std::optional<bool> bos_of(const Given& given);

/// Which prompts of a task.
Options task_options();
/// `name` is the option that names the task.
runs::TaskChoice task_of(const Given& given, const std::string& name);

/// `what` the names are for. Given::list reads them.
Options names_option(const std::string& what);
/// Of whatever writes results into a folder.
Options overwrite_option();
Options memory_option();
std::int64_t memory_of(const Given& given);
/// How many of the largest `what` are listed; 10 where nothing is said.
Options top_option(const std::string& what);
std::int64_t top_of(const Given& given);

/// Those of `known` that --format asks for, `fallback` when nothing is said. Throws kUsage with the
/// nearest name, and when files are asked for without a place for them, where one is needed.
std::vector<std::string> formats_of(const Given& given, const std::vector<std::string>& known,
                                    std::vector<std::string> fallback, bool needs_out);

Options shard_option();
/// "2/5"; nothing when it is not said.
std::optional<Shard> shard_of(const Given& given, const std::vector<std::string>& formats);

}  // namespace patchbay::cli
