// Tasks: each makes prompt pairs with answers and named positions for a given model.
//
// patchbay/tasks/NAME.cpp defines `const Task& NAME()`; adding the file is all it takes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/guarded_function.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/prompts/prompt_set.h"

namespace patchbay::tasks {

/// What prompts depend on: the tokens of texts, the vocabulary, the most positions.
struct TaskModel {
  const HookedTransformerConfig& cfg;
  const Tokenizer* tokenizer = nullptr;  ///< null: prompts can only be token ids
};

/// Which prompts to make. What is left as it is here takes the task's own default.
struct TaskOptions {
  std::int64_t prompts = 0;  ///< 0: as many as the task makes by default
  std::optional<std::uint64_t> seed{};
  std::optional<bool> prepend_bos{};
  std::string corruption{};   ///< one of Task::corruptions
  std::string prompt_type{};  ///< one of Task::prompt_types
  /// Draw replacing names as the task's original code does, which may draw a name that is in the
  /// prompt already. Only for tasks with Task::has_collisions.
  bool collisions = false;
  std::string argument{};  ///< what follows the colon of "file:PATH"
  // Only for tasks with Task::reads_texts:
  bool special = false;             ///< "<|endoftext|>" and its like in a text are one token
  bool skip_unfit = false;          ///< leave out prompts that do not fit, instead of refusing them
  bool first_answer_token = false;  ///< an answer of several tokens is its first one
};

/// The options of one task with nothing left out, as Task::completed makes them.
struct CompletedOptions {
  std::int64_t prompts = 0;  ///< 0: all that the task's file has
  std::uint64_t seed = 0;    ///< means nothing where Task::seed is empty: no number is drawn there
  bool prepend_bos = false;
  std::string corruption{};   ///< one of Task::corruptions; empty where there are none
  std::string prompt_type{};  ///< one of Task::prompt_types; empty where there are none
  bool collisions = false;
  std::string argument{};  ///< empty where Task::argument is
  bool special = false;
  bool skip_unfit = false;
  bool first_answer_token = false;
};

/// A name that an option takes, and what it means.
struct Choice {
  std::string_view name;
  std::string_view what;
};

/// One task.
struct Task {
  std::string_view name;
  std::string_view summary;
  std::string_view argument{};             ///< "PATH", where the task is named as "file:PATH"
  std::int64_t prompts = 0;                ///< how many by default; 0: all there are
  std::optional<std::uint64_t> seed{};     ///< the default; nothing where nothing is drawn
  bool prepend_bos = false;                ///< the default
  std::span<const Choice> corruptions{};   ///< the first is the default
  std::span<const Choice> prompt_types{};  ///< the first is the default
  bool has_collisions = false;             ///< whether TaskOptions::collisions means something
  bool reads_texts = false;                ///< whether the prompts are somebody's own texts
  std::span<const Choice> positions{};     ///< those that every prompt names
  std::string_view notes{};                ///< sources, and what is special
  /// What Task::make calls with completed options.
  GuardedFunction<Task, PromptSet(const TaskModel&, const CompletedOptions&)> maker{};

  /// The options with this task's defaults for what was left out. Throws kUsage for what the task
  /// does not have: a corruption, a seed, an argument.
  [[nodiscard]] CompletedOptions completed(const TaskModel& model,
                                           const TaskOptions& options) const;
  /// The prompts. Throws kUsage as `completed` does, and for a model without what the task needs;
  /// kBadData for prompts that break a rule, naming the prompt and the reason. The set has a
  /// warning where the task prepends BOS by default and the model's tokenizer has none, and one
  /// where some of the prompts are the same: a task may have fewer than were asked for.
  [[nodiscard]] PromptSet make(const TaskModel& model, const TaskOptions& options = {}) const;
  [[nodiscard]] PromptSet make(const HookedTransformer& model,
                               const TaskOptions& options = {}) const;
};

/// Every task, by name.
const std::vector<const Task*>& all();

/// The task of that name, "file" for "file:PATH". Throws kUsage with the nearest name.
const Task& find(std::string_view name);

/// The completed options of the task of that name, which gives the argument too, as in "file:PATH".
/// Throws kUsage for names and options that there are not, and for two different arguments.
CompletedOptions completed(const TaskModel& model, std::string_view task, TaskOptions options);

}  // namespace patchbay::tasks

namespace patchbay {

/// The prompts of a task, "ioi" or "file:PATH", for a model: Task::make of the task of that name.
/// Throws kUsage for names and options that there are not, kBadData for prompts that break a rule,
/// with the prompt and the reason.
PromptSet make_prompts(const HookedTransformer& model, std::string_view task,
                       const tasks::TaskOptions& options = {});
/// The prompts of a task for a model whose weights are not loaded: a config and a tokenizer.
PromptSet make_prompts(const tasks::TaskModel& model, std::string_view task,
                       const tasks::TaskOptions& options = {});

}  // namespace patchbay
