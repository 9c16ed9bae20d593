#include "patchbay/runs/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "patchbay/model/weight_processing.h"

namespace patchbay::runs {

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    constexpr auto kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%";
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

std::string command_line(const RunSpec& run) {
  if (run.experiment.prompt_limit) return "";
  std::vector<std::string> words = {"patchbay", "run",    run.experiment.name, "--model",
                                    run.model,  "--task", run.task.name};
  const auto add = [&](const std::string& option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  const tasks::TaskOptions& task = run.task.options;
  if (task.prompts > 0) add("--prompts", std::to_string(task.prompts));
  if (task.seed) add("--seed", std::to_string(*task.seed));
  add("--corruption", task.corruption);
  add("--prompt-type", task.prompt_type);
  if (task.collisions) words.emplace_back("--collisions");
  if (task.special) words.emplace_back("--special");
  if (task.skip_unfit) words.emplace_back("--skip-unfit");
  if (task.first_answer_token) add("--answer-token", "first");
  if (task.prepend_bos) words.emplace_back(*task.prepend_bos ? "--bos" : "--no-bos");
  add("--process", fmt::format("{}", fmt::join(names_of(run.process), ",")));
  for (const auto& [name, value] : run.experiment.settings) add("--" + name, value);
  return shell_line(words);
}

std::string command_line(const StudySpec& study, const std::string& name) {
  std::vector<std::string> words = {"patchbay", "study", name};
  if (study.model) words.insert(words.end(), {"--model", *study.model});
  if (study.special) words.emplace_back("--special");
  return shell_line(words);
}

}  // namespace patchbay::runs
