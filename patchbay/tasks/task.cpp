// Tasks by name, and their options with what was left out filled in.
#include "patchbay/tasks/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/utf8.h"

namespace patchbay::tasks {
namespace {

std::string_view stem_of(std::string_view name) { return name.substr(0, name.find(':')); }

// How the task is written: "file:PATH".
std::string written(const Task& task) {
  return task.argument.empty() ? std::string(task.name)
                               : fmt::format("{}:{}", task.name, task.argument);
}

[[noreturn]] void fail(const Task& task, const std::string& what) {
  throw Error(ErrorKind::kUsage, task.name, what);
}

// The choice that was made, the first where none was.
std::string chosen(const Task& task, std::string_view kind, std::span<const Choice> choices,
                   const std::string& wanted) {
  if (wanted.empty()) return choices.empty() ? "" : std::string(choices.front().name);
  std::vector<std::string> names;
  for (const Choice& choice : choices) names.emplace_back(choice.name);
  if (std::ranges::find(names, wanted) != names.end()) return wanted;
  if (names.empty()) fail(task, fmt::format("has no {}s to choose from; omit it", kind));
  fail(task, fmt::format("there is no {} {}; it has {}{}", kind, in_quotes(wanted),
                         fmt::join(names, ", "), did_you_mean(wanted, names)));
}

// A task's own BOS where the tokenizer has one; what the caller says is for the tokenizer to
// refuse.
bool prepends_bos(const Task& task, const TaskModel& model, std::optional<bool> wanted) {
  if (wanted) return *wanted;
  return task.prepend_bos && model.tokenizer != nullptr && model.tokenizer->bos_token_id();
}

// The options with what follows the colon of the task's name.
TaskOptions with_argument(const Task& task, std::string_view name, TaskOptions options) {
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return options;
  const std::string_view argument = name.substr(colon + 1);
  if (argument.empty() || task.argument.empty()) {
    fail(task, fmt::format("the task is written {}", in_quotes(written(task))));
  }
  if (!options.argument.empty() && options.argument != argument) {
    fail(task, fmt::format("the name says {} and the argument {}; give one of them",
                           in_quotes(argument), in_quotes(options.argument)));
  }
  options.argument = argument;
  return options;
}

TaskModel task_model(const HookedTransformer& model) {
  return {.cfg = model.cfg(), .tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr};
}

}  // namespace

const Task& find(std::string_view name) {
  std::vector<std::string> names;
  std::vector<std::string> known;
  for (const Task* task : all()) {
    if (task->name == stem_of(name)) return *task;
    names.emplace_back(task->name);
    known.push_back(written(*task));
  }
  const bool is_path = name.find_first_of("./") != std::string_view::npos;
  throw Error(
      ErrorKind::kUsage, "task",
      fmt::format("there is no task {}; there are {}{}", in_quotes(name), fmt::join(known, ", "),
                  is_path
                      ? fmt::format("; did you mean {}?", in_quotes("file:" + std::string(name)))
                      : did_you_mean(stem_of(name), names)));
}

CompletedOptions Task::completed(const TaskModel& model, const TaskOptions& options) const {
  constexpr std::int64_t kMostPrompts = 1'000'000;
  if (options.prompts < 0 || options.prompts > kMostPrompts) {
    fail(*this, fmt::format("{} prompts were asked for; say 1 to {}, or 0 for the default",
                            options.prompts, kMostPrompts));
  }
  if (argument.empty() != options.argument.empty()) {
    fail(*this, fmt::format("the task is written {}", in_quotes(written(*this))));
  }
  if (options.seed && !seed) fail(*this, "nothing is drawn, so there is no seed to choose");
  if (options.collisions && !has_collisions) {
    fail(*this, "draws no names that could collide; omit the collisions");
  }
  if (!reads_texts && (options.special || options.skip_unfit || options.first_answer_token)) {
    fail(*this,
         "makes its prompts itself; `special`, `skip-unfit` and `answer-token` are for prompts "
         "from files");
  }
  return {.prompts = options.prompts == 0 ? prompts : options.prompts,
          .seed = options.seed.value_or(seed.value_or(0)),
          .prepend_bos = prepends_bos(*this, model, options.prepend_bos),
          .corruption = chosen(*this, "corruption", corruptions, options.corruption),
          .prompt_type = chosen(*this, "prompt type", prompt_types, options.prompt_type),
          .collisions = options.collisions,
          .argument = options.argument,
          .special = options.special,
          .skip_unfit = options.skip_unfit,
          .first_answer_token = options.first_answer_token};
}

PromptSet Task::make(const TaskModel& model, const TaskOptions& options) const {
  if (!maker) {
    fail(*this, "the task has no function that makes its prompts; set Task::maker");
  }
  PromptSet set = maker.function_(model, completed(model, options));
  if (prepend_bos && !options.prepend_bos && !set.prepend_bos) {
    set.warnings.insert(set.warnings.begin(),
                        fmt::format("{} prepends BOS by default, which {}'s tokenizer does not "
                                    "have; the prompts are without it",
                                    name, model.cfg.model_name));
  }
  if (const std::int64_t distinct = set.n_distinct(); distinct < set.size()) {
    set.warnings.push_back(
        fmt::format("{} of {} prompts are distinct; the others repeat them, and errors, intervals "
                    "and tests count each once",
                    distinct, set.size()));
  }
  return set;
}

PromptSet Task::make(const HookedTransformer& model, const TaskOptions& options) const {
  return make(task_model(model), options);
}

CompletedOptions completed(const TaskModel& model, std::string_view name, TaskOptions options) {
  const Task& task = find(name);
  return task.completed(model, with_argument(task, name, std::move(options)));
}

}  // namespace patchbay::tasks

namespace patchbay {

PromptSet make_prompts(const tasks::TaskModel& model, std::string_view task,
                       const tasks::TaskOptions& options) {
  const tasks::Task& found = tasks::find(task);
  return found.make(model, tasks::with_argument(found, task, options));
}

PromptSet make_prompts(const HookedTransformer& model, std::string_view task,
                       const tasks::TaskOptions& options) {
  return make_prompts(tasks::task_model(model), task, options);
}

}  // namespace patchbay
