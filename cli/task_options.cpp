// Which prompts a verb runs: the options that say it.
#include "cli/task_options.h"

#include "cli/option_values.h"
#include "patchbay/base/error.h"

namespace patchbay::cli {
namespace {

constexpr TaskOption kPrompts = {"--prompts", "N", "how many prompts (the task's own number)"};
constexpr TaskOption kSeed = {"--seed", "N", "draw other prompts (the task's own seed)"};
constexpr TaskOption kCorruption = {
    "--corruption", "NAME", "how the corrupted prompts differ; patchbay task list has them"};
constexpr TaskOption kPromptType = {"--prompt-type", "NAME",
                                    "which of the task's sentences; patchbay task list has them"};
constexpr TaskOption kCollisions = {"--collisions", "",
                                    "draw names as the original code does, even names in use"};
constexpr TaskOption kBos = {"--bos", "", "begin prompts with the token of the beginning"};
constexpr TaskOption kNoBos = {"--no-bos", "", "begin prompts with the text"};
constexpr TaskOption kOptions[] = {kPrompts,    kSeed, kCorruption, kPromptType,
                                   kCollisions, kBos,  kNoBos};

}  // namespace

std::span<const TaskOption> task_options() { return kOptions; }

tasks::TaskOptions read_task_options(const GivenTaskOption& given) {
  constexpr std::int64_t kMostPrompts = 1'000'000;
  tasks::TaskOptions options;
  if (const auto text = given(kPrompts)) {
    options.prompts = read_integer(kPrompts.name, *text, 1, kMostPrompts);
  }
  if (const auto text = given(kSeed)) options.seed = read_unsigned(kSeed.name, *text);
  options.corruption = given(kCorruption).value_or("");
  options.prompt_type = given(kPromptType).value_or("");
  options.collisions = given(kCollisions).has_value();
  const bool bos = given(kBos).has_value();
  if (bos && given(kNoBos)) {
    throw Error(ErrorKind::kUsage, kBos.name, "--bos and --no-bos exclude each other; keep one");
  }
  if (bos || given(kNoBos)) options.prepend_bos = bos;
  return options;
}

}  // namespace patchbay::cli
