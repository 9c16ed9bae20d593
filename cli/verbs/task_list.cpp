// patchbay task list: the tasks, their corruptions, their positions and their defaults.
#include <fmt/format.h>

#include <optional>

#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/tasks/task.h"

namespace patchbay::cli::verbs {

const Verb& task_list();

namespace {

using tasks::Choice;
using tasks::Task;

std::string written(const Task& task) {
  return task.argument.empty() ? std::string(task.name)
                               : fmt::format("{}:{}", task.name, task.argument);
}

std::string seed_of(const Task& task) { return task.seed ? std::to_string(*task.seed) : ""; }

std::string text_of() {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"task"}, {"prompts", kRight}, {"seed", kRight}, {"BOS"}, {"what"}});
  Table choices({{"task"}, {"option"}, {"name"}, {"what"}});
  for (const Task* task : tasks::all()) {
    table.add({written(*task), task->prompts == 0 ? "all" : std::to_string(task->prompts),
               seed_of(*task), task->prepend_bos ? "yes" : "no", std::string(task->summary)});
    const auto add = [&](const char* option, std::span<const Choice> names) {
      for (const Choice& choice : names) {
        choices.add(
            {std::string(task->name), option, std::string(choice.name), std::string(choice.what)});
      }
    };
    add("--corruption", task->corruptions);
    add("--prompt-type", task->prompt_types);
  }
  return table.str() + "\n" + choices.str();
}

void write_choices(JsonWriter& json, std::string_view name, std::span<const Choice> choices) {
  json.key(name).begin_array();
  for (const Choice& choice : choices) {
    json.begin_object(JsonLayout::kInline).member("name", choice.name);
    json.member("what", choice.what).end_object();
  }
  json.end_array();
}

std::string json_of() {
  JsonWriter json;
  json.begin_object().key("tasks").begin_array();
  for (const Task* task : tasks::all()) {
    json.begin_object().member("name", task->name).member("written", written(*task));
    json.member("summary", task->summary).member("notes", task->notes);
    json.member("prompts", task->prompts == 0 ? std::nullopt : std::optional(task->prompts));
    json.member("seed", task->seed).member("prepend_bos", task->prepend_bos);
    json.member("has_collisions", task->has_collisions);
    write_choices(json, "corruptions", task->corruptions);
    write_choices(json, "prompt_types", task->prompt_types);
    write_choices(json, "positions", task->positions);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

int run_given(const Given& given) {
  write_output(given.flag("--json") ? json_of() : text_of());
  return 0;
}

}  // namespace

const Verb& task_list() {
  static const Verb verb = {.place = 61,
                            .path = "task list",
                            .what = "the tasks, their corruptions and their defaults",
                            .examples = "patchbay task list\npatchbay task list --json",
                            .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
